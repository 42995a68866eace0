"""OpenAI's Responses. Nothing of them is stored here."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.answers import RunningAnswers
from api.errors import OPENAI_REFUSALS
from api.identity import SignedIn, TokenHere
from api.openai.chat_routes import CLIENT_CLOSED, STREAMED
from api.openai.ignored import ignored_header
from api.responses.response_answer import ResponseAnswer, ResponseOut
from api.responses.response_request import ResponseRequest
from api.services import PortalHere
from api.starting import begun
from api.streams import Cutoff, EventStream, until_finished
from core.inference.records import Source

router = APIRouter(prefix="/v1", tags=["OpenAI"], responses=OPENAI_REFUSALS)


@router.post("/responses", response_model=ResponseOut, responses=STREAMED)
async def responses(
    body: ResponseRequest, request: Request, portal: PortalHere, user: SignedIn, token: TokenHere
) -> Response:
    """Answer the given input. A client that goes away frees the engine."""
    wanted = body.generation(user)
    first = await begun(lambda: portal.gateway.answer(user, wanted, Source.API))
    running = RunningAnswers.one(portal.gateway, first)
    answer = ResponseAnswer(running, body.told())
    ignored = ignored_header([*body.ignored, *first.ignored])
    if body.stream:
        return EventStream(answer.events(), running.leave, Cutoff(portal.session_watch, token), answer.last, ignored)
    items = await until_finished(running.deltas(), request.receive, running.leave, Cutoff(portal.session_watch, token))
    if items is None:
        return Response(status_code=CLIENT_CLOSED)
    # In ASCII: what the request said, half a surrogate pair too, is said again.
    return Response(json.dumps(answer.whole(items)), media_type="application/json", headers=ignored)
