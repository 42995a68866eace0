"""Define what rules can measure, and compute values over a moving window."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from core.usage.alerts.records import Sample
from core.usage.alerts.rule_records import OF_MACHINES, AlertRule, Comparison, Measure


class Unit(StrEnum):
    NONE = ""
    PERCENT = "%"
    SECONDS = "s"
    SPEED = "tok/s"
    GIGABYTES = "GB"
    CELSIUS = "°C"


UNITS = {
    Measure.ANSWERS: Unit.NONE,
    Measure.ERRORS: Unit.PERCENT,
    Measure.TTFT: Unit.SECONDS,
    Measure.SPEED: Unit.SPEED,
    Measure.QUEUE: Unit.SECONDS,
    Measure.POOR: Unit.PERCENT,
    Measure.PEOPLE: Unit.NONE,
    Measure.TOKENS: Unit.NONE,
    Measure.QUOTA: Unit.PERCENT,
    Measure.MODELS_DOWN: Unit.NONE,
    Measure.DISK: Unit.GIGABYTES,
    Measure.INDEX: Unit.SECONDS,
    Measure.JOBS: Unit.NONE,
    Measure.GPU_MEMORY: Unit.PERCENT,
    Measure.GPU_BUSY: Unit.PERCENT,
    Measure.GPU_TEMPERATURE: Unit.CELSIUS,
    Measure.MEMORY: Unit.PERCENT,
    Measure.SLOTS: Unit.PERCENT,
    Measure.WAITING: Unit.NONE,
}
_QUANTILES = {Measure.TTFT: 0.95, Measure.QUEUE: 0.95, Measure.SPEED: 0.5}
LEAST_OF_MACHINES_S = 180
"""The shortest window of what machines measure: a minute is stored some seconds after its end."""
_SHARES = frozenset({Measure.ERRORS, Measure.POOR})


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured. value: None if there was nothing to measure. events: how many samples it is from; None if not counted."""

    value: float | None
    events: int | None = None

    def value_for(self, rule: AlertRule) -> float | None:
        """Return the value, or None if the rule asks for more events."""
        return None if self.events is not None and self.events < rule.least else self.value


UNKNOWN = Reading(None)


def breaches(rule: AlertRule, value: float, *, firing: bool) -> bool:
    """Tell whether a value is beyond the threshold, or, of a firing rule, not yet back at its recovery."""
    limit = rule.recovery if firing and rule.recovery is not None else rule.threshold
    return value > limit if rule.comparison is Comparison.OVER else value < limit


def window_start(rule: AlertRule, now: datetime) -> datetime:
    """Return the earliest time whose samples count now."""
    if rule.measure is Measure.TOKENS:
        return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return now - timedelta(seconds=max(rule.window_s, LEAST_OF_MACHINES_S) if rule.measure in OF_MACHINES else rule.window_s)


class Window:
    """The samples that count now. Add samples in the order of their times."""

    def __init__(self, rule: AlertRule) -> None:
        self._rule = rule
        self._samples: deque[Sample] = deque()
        self._sorted: list[float] = []
        self._people: Counter[str] = Counter()
        self._sum = 0.0

    def add(self, sample: Sample) -> None:
        self._samples.append(sample)
        self._sum += sample.value
        if self._rule.measure in _QUANTILES:
            insort(self._sorted, sample.value)
        elif self._rule.measure is Measure.PEOPLE:
            self._people[sample.who] += 1

    def reading(self, now: datetime) -> Reading:
        """Drop the samples that are too old by now, and measure the others."""
        start = window_start(self._rule, now)
        while self._samples and self._samples[0].at < start:
            self._drop(self._samples.popleft())
        number = len(self._samples)
        match self._rule.measure:
            case Measure.PEOPLE:
                return Reading(float(len(self._people)), number)
            case Measure.TOKENS:
                return Reading(self._sum if number else 0.0, number)
            case measure if measure in OF_MACHINES:
                return Reading(self._sum / number if number else None)
            case measure if measure in _SHARES:
                return Reading(100 * self._sum / number if number else None, number)
            case measure if measure in _QUANTILES:
                return Reading(_quantile(self._sorted, _QUANTILES[measure]), number)
            case _:
                return Reading(float(number), number)

    def _drop(self, sample: Sample) -> None:
        self._sum -= sample.value
        if self._rule.measure in _QUANTILES:
            del self._sorted[bisect_left(self._sorted, sample.value)]
        elif self._rule.measure is Measure.PEOPLE:
            self._people[sample.who] -= 1
            if not self._people[sample.who]:
                del self._people[sample.who]


def _quantile(ordered: list[float], share: float) -> float | None:
    """Return a quantile, linear between neighbours, as usage reports compute it."""
    if not ordered:
        return None
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])
