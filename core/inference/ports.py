"""Declare the router, which finds the model for a request, and the repository of what is offered to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from core.inference.offers import AccessRule, Preset
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


class OfferRepository(Protocol):
    """Stores presets, access rules and the default models of groups."""

    def presets(self) -> Sequence[Preset]:
        """Return all presets by name, drafts too."""
        ...

    def preset(self, name: str) -> Preset | None: ...
    def put_preset(self, preset: Preset) -> None:
        """Insert a preset, or replace the one with its name; created_at stays."""
        ...

    def remove_preset(self, name: str) -> bool:
        """Delete a preset with its access rule. Returns False if there is none."""
        ...

    def rules(self) -> Sequence[AccessRule]: ...
    def put_rule(self, rule: AccessRule) -> None:
        """Replace the rule of its model; one without roles and groups removes it."""
        ...

    def group_models(self) -> Mapping[str, str]:
        """Return the default models by group."""
        ...

    def put_group_model(self, group: str, model: str | None) -> None:
        """Set the default model of a group; None removes it."""
        ...

    def rename_group(self, old: str, new: str) -> None:
        """Let access rules and the default model of a group follow its new name."""
        ...
