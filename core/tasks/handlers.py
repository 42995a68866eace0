"""Define how jobs of a kind run: the handler, how often it is tried, what it reports."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from core.tasks.records import Job, Json


class Cancelled(Exception):
    """The job was cancelled, or this server lost its lease. Only the worker catches it."""


class Stopping(Exception):
    """The portal is stopping. Only the worker catches it."""


class Report:
    """What a running job reports to its worker. Call it often: it raises Cancelled or Stopping when the job must end."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self.leave = threading.Event()
        """Set if the job must stop here and continue elsewhere."""
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
        if self._stopping.is_set() or self.leave.is_set():
            raise Stopping


Handler = Callable[[Job, Report], Mapping[str, Json] | None]
"""Runs a job and returns its result. People see a PortalError that it raises."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """How jobs of one kind run.

    every: interval at which one runs by itself. most_tries: a failure that may pass (busy, unavailable, a bug) is retried, with growing
    delays. resumable: safe to run again from the beginning after a stop of the portal. at_once: how many of this kind run together, beside
    the others; None: they share the worker's limit. kept: whether a job that is done stays in the list of jobs. needs_model: it asks
    a model, so a server without one leaves it to others. notices: whoever started one that is kept is told how it ended.
    """

    name: str
    run: Handler
    every: timedelta | None = None
    most_tries: int = 1
    resumable: bool = False
    at_once: int | None = None
    kept: bool = True
    needs_model: bool = False
    notices: bool = True

    @property
    def tries_allowed(self) -> int:
        """Return the tries after which a job whose server died is given up: the job may have caused it."""
        return max(self.most_tries, 3) if self.resumable else self.most_tries
