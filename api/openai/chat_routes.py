"""Serve OpenAI's chat completions, so that its clients work unchanged. No chats are stored."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.answering.answers import RunningAnswers, another
from api.answering.starting import begun
from api.answering.streams import Cutoff, EventStream, until_finished
from api.errors import OPENAI_REFUSALS
from api.identity import SignedIn, TokenHere
from api.openai.chat_answer import ChatAnswer, ChatCompletion, last_event
from api.openai.chat_request import ChatRequest
from api.openai.ignored import ignored_header
from api.services import PortalHere
from core.inference.records import Source

router = APIRouter(prefix="/v1", tags=["OpenAI"], responses=OPENAI_REFUSALS)

STREAMED: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "The answer, or its chunks with stream true."}
}
CLIENT_CLOSED = 499
"""The status that nginx logs for a client that disconnected; no client receives it."""


@router.post("/chat/completions", response_model=ChatCompletion, responses=STREAMED)
async def chat_completions(
    body: ChatRequest, request: Request, portal: PortalHere, user: SignedIn, token: TokenHere, reply: Response
) -> ChatCompletion | Response:
    """Answer the given messages. If the client disconnects, the engine is freed."""
    wanted = body.generation(user)
    gateway = portal.gateway
    first = await begun(lambda: gateway.answer(user, wanted, Source.API))
    running = RunningAnswers(gateway, first, lambda number: gateway.answer(user, another(wanted, number), Source.API), body.answers)
    answer = ChatAnswer(running)
    ignored = ignored_header([*body.ignored, *first.ignored])
    cutoff = Cutoff(portal.session_watch, token, user)
    if body.stream:
        events = answer.events(body.include_usage)
        return EventStream(events, running.leave, cutoff, last_event, ignored, lambda write: answer.send_by(write, body.include_usage))
    reply.headers.update(ignored)
    items = await until_finished(running.deltas(), request.receive, running.leave, cutoff)
    return Response(status_code=CLIENT_CLOSED) if items is None else answer.whole(items)
