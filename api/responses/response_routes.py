"""Serve OpenAI's Responses: answer them, and read, cancel and delete stored ones."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.answering.answers import RunningAnswers
from api.answering.starting import begun
from api.answering.streams import Cutoff, EventStream, until_finished
from api.errors import OPENAI_REFUSALS
from api.identity import SignedIn, TokenHere
from api.openai.chat_routes import CLIENT_CLOSED, STREAMED
from api.openai.ignored import ignored_header
from api.responses.response_answer import Keep, ResponseAnswer, ResponseOut, response_head, response_id_of
from api.responses.response_parts import Item
from api.responses.response_request import ResponseRequest
from api.responses.stored_responses import body_of, earlier_items, record_of
from api.services import Portal, PortalHere
from core.errors import InvalidInput
from core.inference.records import Source
from core.people.records import User

router = APIRouter(prefix="/v1", tags=["OpenAI"], responses=OPENAI_REFUSALS)


@router.post("/responses", response_model=ResponseOut, responses=STREAMED)
async def responses(
    body: ResponseRequest, request: Request, portal: PortalHere, user: SignedIn, token: TokenHere
) -> Response:
    """Answer the given input. If the client disconnects, the engine is freed."""
    stored = _stores(portal, body)
    earlier = await run_in_threadpool(_earlier, portal, user, body.previous_response_id) if body.previous_response_id else []
    wanted = body.generation(user, earlier)
    if body.background:
        return await run_in_threadpool(_begin, portal, user, body)
    if stored:
        answer_id = uuid4().hex
        wanted = replace(wanted, id=answer_id, cached_for=response_id_of(answer_id))
    first = await begun(lambda: portal.gateway.answer(user, wanted, Source.API))
    running = RunningAnswers.one(portal.gateway, first)
    answer = ResponseAnswer(running, body.echoed(stored=stored), _keep(portal, user, body, first.created_at) if stored else None)
    ignored = ignored_header([*body.ignored, *first.ignored])
    cutoff = Cutoff(portal.session_watch, token, user)
    if body.stream:
        return EventStream(answer.events(), running.leave, cutoff, answer.last, ignored)
    items = await until_finished(running.deltas(), request.receive, running.leave, cutoff)
    if items is None:
        return Response(status_code=CLIENT_CLOSED)
    return _answered(await answer.whole(items), ignored)


def _stores(portal: Portal, body: ResponseRequest) -> bool:
    """Tell whether this response is to be stored. Raises InvalidInput if it cannot be."""
    rules = portal.responses.rules
    stored = rules.stores and rules.by_default if body.store is None else body.store
    if stored and not rules.stores:
        raise InvalidInput("Responses are not stored on this portal. Leave {field} out or send false.", field="store")
    if body.background and not stored:
        raise InvalidInput("A response in the background must be stored. Send store: true with {field}.", field="background")
    if body.background and body.stream:
        sentence = "A response in the background is not streamed. Leave {field} out and ask for the response by its id."
        raise InvalidInput(sentence, field="stream")
    return stored


def _earlier(portal: Portal, user: User, response_id: str) -> list[Item]:
    return earlier_items(portal.responses.history(user, response_id))


def _keep(portal: Portal, user: User, body: ResponseRequest, created_at: datetime) -> Keep:
    async def keep(response: dict[str, Any]) -> None:
        record = record_of(response, user.id, created_at, body.items())
        await run_in_threadpool(portal.responses.keep, user, record)

    return keep


def _begin(portal: Portal, user: User, body: ResponseRequest) -> Response:
    """Start a job that answers the request; the client fetches the response by its id."""
    now = portal.gateway.now()
    model = body.model or next((model.name for model in portal.gateway.chat_models(user)), "")
    response = {**response_head(response_id_of(uuid4().hex), now, model, "queued"), **body.echoed(stored=True)}
    request = body.model_dump(mode="json", exclude_none=True, by_alias=True)
    portal.responses.begin(user, record_of(response, user.id, now, body.items()), request)
    return _answered(response, ignored_header(body.ignored))


def _answered(response: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    # ASCII only: the response repeats the request, which may contain half a surrogate pair.
    return Response(json.dumps(response), media_type="application/json", headers=headers)


@router.get("/responses/{response_id}", response_model=ResponseOut)
def read(response_id: str, portal: PortalHere, user: SignedIn) -> Response:
    """Return a stored response; one in the background with its current status."""
    return _answered(body_of(*portal.responses.get(user, response_id)))


@router.post("/responses/{response_id}/cancel", response_model=ResponseOut)
def cancel(response_id: str, portal: PortalHere, user: SignedIn) -> Response:
    """Stop a response in the background."""
    return _answered(body_of(*portal.responses.cancel(user, response_id)))


class Deleted(BaseModel):
    id: str
    object: Literal["response"] = "response"
    deleted: bool = True


@router.delete("/responses/{response_id}")
def delete(response_id: str, portal: PortalHere, user: SignedIn) -> Deleted:
    """Delete a stored response. Responses that continue it can then no longer be continued."""
    portal.responses.delete(user, response_id)
    return Deleted(id=response_id)


class ItemsOut(BaseModel):
    object: Literal["list"] = "list"
    data: list[dict[str, Any]]
    first_id: str | None
    last_id: str | None
    has_more: bool = False


@router.get("/responses/{response_id}/input_items", response_model=ItemsOut)
def input_items(response_id: str, portal: PortalHere, user: SignedIn, order: Literal["asc", "desc"] = "desc") -> Response:
    """List the items of a stored response's input, without those of the responses that it continues."""
    stored, _ = portal.responses.get(user, response_id)
    items = json.loads(stored.input)
    if order == "desc":
        items.reverse()
    ids = [item["id"] for item in items]
    body = {"object": "list", "data": items, "first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None, "has_more": False}
    return _answered(body)
