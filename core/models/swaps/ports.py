"""Declare how a model is replaced step by step, and the repository of swaps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from core.changes.records import ChangeMarker
from core.inference.requests import GenerationRequest
from core.models.load_settings import LoadSettings
from core.models.records import LoadedModel
from core.models.swaps.records import CanaryQuestion, Decision, ReplayQuestion, Swap, SwapPlan, Trial, VersionStats


class Succession(Protocol):
    """The replacement of one version of a model by another, step by step. Used by one thread only."""

    def hold(self) -> None:
        """Make new questions wait, because the old version is unloaded before the new one is loaded."""
        ...

    def leaving(self) -> int:
        """Count the answers that still run on the outgoing version."""
        ...

    def free_leaving(self) -> bool:
        """Stop the answers on the outgoing version and free its memory. Returns False if they did not stop."""
        ...

    def load(self) -> None:
        """Start loading the new version; candidate() shows the progress. Raises InvalidInput, Unavailable."""
        ...

    def candidate(self) -> LoadedModel: ...
    def ask(self, request: GenerationRequest, question: str, limit_s: float) -> Trial:
        """Have the new version answer a question. A failure is part of the result."""
        ...

    def share(self, percent: int) -> None:
        """Send this percentage of new questions to the new version, and count how the answers of both versions end."""
        ...

    def stats(self) -> tuple[VersionStats, VersionStats]:
        """Return how the answers of the old and of the new version ended."""
        ...

    def switch(self) -> None:
        """Make the new version answer under the model's name from now on."""
        ...

    def roll_back(self) -> None:
        """Make the old version serve again at any stage of the swap, and free the new one once its answers have ended.

        The old version is loaded again if it was unloaded. Raises PortalError if that fails.
        """
        ...


class Successions(Protocol):
    """Plans and begins swaps in this process."""

    def plan(self, model: str, path: Path, settings: LoadSettings | None) -> SwapPlan:
        """Plan a swap. Raises NotFound, Conflict (not serving), InvalidInput (the file is unusable, or does not fit even alone).

        settings: None takes those of the serving version.
        """
        ...

    def settings(self, model: str) -> LoadSettings:
        """Return how the serving version was loaded. Raises NotFound."""
        ...

    def path(self, model: str) -> Path:
        """Return the file of the serving version. Raises NotFound."""
        ...

    def begin(self, model: str, path: Path, settings: LoadSettings) -> Succession:
        """Check the plan again and begin, without loading anything yet. Raises as `plan` does."""
        ...


class PatternFinder(Protocol):
    """Evaluates regular expressions of admins within a time limit."""

    def check(self, pattern: str) -> None:
        """Raise InvalidInput unless the pattern is a valid regular expression."""
        ...

    def found(self, pattern: str, text: str) -> bool:
        """Tell whether the pattern matches anywhere in the text. Raises InvalidInput if that takes too long."""
        ...


class SwapRepository(Protocol):
    """Stores swaps, canary questions, replay questions and change markers."""

    def add(self, swap: Swap) -> None: ...
    def save(self, swap: Swap) -> None:
        """Write all fields except the decision."""
        ...

    def get(self, swap_id: str) -> Swap | None: ...
    def newest(self, limit: int, model: str | None = None) -> Sequence[Swap]: ...
    def active(self, server: str) -> Sequence[Swap]: ...
    def decide(self, swap_id: str, decision: Decision | None) -> None:
        """Store an admin's decision; None once it has been carried out."""
        ...

    def decision(self, swap_id: str) -> Decision | None: ...
    def canaries(self) -> Sequence[CanaryQuestion]: ...
    def add_canary(self, canary: CanaryQuestion) -> None: ...
    def remove_canary(self, canary_id: str) -> bool: ...
    def replays(self, model: str | None = None) -> Sequence[ReplayQuestion]: ...
    def add_replay(self, replay: ReplayQuestion) -> None: ...
    def remove_replay(self, replay_id: str) -> bool: ...
    def mark(self, marker: ChangeMarker) -> None: ...
    def markers(self, first: datetime, last: datetime) -> Sequence[ChangeMarker]:
        """Return the markers in [first, last), oldest first."""
        ...
