"""Declare the repositories of review cases and of saved views."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.review.cases.records import CaseEvent, CaseFilter, CaseLock, CaseState, ReviewCase, SavedView

Position = tuple[int, int]
"""Where a page of cases ends: the rank of the priority, and the number."""

Groups = Collection[str] | None
"""Only cases of people of these groups; None for all."""


class CaseRepository(Protocol):
    """Stores cases and their history. A case is deleted with its rating.

    groups: all other cases are passed over, also where cases are counted.
    """

    def add(self, case: ReviewCase) -> int:
        """Insert a case with the next number, which it returns. case.number is ignored."""
        ...

    def get(self, number: int, groups: Groups = None) -> ReviewCase | None: ...
    def of_feedback(self, feedback_id: str) -> ReviewCase | None: ...
    def for_change(self, number: int, groups: Groups = None) -> ReviewCase | None:
        """Read a case and lock its row until the transaction ends."""
        ...

    def find(self, filter: CaseFilter, limit: int, after: Position | None = None) -> Sequence[ReviewCase]:
        """List cases, the highest priority first, then the newest."""
        ...

    def count(self, filter: CaseFilter) -> int: ...
    def save(self, case: ReviewCase) -> None:
        """Store all fields that can change, except the lock."""
        ...

    def set_lock(self, case_id: str, lock: CaseLock | None) -> None: ...
    def alike(self, case: ReviewCase, limit: int, groups: Groups = None) -> Sequence[ReviewCase]:
        """Return other cases with the same question, newest first."""
        ...

    def outcomes(self, limit: int, rating: int, groups: Groups = None) -> Sequence[tuple[str, CaseState]]:
        """Return question keys with the outcomes of cases with this rating, of the newest closed; the one closed first at the beginning."""
        ...

    def of_rater(self, user_id: str, filter: CaseFilter, limit: int, before: int | None = None) -> Sequence[ReviewCase]:
        """List the cases of a person's own ratings, newest first. before: only cases with a lower number."""
        ...

    def count_of_rater(self, user_id: str, filter: CaseFilter) -> int: ...
    def tags(self, groups: Groups = None) -> Mapping[str, int]:
        """Return all tags in use, with the number of their cases."""
        ...

    def record(self, event: CaseEvent) -> None: ...
    def history(self, case_id: str) -> Sequence[CaseEvent]:
        """Return the history of a case, oldest first."""
        ...

    def revealed_at(self, case_id: str, user_id: str, since: datetime) -> datetime | None:
        """Return when this person last revealed the names of a case, if that was after `since`."""
        ...

    def reveals_of_rater(self, user_id: str, limit: int) -> Sequence[tuple[ReviewCase, CaseEvent]]:
        """List who saw the names in the cases of a person's own ratings, newest first."""
        ...

    def touched_by(self, user_id: str, since: datetime, states: Collection[CaseState] | None = None) -> int:
        """Count the cases that a person changed since then. states: count only cases that the person put into one of these."""
        ...

    def feedback_without_case(self, limit: int) -> Sequence[str]:
        """Return ids of ratings that have no case, oldest first."""
        ...

    def without_key(self, limit: int) -> Sequence[ReviewCase]:
        """Return cases that have no question key although their question is stored."""
        ...


class SavedViewRepository(Protocol):
    def of_user(self, user_id: str) -> Sequence[SavedView]: ...
    def shared_by_others(self, user_id: str) -> Sequence[SavedView]:
        """Return the views that other reviewers share, by name, with their owners."""
        ...

    def put(self, user_id: str, view: SavedView, at: datetime) -> None: ...
    def remove(self, user_id: str, view_id: str) -> None: ...
