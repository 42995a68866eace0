"""Declare the router, which finds the model for a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from core.inference.records import ServedModel
from core.inference.requests import GenerationRequest, PromptTokens, RunningGeneration
from core.inference.vectors import EmbeddingRequest, RerankRequest, RunningEmbedding


class Router(Protocol):
    """Finds the model for a request and starts it there."""

    def start(self, request: GenerationRequest) -> RunningGeneration:
        """Raises NotFound (no such model), Unavailable (none loaded), Busy (queue full), InvalidInput (prompt too long)."""
        ...

    def embed(self, request: EmbeddingRequest) -> RunningEmbedding:
        """Raises NotFound, Unavailable, Busy, and InvalidInput (a model of another kind, an input that is too long)."""
        ...

    def rerank(self, request: RerankRequest) -> RunningEmbedding:
        """One row of one number for each document. Raises as embed."""
        ...

    def prompt_tokens(self, request: GenerationRequest) -> PromptTokens:
        """What the model would read, without asking it. Raises NotFound, Unavailable, InvalidInput."""
        ...

    def pieces(self, model: str | None, tokens: Sequence[int]) -> PromptTokens:
        """The text of these tokens. Raises NotFound, Unavailable, InvalidInput (no such token)."""
        ...

    def models(self) -> Sequence[ServedModel]:
        """The models of every kind that can be asked now, the default for chats first."""
        ...
