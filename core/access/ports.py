"""Declare what limits need from the database: rules, counters and leases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.access.records import LimitRule


class LimitRepository(Protocol):
    """Counters are shared by all servers. A key has at most 200 characters."""

    def rules(self) -> Sequence[LimitRule]:
        """Return all rules, in a fixed order."""
        ...

    def rules_of(self, user_id: str, group: str, key_id: str | None) -> Sequence[LimitRule]:
        """Return the rules for everyone and for this person, group and key."""
        ...

    def put(self, rule: LimitRule) -> LimitRule:
        """Write a rule; it replaces the one for the same holder, measure and period, and keeps its id."""
        ...

    def get(self, rule_id: str) -> LimitRule | None: ...
    def remove(self, rule_id: str) -> None: ...
    def rename_group(self, old: str, new: str) -> None:
        """Let a group's limits follow its new name."""
        ...

    def used(self, key: str, since: datetime) -> int:
        """Return the count of a counter whose window began at `since`; 0 for an older window."""
        ...

    def count(self, key: str, since: datetime, amount: int) -> int:
        """Add to a counter in one statement and return the new count. An older window starts again at 0."""
        ...

    def running(self, key: str, now: datetime) -> int:
        """Return how many leases of a key are live."""
        ...

    def lease(self, key: str, lease_id: str, now: datetime, until: datetime, most: int) -> bool:
        """Add a lease unless `most` are live. Concurrent callers never exceed it."""
        ...

    def extend(self, lease_id: str, until: datetime) -> None: ...
    def release(self, lease_id: str) -> None: ...
    def remove_before(self, moment: datetime) -> None:
        """Delete counters and leases that ended before."""
        ...
