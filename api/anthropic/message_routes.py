"""Serve Anthropic's Messages, so that its clients and the coding assistants made for it work unchanged. No chats are stored."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from api.answering.answers import RunningAnswers
from api.answering.starting import begun
from api.answering.streams import Cutoff, EventStream, until_finished
from api.anthropic.errors import AnthropicErrorBody
from api.anthropic.message_answer import MessageAnswer, MessageOut, last_event
from api.anthropic.message_request import CountIn, MessagesIn
from api.identity import SignedIn, TokenHere
from api.openai.chat_routes import CLIENT_CLOSED, STREAMED
from api.openai.ignored import ignored_header
from api.services import PortalHere
from core.inference.records import Source

REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": AnthropicErrorBody, "description": "Refused, with the reason."},
    422: {"model": AnthropicErrorBody, "description": "A field that is not as described."},
    502: {"model": AnthropicErrorBody, "description": "The model failed while it answered."},
    503: {"model": AnthropicErrorBody, "description": "The store, the disk or a model cannot do this now. Try again."},
}
router = APIRouter(prefix="/v1", tags=["Anthropic"], responses=REFUSALS)


class CountOut(BaseModel):
    input_tokens: int


@router.post("/messages", response_model=MessageOut, responses=STREAMED)
async def messages(
    body: MessagesIn, request: Request, portal: PortalHere, user: SignedIn, token: TokenHere, reply: Response
) -> MessageOut | Response:
    """Answer the given messages. If the client disconnects, the engine is freed."""
    wanted = body.generation(user)
    first = await begun(lambda: portal.gateway.answer(user, wanted, Source.API))
    running = RunningAnswers.one(portal.gateway, first)
    shows = body.thinking is None or body.thinking.display != "omitted"
    answer = MessageAnswer(running, body.max_tokens, shows_thoughts=shows)
    ignored = ignored_header([*body.ignored, *first.ignored])
    cutoff = Cutoff(portal.session_watch, token, user)
    if body.stream:
        return EventStream(answer.events(), running.leave, cutoff, last_event, ignored)
    reply.headers.update(ignored)
    items = await until_finished(running.deltas(), request.receive, running.leave, cutoff)
    return Response(status_code=CLIENT_CLOSED) if items is None else answer.whole(items)


@router.post("/messages/count_tokens")
async def count_tokens(body: CountIn, portal: PortalHere, user: SignedIn, reply: Response) -> CountOut:
    """Count the tokens that the model would read, without running it."""
    wanted = body.generation(user)
    reply.headers.update(ignored_header(body.ignored))
    return CountOut(input_tokens=len((await begun(lambda: portal.gateway.prompt_tokens(user, wanted))).tokens))
