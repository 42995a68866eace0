"""List the models. OpenAI's and Anthropic's clients ask at the same path; a header tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query

from api.anthropic.errors import VERSION_HEADER, AnthropicErrorBody
from api.errors import OPENAI_REFUSALS, OpenAIErrorBody
from api.identity import SignedIn
from api.model_lists import anthropic_list, openai_list
from api.services import PortalHere
from core.errors import NotFound

router = APIRouter(prefix="/v1", tags=["OpenAI"], responses=OPENAI_REFUSALS)

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
) -> openai_list.ModelsOut | anthropic_list.ModelsOut:
    """List the available models, the default for chats first; an adapter as model:adapter."""
    if version is not None:
        return anthropic_list.page(anthropic_list.ModelOut.all(portal.gateway.chat_models(user)), limit, after_id, before_id)
    return openai_list.ModelsOut(data=openai_list.ModelOut.all(portal.gateway.models(user)))


@router.get("/models/{name:path}", responses=_IN_EITHER_SHAPE)
def model(name: str, portal: PortalHere, user: SignedIn, version: VersionHere = None) -> openai_list.ModelOut | anthropic_list.ModelOut:
    """Describe one model."""
    listed: Sequence[openai_list.ModelOut | anthropic_list.ModelOut]
    if version is None:
        listed = openai_list.ModelOut.all(portal.gateway.models(user))
    else:
        listed = anthropic_list.ModelOut.all(portal.gateway.chat_models(user))
    for each in listed:
        if each.id == name:
            return each
    raise NotFound("No model is named {model}. GET /v1/models lists the available models.", model=name[:200])
