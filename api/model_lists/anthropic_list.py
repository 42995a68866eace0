"""List the chat models in Anthropic's shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field

from core.errors import InvalidInput
from core.inference.records import ServedModel

NO_DATE = "1970-01-01T00:00:00Z"
"""Anthropic's value for a model whose release date is unknown."""


class ModelOut(BaseModel):
    type: Literal["model"] = "model"
    id: str
    display_name: str
    created_at: str = Field(default=NO_DATE, description="Always 1970: the portal does not know when a model was released.")
    lifecycle: Literal["active"] = "active"
    max_input_tokens: int = Field(description="The tokens that prompt and answer share.")
    max_tokens: int

    @staticmethod
    def all(models: Sequence[ServedModel]) -> list[ModelOut]:
        """Return each model, and each with each of its adapters."""
        return [
            ModelOut(id=name, display_name=name, max_input_tokens=model.context, max_tokens=model.context)
            for model in models
            for name in model.names
        ]


class ModelsOut(BaseModel):
    data: list[ModelOut]
    has_more: bool
    first_id: str | None
    last_id: str | None


def page(models: Sequence[ModelOut], limit: int, after: str | None, before: str | None) -> ModelsOut:
    """Return one page of the models: those after a name, or those before one. Raises InvalidInput for an unknown name."""
    names = [model.id for model in models]
    first, end = 0, len(names)
    if after is not None:
        first = _index(names, after, "after_id") + 1
    if before is not None:
        end = _index(names, before, "before_id")
        first = max(first, end - limit)
    chosen = models[first:end][:limit]
    more = first > 0 if before is not None else first + limit < end
    return ModelsOut(
        data=list(chosen),
        has_more=more,
        first_id=chosen[0].id if chosen else None,
        last_id=chosen[-1].id if chosen else None,
    )


def _index(names: Sequence[str], name: str, field: str) -> int:
    if name not in names:
        raise InvalidInput("{field} must be the id of a model. GET /v1/models lists them.", field=field)
    return names.index(name)
