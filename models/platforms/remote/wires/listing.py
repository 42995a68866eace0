"""Read a platform's list of models. Servers of one protocol add different fields; everything but the id is optional."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.models.records import ModelKind

MAX_MODELS = 2_000
_KINDS = {
    "chat": ModelKind.CHAT,
    "llm": ModelKind.CHAT,
    "embedding": ModelKind.EMBEDDING,
    "embeddings": ModelKind.EMBEDDING,
    "reranking": ModelKind.RERANKING,
    "rerank": ModelKind.RERANKING,
}
_CONTEXTS = ("context_window", "max_model_len", "context_length", "max_context_length", "n_ctx")
"""Field names of portals, vLLM and SGLang, Xinference and OpenRouter, and others."""


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model as its platform lists it."""

    id: str
    kind: ModelKind
    context: int | None = None
    thinking: bool | None = None
    """None: the platform does not say."""
    tools: bool | None = None
    vision: bool | None = None
    owner: str = ""
    loaded: bool | None = None
    """Whether it is in memory; None: the platform does not say."""
    version: str = ""
    """The version that a detector names."""


def listed_model(entry: Mapping[str, Any]) -> ListedModel | None:
    """Read an entry of /v1/models; None if it is not one."""
    name = entry.get("id") or entry.get("name")
    if not isinstance(name, str) or not name or len(name) > 200:
        return None
    abilities = {str(each).lower() for key in ("capabilities", "model_ability") for each in _list(entry.get(key))}
    return ListedModel(
        id=name,
        kind=_kind(entry, name, abilities),
        context=_context(entry),
        thinking=bool(abilities & {"thinking", "reasoning", "hybrid"}) if abilities else None,
        tools=bool(abilities & {"tools", "tool-call", "tool_calls"}) if abilities else None,
        vision="vision" in abilities if abilities else None,
        owner=str(entry.get("owned_by") or "")[:80],
    )


def _kind(entry: Mapping[str, Any], name: str, abilities: set[str]) -> ModelKind:
    for key in ("kind", "model_type", "type", "task"):
        found = _KINDS.get(str(entry.get(key)).lower())
        if found is not None:
            return found
    if "embedding" in abilities or "embed" in abilities:
        return ModelKind.EMBEDDING
    lower = name.lower()
    if "rerank" in lower:
        return ModelKind.RERANKING
    return ModelKind.EMBEDDING if "embed" in lower or lower.startswith(("bge-", "e5-")) else ModelKind.CHAT


def _context(entry: Mapping[str, Any]) -> int | None:
    meta = entry.get("meta")
    values = [entry.get(key) for key in _CONTEXTS] + ([meta.get("n_ctx"), meta.get("n_ctx_train")] if isinstance(meta, Mapping) else [])
    return next((value for value in values if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9), None)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
