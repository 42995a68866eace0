"""Read the minutes of the machines that alert rules measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from core.usage.alerts.records import Sample
from core.usage.alerts.rule_records import AlertRule, Measure
from core.usage.machines.records import MINUTE_S, Gauge, Span, Spread, Subject
from data.repositories.usage.machines import SqlMachineRepository
from data.transaction import Transaction

_MINUTE = timedelta(seconds=MINUTE_S)
_GIGABYTE, _PERCENT = 1e9, 100.0
_SUBJECTS = {
    Measure.DISK: Subject.MACHINE,
    Measure.MEMORY: Subject.MACHINE,
    Measure.GPU_MEMORY: Subject.GPU,
    Measure.GPU_BUSY: Subject.GPU,
    Measure.GPU_TEMPERATURE: Subject.GPU,
    Measure.SLOTS: Subject.MODEL,
    Measure.WAITING: Subject.MODEL,
}


def machine_samples(sql: Transaction, rule: AlertRule, since: datetime, until: datetime, limit: int) -> Sequence[Sample]:
    """Return a sample for each minute that ended in [since, until): of the fullest server, GPU or model, oldest first."""
    spans = SqlMachineRepository(sql).spans(MINUTE_S, since - _MINUTE, until - _MINUTE, _SUBJECTS[rule.measure])
    worst: dict[datetime, float] = {}
    for span in spans:
        value = _value(rule.measure, span.gauges)
        if value is None or not _counts(rule, span):
            continue
        at = span.at + _MINUTE
        if at not in worst:
            worst[at] = value
        else:
            worst[at] = min(worst[at], value) if rule.measure is Measure.DISK else max(worst[at], value)
    return [Sample(at, value) for at, value in sorted(worst.items())][-limit:]


def _counts(rule: AlertRule, span: Span) -> bool:
    return rule.model is None or span.name == rule.model


def _value(measure: Measure, gauges: Mapping[Gauge, Spread]) -> float | None:
    match measure:
        case Measure.DISK:
            return gauges[Gauge.DISK_FREE].low / _GIGABYTE if Gauge.DISK_FREE in gauges else None
        case Measure.MEMORY:
            return _share(gauges, Gauge.MEMORY, Gauge.MEMORY_TOTAL)
        case Measure.GPU_MEMORY:
            return _share(gauges, Gauge.GPU_MEMORY, Gauge.GPU_MEMORY_TOTAL)
        case Measure.GPU_BUSY:
            return gauges[Gauge.GPU].mean * _PERCENT if Gauge.GPU in gauges else None
        case Measure.GPU_TEMPERATURE:
            return gauges[Gauge.TEMPERATURE].high if Gauge.TEMPERATURE in gauges else None
        case Measure.SLOTS:
            return gauges[Gauge.SLOTS].mean * _PERCENT if Gauge.SLOTS in gauges else None
        case _:
            return gauges[Gauge.WAITING].high if Gauge.WAITING in gauges else None


def _share(gauges: Mapping[Gauge, Spread], used: Gauge, total: Gauge) -> float | None:
    if used not in gauges or total not in gauges or not gauges[total].mean:
        return None
    return gauges[used].mean / gauges[total].mean * _PERCENT
