"""Decide which answers may be cached, and under which key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from hashlib import sha256

from core.inference.records import ServedModel, Source
from core.inference.requests import ChatMessage, GenerationRequest
from core.models.records import ModelKind

FORMAT = 1
"""Raise it when a change renders the same request differently."""
SOURCES = frozenset({Source.CHAT, Source.API})


@dataclass(slots=True)
class CacheDirective:
    """How a REST request uses the result cache, and the result."""

    bypass: bool = False
    result: str = ""
    """"hit" or "miss"; empty where the cache was not asked."""


cache_directive: ContextVar[CacheDirective | None] = ContextVar("cache_directive", default=None)
"""Set by the REST middleware for each request."""


def is_repeatable(request: GenerationRequest, source: Source) -> bool:
    """Tell whether the same request gives the same answer, and that may be kept.

    It is greedy or has a seed. Log-probabilities are not kept, nor anything of a chat that is not stored.
    """
    if source not in SOURCES or (source is Source.CHAT and not request.conversation_id):
        return False
    params = request.params
    return (params.temperature == 0 or params.seed is not None) and params.logprobs is None and request.adapter is None


def version_of(request: GenerationRequest, served: Sequence[ServedModel]) -> str:
    """Return the version of the model that answers; "" where nobody can tell before it does. An adapter changes the version."""
    chat = (model for model in served if model.kind is ModelKind.CHAT)
    found = next((model for model in chat if request.model in (None, model.name, *model.targets)), None)
    return found.version if found is not None and not found.guide else ""


def key_of(request: GenerationRequest, version: str, scope: str) -> str:
    """Hash what decides an answer: the model's file, what it reads, how it samples, and for whom it may be kept."""
    decides = [
        FORMAT, scope, version, request.model if request.model and "@" in request.model else "", request.prompt, request.suffix,
        [_read(each) for each in request.messages], asdict(request.params), request.thinking, [asdict(each) for each in request.tools],
        request.tool_choice, request.required_tool, request.continued, request.guard,
    ]  # fmt: skip
    return sha256(json.dumps(decides, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


def _read(message: ChatMessage) -> object:
    """Return the parts of a message that the model reads; images as hashes."""
    return [[each.sha256 for each in message.images], asdict(replace(message, images=()))]
