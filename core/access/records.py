"""Define limits: who may use how much of what, and what happens then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.bounds import within
from core.errors import InvalidInput
from core.people.records import User

MAX_AMOUNT = 10**12
LEASE = timedelta(minutes=5)
"""How long an answer counts as running without a sign of life, for example after a crash."""


class Measure(StrEnum):
    """What is counted."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    UPLOADS = "uploads"
    CONCURRENT = "concurrent"


class Period(StrEnum):
    """The calendar period, in UTC, in which it is counted."""

    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"
    NOW = "now"
    """The period of a limit on concurrent answers."""


class Holder(StrEnum):
    """Whose use is counted together."""

    EVERYONE = "everyone"
    """Each person alone, unless the person has a limit of their own."""
    PERSON = "person"
    GROUP = "group"
    """All members together."""
    KEY = "key"


class AtLimit(StrEnum):
    REFUSE = "refuse"
    QUEUE = "queue"
    """Chats wait for a while; programs are refused with a Retry-After."""
    CHEAPER = "cheaper"
    """Another model answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRule:
    id: str
    holder: Holder
    subject: str = ""
    """The person's id, the group's name or the key's id; empty for everyone."""
    measure: Measure
    period: Period
    amount: int
    at_limit: AtLimit = AtLimit.REFUSE
    model: str = ""
    """The model that answers at the limit, with CHEAPER."""

    def __post_init__(self) -> None:
        within("amount", self.amount, 1, MAX_AMOUNT)
        if (self.measure is Measure.CONCURRENT) != (self.period is Period.NOW):
            raise InvalidInput("Concurrent answers have the period now, and nothing else has.")
        if (self.holder is Holder.EVERYONE) != (not self.subject):
            raise InvalidInput("Name the person, group or key that the limit is for.")
        if self.measure is Measure.UPLOADS and self.at_limit is not AtLimit.REFUSE:
            raise InvalidInput("Uploads over the limit can only be refused.")
        if (self.at_limit is AtLimit.CHEAPER) != bool(self.model):
            raise InvalidInput("Name the model that answers at the limit, and no model otherwise.")

    def key(self, user: User) -> str:
        """Return the name of the counter that this person's use goes to."""
        return self.counter(*((Holder.PERSON, user.id) if self.holder is Holder.EVERYONE else (self.holder, self.subject)))

    def counter(self, holder: Holder, subject: str) -> str:
        """Return the name of the counter of a person, group or key."""
        return f"{holder}:{self.measure}:{self.period}:{subject}"


@dataclass(frozen=True, slots=True)
class LimitState:
    """How much of a limit is used."""

    rule: LimitRule
    used: int
    resets_at: datetime | None
    """None for concurrent answers."""

    @property
    def left(self) -> int:
        return max(0, self.rule.amount - self.used)


def window_of(period: Period, now: datetime) -> tuple[datetime, datetime]:
    """Return the start and the end of the calendar period that `now` is in."""
    match period:
        case Period.MINUTE:
            start = now.replace(second=0, microsecond=0)
            return start, start + timedelta(minutes=1)
        case Period.DAY:
            start = now.replace(hour=0, minute=0, second=0, microsecond=0)
            return start, start + timedelta(days=1)
        case Period.MONTH:
            start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            return start, (start + timedelta(days=32)).replace(day=1)
        case Period.NOW:
            return now, now
