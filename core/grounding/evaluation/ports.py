"""Declare the labelled set and the repository of results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from core.grounding.evaluation.records import Evaluation, LabelledSet


class LabelledImages(Protocol):
    """Reads labelled images."""

    def load(self) -> LabelledSet:
        """Read the labelled set that comes with the portal."""
        ...


class EvaluationRepository(Protocol):
    """Stores the results of evaluations."""

    def put(self, evaluation: Evaluation) -> None:
        """Store a result, replacing one with the same id."""
        ...

    def newest(self, limit: int, model: str | None = None) -> Sequence[Evaluation]:
        """Return the newest results first, of all models or of one."""
        ...

    def trim(self, model: str, keep: int) -> None:
        """Delete all but the newest `keep` results of a model."""
        ...
