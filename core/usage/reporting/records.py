"""Define plans of reports, the reports that they make, and what was sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from core.characters import may_stand_on_a_line
from core.errors import InvalidInput, StoredError
from core.tasks.records import Every, Timing
from core.usage.records import Language, UsageQuery
from core.usage.sheets.records import TABLES, Board, Sheet

MAX_NAME_LENGTH = 80
MAX_MAILS, MAX_PEOPLE = 20, 200
FIGURES = "figures"
"""The card with the figures of a board."""
CARDS = tuple(f"{board}.{name}" for board, tables in TABLES.items() for name in (FIGURES, *tables))
"""All cards, as board.table, in order."""
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9.!#$%&*+/=?^_{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*")


class Period(StrEnum):
    """The days that a report covers."""

    WEEK = "last_week"
    """Monday to Sunday before."""
    MONTH = "last_month"
    """The calendar month before."""
    FREE = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPlan:
    """What a report shows, when it is made, and who gets it. Raises InvalidInput for values that make no sense."""

    name: str
    cards: tuple[str, ...]
    """Of CARDS."""
    period: Period = Period.WEEK
    first: date | None = None
    """With `last`: the days of a free period."""
    last: date | None = None
    model: str | None = None
    group: str | None = None
    every: Every = Every.NEVER
    weekday: int = 0
    """Of a weekly report; Monday is 0."""
    day: int = 1
    """Of a monthly report, 1 to 28."""
    hour: int = 7
    """On the clocks of the portal's time zone."""
    people: tuple[str, ...] = ()
    """Ids of people who get a notice, if they may see usage."""
    mails: tuple[str, ...] = ()
    language: Language = Language.EN
    """Of the mails: an address has no language of its own."""

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > MAX_NAME_LENGTH or not may_stand_on_a_line(self.name):
            raise InvalidInput("Give the report a name of one line, of at most {most} characters.", most=MAX_NAME_LENGTH)
        if not self.cards:
            raise InvalidInput("Choose at least one card for the report.")
        if unknown := [each for each in self.cards if each not in CARDS]:
            raise InvalidInput("A report has no card {name}.", name=unknown[0][:80])
        self._check_time()
        if len(self.mails) > MAX_MAILS or len(self.people) > MAX_PEOPLE:
            raise InvalidInput("A report can go to at most {mails} mail addresses and {people} people.", mails=MAX_MAILS, people=MAX_PEOPLE)
        for address in self.mails:
            if len(address) > 254 or not address.isascii() or not _ADDRESS.fullmatch(address):
                raise InvalidInput("{address} is not a mail address.", address=address[:80])

    def _check_time(self) -> None:
        if self.timing.every is Every.DAY:
            raise InvalidInput("A report is made every week or every month.")
        if self.period is Period.FREE:
            if self.first is None or self.last is None:
                raise InvalidInput("A report on a free period needs its first and its last day.")
            UsageQuery(first=self.first, last=self.last)
            if self.every is not Every.NEVER:
                raise InvalidInput("A report on schedule covers the last week or the last month, no fixed days.")

    def boards(self) -> list[tuple[Board, list[str]]]:
        """Return the boards of the cards, each with its cards, in order."""
        chosen = {each: [card.partition(".")[2] for card in CARDS if card in self.cards and card.startswith(f"{each}.")] for each in Board}
        return [(board, names) for board, names in chosen.items() if names]

    @property
    def timing(self) -> Timing:
        """Return when it is made."""
        return Timing(every=self.every, weekday=self.weekday, day=self.day, hour=self.hour)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    """A plan with its state."""

    id: str
    plan: ReportPlan
    owner_id: str
    """Whoever saved it last: reports are made with the rights of this person."""
    enabled: bool
    covered_until: datetime
    """The time up to which reports were made, or need not be."""
    problem: StoredError | None = None
    """Why the last report was not made."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Marked:
    """A change on a day, as a sentence with its fields."""

    day: date
    sentence: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of a report, in no language: it is written in that of its reader."""

    name: str
    query: UsageQuery
    zone: str
    made_at: datetime
    sheets: Sequence[tuple[Sheet, Sequence[str]]]
    """Each with its chosen cards."""
    marks: Sequence[Marked] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeReport:
    """A report that was made on schedule, without its figures."""

    id: str
    plan_id: str
    name: str
    owner_id: str
    first: date
    last: date
    made_at: datetime


class DeliveryState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMail:
    """A report sent to a mail address."""

    id: str
    report_id: str
    address: str
    language: Language
    state: DeliveryState = DeliveryState.WAITING
    tries: int = 0
    error: StoredError | None = None
    created_at: datetime
    ended_at: datetime | None = None
