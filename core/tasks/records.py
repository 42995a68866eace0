"""Define background jobs: their task, progress and result; and when work recurs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from core.bounds import within
from core.errors import StoredError

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]
"""A value of a job's payload, detail or result."""


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = (JobState.WAITING, JobState.RUNNING)
PAUSED_UNTIL = datetime(9000, 1, 1, tzinfo=UTC)
"""The time until which a paused job waits, so that its key stays taken and no worker claims it."""


class Every(StrEnum):
    """How often work recurs."""

    NEVER = "never"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When work recurs by the calendar, on the clocks of the portal's time zone. Raises InvalidInput."""

    every: Every = Every.NEVER
    weekday: int = 0
    """Of weekly work; Monday is 0."""
    day: int = 1
    """Of monthly work, 1 to 28."""
    hour: int = 7

    def __post_init__(self) -> None:
        within("weekday", self.weekday, 0, 6)
        within("day", self.day, 1, 28)
        within("hour", self.hour, 0, 23)


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of background work. Times are timezone-aware UTC."""

    id: str
    kind: str
    """A noun and a verb, e.g. "backup.make"."""
    created_at: datetime
    run_after: datetime
    """The job is not claimed before this time."""
    state: JobState = JobState.WAITING
    payload: Mapping[str, Json] = field(default_factory=dict)
    """Parameters of the job. Never a password, passphrase or token."""
    owner_id: str | None = None
    """The person who requested it; None: the portal itself."""
    key: str | None = None
    """At most one active job may have this key. None: no limit."""
    server: str | None = None
    """The only server that may run the job; None for any server."""
    tries: int = 0
    progress: float = 0.0
    """0 to 1."""
    detail: Mapping[str, Json] = field(default_factory=dict)
    """Details that the running job reports besides its progress, for example bytes per second."""
    result: Mapping[str, Json] = field(default_factory=dict)
    error: StoredError | None = None
    cancel_requested: bool = False
    started_at: datetime | None = None
    """Start of the latest try."""
    ended_at: datetime | None = None
    lease_until: datetime | None = None
    """End of the lease, which the worker keeps extending. Once it is past, the worker counts as gone."""

    @property
    def paused(self) -> bool:
        """Tell whether the job waits until it is resumed."""
        return self.state is JobState.WAITING and self.run_after >= PAUSED_UNTIL

    @property
    def ended(self) -> bool:
        return self.state not in ACTIVE


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Filters jobs; all given conditions apply."""

    owner_id: str | None = None
    kinds: tuple[str, ...] | None = None
    states: tuple[JobState, ...] | None = None
    server: str | None = None
    """Only jobs that are bound to this server."""
