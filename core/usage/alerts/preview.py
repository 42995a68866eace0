"""Compute what a rule would have done in the last days, with the same evaluation as the checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.bounds import within
from core.clock import Clock
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from core.usage.alerts.checks import MAX_SAMPLES, read
from core.usage.alerts.evaluation import step
from core.usage.alerts.gauges import ReadNow
from core.usage.alerts.measures import Reading, Window, breaches, window_start
from core.usage.alerts.records import Episode, Phase, RuleStatus, Sample
from core.usage.alerts.rule_records import MINUTE, NOW, AlertRule, NoData

DAYS, MAX_DAYS = 7, 28
MAX_POINTS = 336
_OFTEN = 3
"""How often a rule must have fired before a longer hold is suggested."""
_HOLDS = tuple(minutes * MINUTE for minutes in (1, 2, 5, 10, 15, 30))

Readings = Sequence[tuple[datetime, Reading]]


@dataclass(frozen=True, slots=True)
class Point:
    """The worst value of a piece of the time; None if there was none."""

    at: datetime
    value: float | None


@dataclass(frozen=True, slots=True)
class Advice:
    """A longer hold with which it would have fired less often."""

    hold_s: int
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would have happened in [since, until]. Without stored samples there is only the current value."""

    since: datetime
    until: datetime
    now: float | None
    kept: bool
    """Whether earlier values of the measure are stored."""
    points: tuple[Point, ...] = ()
    fired: tuple[Episode, ...] = ()
    """Oldest first. The last may go on."""
    advice: Advice | None = None

    @property
    def lasted(self) -> timedelta:
        """Return how long it would have fired in all."""
        return sum(((each.ended_at or self.until) - each.started_at for each in self.fired), timedelta(0))


class AlertPreviews:
    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, read_now: ReadNow) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._read_now = read_now

    def preview(self, user: User, rule: AlertRule, days: int = DAYS) -> Preview:
        """Return when the rule would have fired. Of very many answers only the newest count. Raises InvalidInput, Unavailable."""
        require(user, Permission.VIEW_USAGE)
        within("days", days, 1, MAX_DAYS)
        until = self._clock()
        since = until - timedelta(days=days)
        with self._unit_of_work() as work:
            if rule.measure in NOW:
                return Preview(since=since, until=until, now=read(work, rule, until, self._read_now).value_for(rule), kept=False)
            samples = work.alerts.samples(rule, window_start(rule, since), until, MAX_SAMPLES)
        if len(samples) == MAX_SAMPLES:
            since = max(since, samples[0].at)
        readings = measured(rule, samples, since, until)
        fired = played(rule, readings)
        return Preview(
            since=since, until=until, now=readings[-1][1].value_for(rule) if readings else None, kept=True, points=_points(rule, readings),
            fired=fired, advice=_advice(rule, readings, len(fired)),
        )  # fmt: skip


def measured(rule: AlertRule, samples: Sequence[Sample], since: datetime, until: datetime) -> Readings:
    """Return what each check in [since, until] would have measured."""
    window, every = Window(rule), max(rule.interval, timedelta(minutes=1))
    readings: list[tuple[datetime, Reading]] = []
    now, next_one = since, 0
    while now <= until:
        while next_one < len(samples) and samples[next_one].at < now:
            window.add(samples[next_one])
            next_one += 1
        readings.append((now, window.reading(now)))
        now += every
    return readings


def played(rule: AlertRule, readings: Readings) -> tuple[Episode, ...]:
    """Return what would have fired, oldest first."""
    status, fired = RuleStatus(), []
    for now, reading in readings:
        if _stays_quiet(rule, status, reading):
            continue
        taken = step("", rule, status, reading, now)
        status = taken.status
        if taken.ended is not None:
            fired.append(taken.ended)
    return (*fired, *([status.episode] if status.episode else []))


def _stays_quiet(rule: AlertRule, status: RuleStatus, reading: Reading) -> bool:
    """Tell whether a step would change nothing. Most readings of a good week are such."""
    if status.phase is not Phase.QUIET:
        return False
    value = reading.value_for(rule)
    return rule.no_data is not NoData.FIRE if value is None else not breaches(rule, value, firing=False)


def _points(rule: AlertRule, readings: Readings) -> tuple[Point, ...]:
    """Return the worst value of each of at most MAX_POINTS pieces."""
    size = -(-len(readings) // MAX_POINTS) or 1
    points = []
    for start in range(0, len(readings), size):
        worst: float | None = None
        for _, reading in readings[start : start + size]:
            value = reading.value_for(rule)
            if value is not None and (worst is None or breaches(replace(rule, threshold=worst, recovery=None), value, firing=False)):
                worst = value
        points.append(Point(readings[start][0], worst))
    return tuple(points)


def _advice(rule: AlertRule, readings: Readings, times: int) -> Advice | None:
    """Suggest the shortest longer hold that at least halves how often it would have fired."""
    if times < _OFTEN:
        return None
    for hold in _HOLDS:
        if hold > rule.hold_s:
            fewer = len(played(replace(rule, hold_s=hold), readings))
            if fewer * 2 <= times:
                return Advice(hold, fewer) if fewer else None
    return None
