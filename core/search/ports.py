"""Declare the search index, its jobs and the reconciler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from core.search.records import ParkedJob, Reconciliation, SearchHit, SearchPage, SearchQuery


class SearchIndex(Protocol):
    engine: str
    """"sqlite", "postgresql", "elasticsearch", or "none" where search is off."""

    def search(self, query: SearchQuery) -> Sequence[SearchHit]:
        """Best first. A word query: all words must occur. Raises Unavailable."""
        ...

    def page(self, query: SearchQuery) -> SearchPage:
        """The same words and filters, newest first, continued by `query.after`. Raises Unavailable."""
        ...


class IndexJobs(Protocol):
    """What the index does not know yet."""

    def pending(self) -> int:
        """Changes the index has still to take. Raises Unavailable."""
        ...

    def behind(self, now: datetime) -> float:
        """Seconds since the oldest change that waits for the index; 0 if none does. Raises Unavailable."""
        ...


class IndexKeeper(IndexJobs, Protocol):
    def is_rebuilding(self) -> bool: ...
    def rebuild(self) -> None:
        """Begin a new index beside this one. Raises Unavailable."""
        ...


class ParkedJobs(Protocol):
    """Changes the index refused for good. All raise Unavailable."""

    def count(self) -> int: ...
    def oldest(self, limit: int, after: int = 0) -> Sequence[ParkedJob]: ...
    def retry(self, number: int | None) -> int:
        """Queue one again, or all; returns how many."""
        ...


class Reconciler(Protocol):
    def reconcile(self, report: Callable[[float], None]) -> Reconciliation:
        """Compare the database and the index, and repair what differs. What `report` raises ends the work. Raises Unavailable."""
        ...
