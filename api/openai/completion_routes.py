"""Serve completions of a bare prompt, and convert between texts and tokens."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.answering.answers import RunningAnswers, another
from api.answering.starting import begun
from api.answering.streams import Cutoff, EventStream, until_finished
from api.errors import OPENAI_REFUSALS
from api.identity import SignedIn, TokenHere
from api.openai.chat_answer import last_event
from api.openai.chat_parts import MessageIn, Whole
from api.openai.chat_routes import CLIENT_CLOSED, STREAMED
from api.openai.completion_answer import Completion, TextAnswer
from api.openai.completion_request import CompletionRequest
from api.openai.ignored import ignored_header, unknown
from api.services import PortalHere
from core.errors import InvalidInput
from core.inference.gateway import Gateway
from core.inference.records import Source
from core.inference.requests import GenerationRequest
from core.inference.running.answer import Answer
from core.people.records import User

router = APIRouter(prefix="/v1", tags=["OpenAI"], responses=OPENAI_REFUSALS)


@router.post("/completions", response_model=Completion, responses=STREAMED)
async def completions(
    body: CompletionRequest, request: Request, portal: PortalHere, user: SignedIn, token: TokenHere, reply: Response
) -> Completion | Response:
    """Continue the given prompts. If the client disconnects, the engine is freed."""
    wanted = body.generations(user)
    gateway = portal.gateway

    def start(number: int) -> Answer:
        return gateway.answer(user, another(wanted[number // body.answers], number % body.answers), Source.API)

    echoes = await begun(lambda: [prompt_text(gateway, user, one) if body.echo else "" for one in wanted])
    first = await begun(lambda: start(0))
    running = RunningAnswers(gateway, first, start, len(wanted) * body.answers)
    answer = TextAnswer(running, echoes, body.answers, tops=bool(body.logprobs))
    ignored = ignored_header([*body.ignored, *first.ignored])
    cutoff = Cutoff(portal.session_watch, token, user)
    if body.stream:
        return EventStream(answer.events(body.include_usage), running.leave, cutoff, last_event, ignored)
    reply.headers.update(ignored)
    items = await until_finished(running.deltas(), request.receive, running.leave, cutoff)
    return Response(status_code=CLIENT_CLOSED) if items is None else answer.whole(items)


def prompt_text(gateway: Gateway, user: User, request: GenerationRequest) -> str:
    """Return the text of a prompt, which may have been sent as tokens."""
    prompt = request.prompt
    if isinstance(prompt, str):
        return prompt.encode("utf-8", "replace").decode()  # half a surrogate pair has no bytes
    return b"".join(gateway.pieces(user, request.model, prompt or ()).pieces).decode("utf-8", "replace")


class TokenizeIn(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    model: str | None = Field(default=None, max_length=500)
    content: str | None = Field(default=None, description="A text; markers such as <|user|> in it are tokens.")
    prompt: str | None = Field(default=None, description="Another name of content.")
    messages: list[MessageIn] | None = Field(default=None, max_length=10_000, description="In place of a text: a conversation.")
    with_pieces: bool | None = Field(default=None, description="Answer each token with its text.")

    def generation(self, user: User) -> GenerationRequest:
        text = self.content if self.content is not None else self.prompt
        if text is not None:
            return GenerationRequest(messages=(), user_id=user.id, model=self.model or None, prompt=text)
        if not self.messages:
            raise InvalidInput("{field} is missing.", field="content")
        messages = tuple(message.message(index) for index, message in enumerate(self.messages))
        return GenerationRequest(messages=messages, user_id=user.id, model=self.model or None)


class TokenizeOut(BaseModel):
    model: str
    tokens: list[int | dict[str, Any]] = Field(description="Ids, or with pieces objects of id and piece: text, or bytes.")
    count: int
    max_model_len: int = Field(description="The tokens that prompt and answer share.")


@router.post("/tokenize")
async def tokenize(body: TokenizeIn, portal: PortalHere, user: SignedIn, reply: Response) -> TokenizeOut:
    """Return the tokens of a text or a conversation, as a model reads them."""
    wanted = body.generation(user)
    found = await begun(lambda: portal.gateway.prompt_tokens(user, wanted))
    tokens: list[int | dict[str, Any]] = list(found.tokens)
    if body.with_pieces:
        pieces = (await begun(lambda: portal.gateway.pieces(user, body.model or None, found.tokens))).pieces
        tokens = [{"id": token, "piece": _piece(piece)} for token, piece in zip(found.tokens, pieces, strict=True)]
    reply.headers.update(ignored_header(unknown(body.model_extra)))
    return TokenizeOut(model=found.model, tokens=tokens, count=len(tokens), max_model_len=found.context)


def _piece(piece: bytes) -> str | list[int]:
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return list(piece)


class DetokenizeIn(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    model: str | None = Field(default=None, max_length=500)
    tokens: list[Whole]


class DetokenizeOut(BaseModel):
    content: str
    prompt: str = Field(description="The same.")


@router.post("/detokenize")
async def detokenize(body: DetokenizeIn, portal: PortalHere, user: SignedIn, reply: Response) -> DetokenizeOut:
    """Return the text of tokens."""
    pieces = (await begun(lambda: portal.gateway.pieces(user, body.model or None, body.tokens))).pieces
    text = b"".join(pieces).decode("utf-8", "replace")
    reply.headers.update(ignored_header(unknown(body.model_extra)))
    return DetokenizeOut(content=text, prompt=text)
