"""Declare the search index, its jobs and the reconciler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from core.review.records import Feedback
from core.search.records import Reconciliation, RejectedIndexJob, SearchHit, SearchPage, SearchQuery


class SearchIndex(Protocol):
    """Searches the index."""

    engine: str
    """"sqlite", "postgresql", "elasticsearch", or "none" where search is off."""

    def search(self, query: SearchQuery) -> Sequence[SearchHit]:
        """Search for words; all must match. Returns the best first. Raises Unavailable."""
        ...

    def page(self, query: SearchQuery) -> SearchPage:
        """Return the matches, newest first, continued by `query.after`. Raises Unavailable."""
        ...


class IndexJobs(Protocol):
    """Changes that the index has not received yet."""

    def pending(self) -> int:
        """Count the pending changes. Raises Unavailable."""
        ...

    def behind(self, now: datetime) -> float:
        """Return the age in seconds of the oldest pending change; 0 if there is none. Raises Unavailable."""
        ...


class IndexKeeper(IndexJobs, Protocol):
    """Rebuilds the index."""

    def is_rebuilding(self) -> bool: ...
    def rebuild(self) -> None:
        """Start to build a new index while this one stays in use. Raises Unavailable."""
        ...


class RejectedIndexJobs(Protocol):
    """Changes that the index rejected permanently. All methods raise Unavailable."""

    def count(self) -> int: ...
    def oldest(self, limit: int, after: int = 0) -> Sequence[RejectedIndexJob]: ...
    def retry(self, number: int | None) -> int:
        """Queue one rejected change again, or all of them for None; returns how many."""
        ...


class Reconciler(Protocol):
    """Compares the database and the index."""

    def reconcile(self, report: Callable[[float], None]) -> Reconciliation:
        """Compare the database and the index, and repair differences. An exception raised by `report` ends it. Raises Unavailable."""
        ...


class Names(Protocol):
    """Takes names out of what reviewers read."""

    def hide(self, rating: Feedback) -> Callable[[str], str]: ...
