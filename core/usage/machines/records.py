"""Define what servers measure of themselves, and how measurements of a span of time are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MINUTE_S, HOUR_S = 60, 3600
STEPS = (MINUTE_S, HOUR_S)
"""The spans that are stored, in seconds."""
MINUTES_KEPT, HOURS_KEPT = timedelta(days=30), timedelta(days=400)


class Subject(StrEnum):
    """What a measurement is of."""

    MACHINE = "machine"
    GPU = "gpu"
    MODEL = "model"


class Gauge(StrEnum):
    """What is measured. A gauge that a machine cannot measure is absent, never zero."""

    CPU = "cpu"
    MEMORY = "memory_used"
    MEMORY_TOTAL = "memory_total"
    PORTAL_MEMORY = "portal_memory"
    DISK_FREE = "disk_free"
    PEOPLE_WAITING = "people_waiting"
    GPU = "gpu"
    GPU_MEMORY = "gpu_memory_used"
    GPU_MEMORY_TOTAL = "gpu_memory_total"
    POWER = "power"
    BUSY_POWER = "busy_power"
    """The power while a model of this server computed an answer."""
    TEMPERATURE = "temperature"
    SLOTS = "slots_used"
    KV_CACHE = "kv_cache_used"
    WAITING = "waiting"


class Unit(StrEnum):
    SHARE = "share"
    BYTES = "bytes"
    WATTS = "watts"
    CELSIUS = "celsius"
    COUNT = "count"


UNITS = {
    Gauge.CPU: Unit.SHARE,
    Gauge.MEMORY: Unit.BYTES,
    Gauge.MEMORY_TOTAL: Unit.BYTES,
    Gauge.PORTAL_MEMORY: Unit.BYTES,
    Gauge.DISK_FREE: Unit.BYTES,
    Gauge.PEOPLE_WAITING: Unit.COUNT,
    Gauge.GPU: Unit.SHARE,
    Gauge.GPU_MEMORY: Unit.BYTES,
    Gauge.GPU_MEMORY_TOTAL: Unit.BYTES,
    Gauge.POWER: Unit.WATTS,
    Gauge.BUSY_POWER: Unit.WATTS,
    Gauge.TEMPERATURE: Unit.CELSIUS,
    Gauge.SLOTS: Unit.SHARE,
    Gauge.KV_CACHE: Unit.SHARE,
    Gauge.WAITING: Unit.COUNT,
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What one reading found of the machine, a GPU or a model. name: of the GPU or model; empty for the machine."""

    subject: Subject
    name: str
    values: Mapping[Gauge, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The readings of one gauge in a span: how many, their mean, the lowest and the highest."""

    n: int
    mean: float
    low: float
    high: float

    @staticmethod
    def of(value: float) -> Spread:
        return Spread(n=1, mean=value, low=value, high=value)

    def __add__(self, other: Spread) -> Spread:
        n = self.n + other.n
        mean = (self.n * self.mean + other.n * other.mean) / n
        return Spread(n=n, mean=mean, low=min(self.low, other.low), high=max(self.high, other.high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What a server measured of one subject in a minute or an hour."""

    server: str
    subject: Subject
    name: str
    step_s: int
    at: datetime
    """The start."""
    gauges: Mapping[Gauge, Spread]

    def merged(self, other: Span) -> Span:
        """Return this span with the readings of another part of it."""
        return Span(
            server=self.server, subject=self.subject, name=self.name, step_s=self.step_s, at=self.at,
            gauges=merged_gauges(self.gauges, other.gauges),
        )  # fmt: skip


def merged_gauges(one: Mapping[Gauge, Spread], other: Mapping[Gauge, Spread]) -> Mapping[Gauge, Spread]:
    """Add up the readings of two parts of a span."""
    found = dict(one)
    for gauge, spread in other.items():
        found[gauge] = found[gauge] + spread if gauge in found else spread
    return found


def start_of(moment: datetime, step_s: int) -> datetime:
    """Return the start of the span that holds this moment."""
    if step_s == HOUR_S:
        return moment.replace(minute=0, second=0, microsecond=0)
    return moment.replace(second=0, microsecond=0)
