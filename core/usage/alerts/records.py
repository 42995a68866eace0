"""Define the state of alert rules, what fired, and what was sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import StoredError
from core.usage.alerts.rule_records import AlertRule, Measure, Severity


class Phase(StrEnum):
    QUIET = "quiet"
    PENDING = "pending"
    FIRING = "firing"


class Shown(StrEnum):
    """The state of a rule as people see it."""

    QUIET = "quiet"
    PENDING = "pending"
    FIRING = "firing"
    NO_DATA = "no_data"
    SILENCED = "silenced"
    OFF = "off"


class Ending(StrEnum):
    """Why an alert ended."""

    RECOVERED = "recovered"
    NO_DATA = "no_data"
    CHANGED = "changed"
    """The rule was changed, switched off or removed."""


class Event(StrEnum):
    """What people are told."""

    FIRING = "firing"
    STILL_FIRING = "still_firing"
    RECOVERED = "recovered"
    NO_DATA = "no_data"
    TEST = "test"


class Channel(StrEnum):
    MAIL = "mail"
    WEBHOOK = "webhook"


class DeliveryState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer, rating or failed job. value: a time, speed or number of tokens; 1 for an error or a poor rating, otherwise 0."""

    at: datetime
    value: float
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Nobody is told until then."""

    until: datetime | None
    """None: until the alert is over."""
    reason: str
    by: str
    """The id of the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One time that a rule fired."""

    id: str
    rule_id: str
    rule_name: str
    measure: Measure
    severity: Severity
    started_at: datetime
    ended_at: datetime | None = None
    ending: Ending | None = None
    worst: float | None = None
    told_at: datetime | None = None
    """When people were last told that it fires; None: never, because it was silenced."""
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    """The id of the person."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleStatus:
    """How a rule stands. held_s: how long the condition has been observed while pending."""

    phase: Phase = Phase.QUIET
    since: datetime | None = None
    held_s: float = 0.0
    value: float | None = None
    no_data_since: datetime | None = None
    checked_at: datetime | None = None
    silence: Silence | None = None
    episode: Episode | None = None
    """What fires now."""

    def silenced(self, now: datetime) -> bool:
        return self.silence is not None and (self.silence.until is None or self.silence.until > now)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRule:
    id: str
    rule: AlertRule
    enabled: bool
    status: RuleStatus
    created_at: datetime
    created_by: str
    """The id of the person."""
    updated_at: datetime
    updated_by: str

    def shown(self, now: datetime) -> Shown:
        if not self.enabled:
            return Shown.OFF
        if self.status.silenced(now):
            return Shown.SILENCED
        if self.status.phase is Phase.QUIET and self.status.no_data_since is not None:
            return Shown.NO_DATA
        return Shown(self.status.phase.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that alerts are posted to. The secret signs every message."""

    id: str
    name: str
    address: str
    secret: str
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message to one mail address or webhook."""

    id: str
    rule_id: str
    rule_name: str
    episode_id: str | None
    """None for a test."""
    event: Event
    channel: Channel
    target: str
    """The mail address, or the id of the webhook."""
    name: str
    """The mail address, or the name of the webhook."""
    content: str
    """The text of the mail, or the JSON that is posted."""
    state: DeliveryState = DeliveryState.WAITING
    tries: int = 0
    error: StoredError | None = None
    created_at: datetime
    ended_at: datetime | None = None
