"""Declare the repository of generation rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from core.inference.records import Generation
from core.usage.records import RatedGeneration, UsagePart
from core.usage.totals import CountedAnswers


class GenerationRepository(Protocol):
    """Stores generation rows and counts them."""

    def add(self, generation: Generation) -> None: ...
    def costs_of(self, ids: Sequence[str]) -> Sequence[tuple[float | None, str]]:
        """Return the cost and the currency of each of these rows that exists. An answer from the result cache costs 0."""
        ...

    def counted(self, first: date, last: date, model: str | None = None, group: str | None = None) -> CountedAnswers:
        """Add up the rows of these days (UTC, both included)."""
        ...

    def rated(self, since: datetime, until: datetime, model: str | None = None, group: str | None = None) -> Sequence[RatedGeneration]:
        """List rows created in [since, until), oldest first, each with its answer's rating."""
        ...

    def parts(self, first: date, last: date, model: str | None = None, group: str | None = None) -> Sequence[UsagePart]:
        """Count the rows of these days (UTC, both included) by day, source and person."""
        ...

    def costs(self, since: datetime) -> Mapping[str, float]:
        """Return the total cost of each platform since this time. Platforms without costs are left out."""
        ...

    def models(self) -> Sequence[str]: ...
    def models_of(self, user_id: str) -> Sequence[str]:
        """Return the models whose answers are in this person's conversations, by name."""
        ...

    def groups(self) -> Sequence[str]: ...
