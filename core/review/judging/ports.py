"""Declare the repositories of guidelines, questions and judgements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.review.judging.records import Guidelines, Judgement, Question, QuestionSet


class GuidelinesRepository(Protocol):
    """Stores every version of the guidelines."""

    def latest(self) -> Guidelines | None: ...
    def for_change(self) -> Guidelines | None:
        """Return the newest version, and let nobody else add one until the transaction ends."""
        ...

    def get(self, version: int) -> Guidelines | None: ...
    def versions(self, limit: int) -> Sequence[Guidelines]:
        """Return the newest versions, newest first."""
        ...

    def add(self, text: str, author_id: str, at: datetime) -> int:
        """Store the next version, and return its number. Call for_change first."""
        ...


class QuestionSetRepository(Protocol):
    """Stores every version of the questions."""

    def latest(self) -> QuestionSet | None: ...
    def for_change(self) -> QuestionSet | None:
        """Return the newest version, and let nobody else add one until the transaction ends."""
        ...

    def get(self, version: int) -> QuestionSet | None: ...
    def versions(self, limit: int) -> Sequence[QuestionSet]:
        """Return the newest versions, newest first."""
        ...

    def add(self, questions: Sequence[Question], author_id: str, at: datetime) -> int:
        """Store the next version, and return its number. Call for_change first."""
        ...


class JudgementRepository(Protocol):
    """Stores judgements. They are deleted with their case."""

    def of_case(self, case_id: str) -> Sequence[Judgement]:
        """Return the judgements of a case, the first one first."""
        ...

    def put(self, judgement: Judgement, texts: frozenset[str]) -> None:
        """Insert a judgement, or replace the one with its id. texts: the questions whose answers are texts."""
        ...
