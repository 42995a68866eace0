"""Decide whether a platform may be asked: a circuit breaker with back-off. Probes close it, so that no person's request is the attempt."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from enum import StrEnum

from core.errors import StoredError
from models.platforms.remote.failures import COUNTED, Fault, PlatformFailure

FAILURES_TO_OPEN = 2
BACK_OFF_S, MAX_BACK_OFF_S = 1.0, 60.0
JITTER = 0.25

_WORDS = {
    Fault.TIMED_OUT: "{place}: {platform} timed out {n} times, circuit open.",
    Fault.UNREACHABLE: "{place}: {platform} could not be reached {n} times, circuit open.",
    Fault.LOCKED: "{place}: {platform} does not accept the portal's key, circuit open.",
}
_FAILED = "{place}: {platform} failed {n} times, circuit open."


class Circuit(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """A probe succeeded: one request is let through, and its result decides."""


class Health:
    """The circuit breaker of one platform. Safe from any thread."""

    def __init__(self, platform: str, clock: Callable[[], float] = time.monotonic, jitter: Callable[[], float] = random.random) -> None:
        self._platform = platform
        self._clock = clock
        self._jitter = jitter
        self._lock = threading.Lock()
        self._circuit = Circuit.CLOSED
        self._failures = 0
        self._openings = 0
        self._due = 0.0
        self._paused_until = 0.0
        self._trial = False
        self._fault = Fault.BROKEN
        self.last_error: StoredError | None = None
        self.since: float | None = None
        """Wall-clock time since which the circuit is not closed."""

    @property
    def circuit(self) -> Circuit:
        with self._lock:
            return self._circuit

    @property
    def usable(self) -> bool:
        with self._lock:
            return self._clock() >= self._paused_until and (
                self._circuit is Circuit.CLOSED or (self._circuit is Circuit.HALF_OPEN and not self._trial)
            )

    @property
    def paused_s(self) -> float:
        """Return for how many seconds the platform asked to be left alone."""
        with self._lock:
            return max(0.0, self._paused_until - self._clock())

    @property
    def probe_due(self) -> bool:
        with self._lock:
            return self._circuit is Circuit.OPEN and self._clock() >= self._due

    def begin(self) -> bool:
        """Take the right to ask; False if another request is the trial, or the circuit has opened meanwhile."""
        with self._lock:
            if self._circuit is Circuit.HALF_OPEN and not self._trial:
                self._trial = True
                return True
            return self._circuit is Circuit.CLOSED

    def succeeded(self) -> None:
        with self._lock:
            if self._circuit is not Circuit.OPEN:
                self._circuit, self.since, self._openings = Circuit.CLOSED, None, 0
            self._failures, self._trial = 0, False

    def abandoned(self) -> None:
        """Record that the request ended without revealing anything about the platform."""
        with self._lock:
            self._trial = False

    def failed(self, problem: PlatformFailure) -> None:
        with self._lock:
            self._trial = False
            self.last_error = problem.error
            if problem.fault is Fault.BUSY:
                self._paused_until = max(self._paused_until, self._clock() + (problem.retry_after or 1.0))
            if problem.fault not in COUNTED:
                return
            self._failures += 1
            self._fault = problem.fault
            opens = {
                Circuit.CLOSED: self._failures >= FAILURES_TO_OPEN,
                Circuit.HALF_OPEN: True,
                Circuit.OPEN: self._clock() >= self._due,
            }
            if opens[self._circuit]:
                self._open()

    def probed(self) -> None:
        """Record that a probe was answered. A probe sent before the circuit opened does not count."""
        with self._lock:
            if self._circuit is Circuit.OPEN and self._clock() >= self._due:
                self._circuit = Circuit.HALF_OPEN

    def why_not(self, target: str) -> StoredError | None:
        """Return why the platform is left out now; None if it is usable."""
        if self.usable:
            return None
        with self._lock:
            paused = self._paused_until - self._clock()
            if paused > 0:
                words = "{place}: {platform} asked to wait {seconds} s."
                return StoredError(words, {"place": target, "platform": self._platform, "seconds": round(paused + 0.5)})
            if self._circuit is Circuit.HALF_OPEN:
                return StoredError("{place}: {platform} is being tried again.", {"place": target, "platform": self._platform})
            return StoredError(_WORDS.get(self._fault, _FAILED), {"place": target, "platform": self._platform, "n": self._failures})

    def _open(self) -> None:
        back_off = min(MAX_BACK_OFF_S, BACK_OFF_S * 2.0**self._openings)
        self._due = self._clock() + back_off * (1 + JITTER * (2 * self._jitter() - 1))
        self._openings += 1
        self.since = time.time() if self.since is None else self.since
        self._circuit = Circuit.OPEN
