"""Count limits in Redis, and in the database while Redis is unavailable. The rules stay in the database."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from data.limits.limit_counters import CountersUnavailable, LimitCounters
from data.repositories.access.limits import SqlLimitRepository
from data.transaction import Transaction


class CountedLimitRepository(SqlLimitRepository):
    """Counts in Redis, which has no part in the transaction: counts are taken back if the transaction is not committed."""

    def __init__(self, transaction: Transaction, counters: LimitCounters) -> None:
        super().__init__(transaction)
        self._in_database = SqlLimitRepository(transaction)
        self._counters = counters
        self._counted: list[tuple[str, datetime, int]] = []
        self._leased: list[str] = []

    def used(self, key: str, since: datetime) -> int:
        try:
            return self._counters.used(key, since)
        except CountersUnavailable:
            return self._in_database.used(key, since)

    def count(self, key: str, since: datetime, amount: int) -> int:
        try:
            count = self._counters.count(key, since, amount)
        except CountersUnavailable:
            return self._in_database.count(key, since, amount)
        self._counted.append((key, since, amount))
        return count

    def running(self, key: str, now: datetime) -> int:
        try:
            return self._counters.running(key, now)
        except CountersUnavailable:
            return self._in_database.running(key, now)

    def lease(self, key: str, lease_id: str, now: datetime, until: datetime, most: int) -> bool:
        try:
            leased = self._counters.lease(key, lease_id, now, until, most)
        except CountersUnavailable:
            return self._in_database.lease(key, lease_id, now, until, most)
        if leased:
            self._leased.append(lease_id)
        return leased

    def extend(self, lease_id: str, until: datetime) -> None:
        self._in_database.extend(lease_id, until)
        with suppress(CountersUnavailable):
            self._counters.extend(lease_id, until)

    def release(self, lease_id: str) -> None:
        self._in_database.release(lease_id)
        with suppress(CountersUnavailable):
            self._counters.release(lease_id)

    def keep(self) -> None:
        """Keep the counts: the transaction was committed."""
        self._counted.clear()
        self._leased.clear()

    def take_back(self) -> None:
        """Take back the counts that are not kept. If Redis is unavailable now, they stay until their period ends."""
        with suppress(CountersUnavailable):
            for key, since, amount in self._counted:
                self._counters.count(key, since, -amount)
            for lease_id in self._leased:
                self._counters.release(lease_id)
        self.keep()
