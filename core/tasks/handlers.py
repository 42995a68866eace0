"""Define how jobs of a kind run: the handler, the number of tries, and the report of progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from core.tasks.records import Job, Json

POLL_S = 0.2
"""Seconds between two checks whether a job that waits must end."""


class Cancelled(Exception):
    """The job was cancelled, or this server lost its lease. Only the worker catches it."""


class Stopping(Exception):
    """The portal is stopping. Only the worker catches it."""


class Report:
    """Reports a job's progress to its worker. Call it often: it raises Cancelled or Stopping when the job must end."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self.hand_over = threading.Event()
        """Set if the job must stop here and continue on another server."""
        self.lost = threading.Event()
        self.progress = 0.0
        self.detail: Mapping[str, Json] = {}

    def __call__(self, progress: float, **detail: Json) -> None:
        self.progress = max(0.0, min(1.0, progress))
        if detail:
            self.detail = detail
        self.check()

    def check(self) -> None:
        """Raise Cancelled or Stopping if the job must end."""
        if self.lost.is_set():
            raise Cancelled
        if self._stopping.is_set() or self.hand_over.is_set():
            raise Stopping


Handler = Callable[[Job, Report], Mapping[str, Json] | None]
"""Runs a job and returns its result. People see the sentence of a PortalError that it raises."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """How jobs of one kind run.

    every: interval of a recurring kind. most_tries: tries for failures that may pass (busy, unavailable, a bug), with growing delays.
    resumable: whether a job can safely run again from the beginning after the portal stops. at_once: how many jobs of this kind run
    together, in addition to others; None: they share the worker's limit. listed: whether a finished job stays in the list of jobs.
    needs_model: whether the job asks a model, so that a server without one leaves it to others. notices: whether the person who started
    a listed job is notified of its end.
    """

    name: str
    run: Handler
    every: timedelta | None = None
    most_tries: int = 1
    resumable: bool = False
    at_once: int | None = None
    listed: bool = True
    needs_model: bool = False
    notices: bool = True

    @property
    def tries_allowed(self) -> int:
        """Return the number of tries after which a job whose server died is given up, since the job may be the cause."""
        return max(self.most_tries, 3) if self.resumable else self.most_tries


def pause(seconds: float, most: float, check: Callable[[], None]) -> None:
    """Wait, at most `most` seconds, and check often whether the job must end."""
    until = time.monotonic() + min(max(seconds, POLL_S), most)
    while (left := until - time.monotonic()) > 0:
        check()
        time.sleep(min(left, POLL_S))
