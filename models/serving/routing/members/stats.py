"""Record what a platform did recently, for the people who operate it and for the expected wait."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

from core.errors import StoredError

KEPT = 500
WINDOW_S = 3_600.0
MAX_FAILURES = 20


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed request. at: wall-clock time."""

    at: float
    error: StoredError


@dataclass(frozen=True, slots=True)
class StatsNow:
    ttft_p50_s: float | None
    ttft_p95_s: float | None
    answers: int
    """Number of answers in the last hour."""
    errors: int
    failures: tuple[Failure, ...]
    """Newest first."""


class PlatformStats:
    """Records stats of one platform. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: deque[tuple[float, float | None, float]] = deque(maxlen=KEPT)
        self._errors: deque[float] = deque(maxlen=KEPT)
        self._failures: deque[Failure] = deque(maxlen=MAX_FAILURES)
        self._minute: deque[float] = deque()

    def answered(self, ttft_s: float | None, duration_s: float) -> None:
        with self._lock:
            self._answers.append((time.time(), ttft_s, duration_s))

    def failed(self, error: StoredError) -> None:
        with self._lock:
            now = time.time()
            self._errors.append(now)
            self._failures.appendleft(Failure(now, error))

    def within_rate(self, per_minute: int | None) -> float:
        """Count a request against the rate limit; return the seconds until the limit allows it, 0 if it may go now."""
        if per_minute is None:
            return 0.0
        with self._lock:
            now = time.monotonic()
            while self._minute and self._minute[0] <= now - 60:
                self._minute.popleft()
            if len(self._minute) >= per_minute:
                return self._minute[0] + 60 - now
            self._minute.append(now)
            return 0.0

    def mean_duration_s(self) -> float | None:
        with self._lock:
            durations = [duration for _, _, duration in list(self._answers)[-50:]]
        return sum(durations) / len(durations) if durations else None

    def now(self) -> StatsNow:
        with self._lock:
            since = time.time() - WINDOW_S
            answers = [(at, ttft) for at, ttft, _ in self._answers if at >= since]
            errors = sum(at >= since for at in self._errors)
            failures = tuple(self._failures)
        first = sorted(ttft for _, ttft in answers if ttft is not None)
        return StatsNow(
            ttft_p50_s=first[len(first) // 2] if first else None,
            ttft_p95_s=first[min(len(first) - 1, len(first) * 95 // 100)] if first else None,
            answers=len(answers),
            errors=errors,
            failures=failures,
        )
