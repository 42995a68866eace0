"""Define requests for embeddings and rankings, and their results: a row of numbers for each text."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.errors import InvalidInput
from core.inference.records import Routing, Timings, Usage

MAX_INPUTS = 2_048
"""Most texts in one request, as with OpenAI."""


class InputTooLong(InvalidInput):
    """One of several inputs has `tokens` tokens; the model reads `limit` at most."""

    code = "prompt_too_long"

    def __init__(self, field: str, tokens: int, limit: int) -> None:
        super().__init__(
            "{field} is too large: it has {tokens} tokens, and the model's limit is {limit}. Shorten it, or send truncate: true.",
            field=field,
            tokens=tokens,
            limit=limit,
        )


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """inputs: texts, or lists of token ids. dimensions: keep so many of each vector's numbers."""

    inputs: tuple[str | tuple[int, ...], ...]
    user_id: str
    model: str | None = None
    """None takes the first embedding model."""
    group: str = ""
    """The person's group, for routes."""
    denied_models: frozenset[str] = frozenset()
    """Models that the person may not use."""
    dimensions: int | None = None
    truncate: bool = False
    """Cut inputs that are longer than the model can read, at their end; else they are refused."""

    def __post_init__(self) -> None:
        _check_count("input", self.inputs)
        for index, one in enumerate(self.inputs):
            if one == ():
                raise InvalidInput("{field} is empty.", field=f"input.{index}")
            if not isinstance(one, str) and not all(0 <= token < 2**31 for token in one):
                raise InvalidInput("{field} contains a number that is not a token id.", field=f"input.{index}")
        if self.dimensions is not None and self.dimensions < 1:
            raise InvalidInput("{name} must be at least {low}.", name="dimensions", low=1)


@dataclass(frozen=True, slots=True)
class RerankRequest:
    """A request to rank documents by how well they answer the query."""

    query: str
    documents: tuple[str, ...]
    user_id: str
    model: str | None = None
    """None takes the first reranking model."""
    group: str = ""
    """The person's group, for routes."""
    denied_models: frozenset[str] = frozenset()
    """Models that the person may not use."""
    truncate: bool = False
    """Cut documents so that query and document fit together; else they are refused."""

    def __post_init__(self) -> None:
        _check_count("documents", self.documents)
        if not self.query:
            raise InvalidInput("{field} is empty.", field="query")


def _check_count(field: str, items: Sequence[object]) -> None:
    if not 1 <= len(items) <= MAX_INPUTS:
        raise InvalidInput("{field} must have 1 to {most} texts; it has {n}.", field=field, most=f"{MAX_INPUTS:,}", n=f"{len(items):,}")


@dataclass(frozen=True, slots=True)
class Embedded:
    """rows: a float32 array for each input, in order. An embedding has length 1; a reranker's row is one relevance, 0 to 1."""

    rows: tuple[array[float], ...]
    usage: Usage
    timings: Timings


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedder:
    """The model that would compute a request now. version: changes with the weights."""

    model: str
    version: str
    platform: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedVector:
    """key: a hash of model and text. tokens: of the text, estimated where the model reports only a total."""

    key: str
    vector: array[float]
    tokens: int


class RunningEmbedding(Protocol):
    @property
    def model(self) -> str: ...
    @property
    def model_version(self) -> str: ...
    @property
    def platform(self) -> str: ...
    @property
    def routing(self) -> Routing | None:
        """Return why it is computed where it is; None if no platforms are configured."""
        ...

    def result(self) -> Embedded:
        """Block until all inputs are computed. Raises ModelFailed, Unavailable; Cancelled after cancel()."""
        ...

    def cancel(self) -> None:
        """Stop computing it, from any thread."""
        ...


class Cancelled(Exception):
    """The caller cancelled the request."""
