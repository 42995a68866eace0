"""List the models in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field

from core.inference.records import ServedModel
from core.models.records import ModelKind


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
