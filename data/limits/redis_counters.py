"""Count in Redis with the `limits` library; leases use our own scripts, because the library has none."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from limits.errors import StorageError
from limits.storage import RedisStorage
from redis import Redis
from redis.exceptions import RedisError

from core.access.records import LEASE, Period
from data.limits.limit_counters import CountersUnavailable

log = logging.getLogger(__name__)

TIMEOUT_S = 1.0
"""Time limit of a connection and of an answer. Every counted request would wait this long for a Redis that hangs."""
RETRY_S = 5.0
"""Seconds after a failure until Redis is asked again."""
_EXPIRY_S = {Period.MINUTE: 180, Period.DAY: 2 * 86_400, Period.MONTH: 33 * 86_400}
"""Seconds for which a counter is stored: longer than its period, so that the clocks of servers may differ a little."""
_LEASE_EXPIRY_MS = int(2 * LEASE.total_seconds() * 1000)

_ADD_LEASE = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('SADD', KEYS[2], KEYS[1])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return 1
"""
_COUNT_LEASES = "return redis.call('ZCOUNT', KEYS[1], '(' .. ARGV[1], '+inf')"
_EXTEND_LEASE = """
for _, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  redis.call('ZADD', key, 'XX', ARGV[1], ARGV[2])
  redis.call('PEXPIRE', key, ARGV[3])
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
"""
_END_LEASE = """
for _, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do redis.call('ZREM', key, ARGV[1]) end
redis.call('DEL', KEYS[1])
"""
T = TypeVar("T")


class RedisCounters:
    """Implements data.limits.limit_counters.LimitCounters, for all servers with the same Redis."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Connects on first use. clock: returns seconds; after a failure it decides when Redis is asked again."""
        options: dict[str, Any] = {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S}
        self._storage = RedisStorage(url, wrap_exceptions=True, key_prefix="portal", **options)
        self._redis = Redis.from_url(url, **options)
        self._add = self._redis.register_script(_ADD_LEASE)
        self._count = self._redis.register_script(_COUNT_LEASES)
        self._extend = self._redis.register_script(_EXTEND_LEASE)
        self._end = self._redis.register_script(_END_LEASE)
        self._clock = clock
        self._retry_at = 0.0

    def used(self, key: str, since: datetime) -> int:
        return self._ask(lambda: self._storage.get(_counter(key, since)))

    def count(self, key: str, since: datetime, amount: int) -> int:
        """Add to a counter in one step and return the new count."""
        return self._ask(lambda: self._storage.incr(_counter(key, since), _EXPIRY_S[_period(key)], amount))

    def running(self, key: str, now: datetime) -> int:
        return self._ask(lambda: int(self._count(keys=[_leases(key)], args=[now.timestamp()])))

    def lease(self, key: str, lease_id: str, now: datetime, until: datetime, most: int) -> bool:
        given: list[str | float] = [now.timestamp(), until.timestamp(), lease_id, most, _LEASE_EXPIRY_MS]
        return bool(self._ask(lambda: self._add(keys=[_leases(key), _keys_of(lease_id)], args=given)))

    def extend(self, lease_id: str, until: datetime) -> None:
        self._ask(lambda: self._extend(keys=[_keys_of(lease_id)], args=[until.timestamp(), lease_id, _LEASE_EXPIRY_MS]))

    def release(self, lease_id: str) -> None:
        self._ask(lambda: self._end(keys=[_keys_of(lease_id)], args=[lease_id]))

    def close(self) -> None:
        self._redis.close()

    def _ask(self, question: Callable[[], T]) -> T:
        if self._clock() < self._retry_at:
            raise CountersUnavailable
        try:
            answer = question()
        except (StorageError, RedisError, OSError) as problem:
            if not self._retry_at:
                log.warning("Redis does not answer, so limits are counted in the database until it does: %s", problem)
            self._retry_at = self._clock() + RETRY_S
            raise CountersUnavailable from problem
        if self._retry_at:
            log.warning("Redis answers again, so limits are counted there")
            self._retry_at = 0.0
        return answer


def _period(key: str) -> Period:
    """Return the period in the name of a counter, which LimitRule.key makes."""
    return Period(key.split(":", 3)[2])


def _counter(key: str, since: datetime) -> str:
    return f"{key}:{since:%Y%m%dT%H%M}"


def _leases(key: str) -> str:
    return f"portal:leases:{key}"


def _keys_of(lease_id: str) -> str:
    return f"portal:lease:{lease_id}"
