"""Serve OpenAI's models and chat completions, so that its clients work unchanged. No chats are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.answering.answers import RunningAnswers, another
from api.answering.starting import begun
from api.answering.streams import Cutoff, EventStream, until_finished
from api.anthropic import model_list
from api.anthropic.errors import VERSION_HEADER, AnthropicErrorBody
from api.errors import OPENAI_REFUSALS, OpenAIErrorBody
from api.identity import SignedIn, TokenHere
from api.openai.chat_answer import ChatAnswer, ChatCompletion, last_event
from api.openai.chat_request import ChatRequest
from api.openai.ignored import ignored_header
from api.services import PortalHere
from core.errors import NotFound
from core.inference.records import ServedModel, Source
from core.models.records import ModelKind

router = APIRouter(prefix="/v1", tags=["OpenAI"], responses=OPENAI_REFUSALS)

STREAMED: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "The answer, or its chunks with stream true."}
}
CLIENT_CLOSED = 499
"""The status that nginx logs for a client that disconnected; no client receives it."""


class ModelOut(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "portal"
    context_window: int
    kind: Literal["chat", "embedding", "reranking", "detection"] = Field(description="Extension: what the model is for.")

    parent: str | None = Field(default=None, description="The model of an adapter or a preset.")
    capabilities: list[str] = Field(default=[], description="Extension: thinking, tools, vision, as far as known.")

    @staticmethod
    def all(models: Sequence[ServedModel]) -> list[ModelOut]:
        """Return each model, and each with each of its adapters."""
        return [
            ModelOut(
                id=name, owned_by=model.owner, context_window=model.context, kind=model.kind.value, capabilities=_capabilities(model),
                parent=model.preset_of or (model.name if name != model.name else None),
            )
            for model in models
            for name in model.names
        ]


def _capabilities(model: ServedModel) -> list[str]:
    if model.kind is not ModelKind.CHAT:
        return []
    able = {"thinking": model.thinking, "tools": model.tools is not False and not model.guide, "vision": model.vision is True}
    return [name for name, can in able.items() if can]


class ModelsOut(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelOut]


_IN_EITHER_SHAPE: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": OpenAIErrorBody | AnthropicErrorBody, "description": "Refused, with the reason."}
}
VersionHere = Annotated[str | None, Header(alias=VERSION_HEADER, description="Asks for Anthropic's shape.")]


@router.get("/models", responses=_IN_EITHER_SHAPE)
def models(
    portal: PortalHere,
    user: SignedIn,
    version: VersionHere = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Anthropic's shape only.")] = 20,
    after_id: Annotated[str | None, Query(max_length=500, description="Anthropic's shape only.")] = None,
    before_id: Annotated[str | None, Query(max_length=500, description="Anthropic's shape only.")] = None,
) -> ModelsOut | model_list.ModelsOut:
    """List the available models, the default for chats first; an adapter as model:adapter."""
    if version is not None:
        return model_list.page(model_list.ModelOut.all(portal.gateway.chat_models(user)), limit, after_id, before_id)
    return ModelsOut(data=ModelOut.all(portal.gateway.models(user)))


@router.get("/models/{name:path}", responses=_IN_EITHER_SHAPE)
def model(name: str, portal: PortalHere, user: SignedIn, version: VersionHere = None) -> ModelOut | model_list.ModelOut:
    """Describe one model."""
    listed: Sequence[ModelOut | model_list.ModelOut] = (
        ModelOut.all(portal.gateway.models(user)) if version is None else model_list.ModelOut.all(portal.gateway.chat_models(user))
    )
    for each in listed:
        if each.id == name:
            return each
    raise NotFound("No model is named {model}. GET /v1/models lists the available models.", model=name[:200])


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
