"""Declare the repository of experiments and their figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from core.experiments.records import Experiment, PersonFigures, SideFigures
from core.inference.offers import Split


class ExperimentRepository(Protocol):
    """Stores experiments, and adds up the generation rows of their variants."""

    def add(self, experiment: Experiment) -> None: ...
    def save(self, experiment: Experiment) -> None:
        """Store state, end, passed guardrail, and who gets B."""
        ...

    def get(self, experiment_id: str) -> Experiment | None: ...
    def for_change(self, experiment_id: str) -> Experiment | None:
        """Read an experiment and lock it until the transaction ends."""
        ...

    def all(self, limit: int) -> Sequence[Experiment]:
        """List experiments, newest first."""
        ...

    def splits(self) -> Sequence[Split]:
        """Return the splits of all experiments that run or whose B was promoted."""
        ...

    def figures(self, variant: str, since: datetime | None = None) -> SideFigures:
        """Add up the rows of a variant by person. Answers from the result cache have no times."""
        ...

    def daily(self, variant: str, since: datetime) -> Sequence[tuple[date, PersonFigures]]:
        """Add up the rows of a variant by day (UTC) and person, the first day first. Ratings count on the day of their answer."""
        ...
