"""Open the counters of limits in Redis, if the settings name a server."""

from __future__ import annotations

from bootstrap.identity import missing
from core.errors import StartFailed
from data.limits.limit_counters import LimitCounters
from settings import Settings

PACKAGES = "requirements/redis.txt"


def open_limit_counters(settings: Settings) -> LimitCounters | None:
    """Return the counters without contacting Redis; None without PORTAL_REDIS_URL. Raises StartFailed without the packages."""
    if not settings.redis_url:
        return None
    try:
        from data.limits.redis_counters import RedisCounters
    except ImportError as problem:
        raise missing("PORTAL_REDIS_URL", problem, PACKAGES) from problem
    try:
        return RedisCounters(settings.redis_url)
    except ValueError as problem:
        raise StartFailed("PORTAL_REDIS_URL is not the address of a Redis: {reason}.", reason=problem) from problem
