"""Show how full the machines were, by hour of the week."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from core.usage.boards.capacity import Slot
from core.usage.boards.records import MachineFigure
from core.usage.machines.records import Gauge, Span, Spread

_MEANS = {MachineFigure.SLOTS: Gauge.SLOTS, MachineFigure.GPU: Gauge.GPU, MachineFigure.CPU: Gauge.CPU}
_SHARES = {
    MachineFigure.GPU_MEMORY: (Gauge.GPU_MEMORY, Gauge.GPU_MEMORY_TOTAL),
    MachineFigure.MEMORY: (Gauge.MEMORY, Gauge.MEMORY_TOTAL),
}


def machine_heat(spans: Sequence[Span], zone: ZoneInfo, now: datetime) -> Mapping[MachineFigure, Mapping[Slot, float]]:
    """Return the mean of each figure in each hour of the week. spans: hours.

    Of several models, GPUs or servers the fullest counts; power is that of all GPUs of all servers. Hours in which nothing was measured
    are left out, and so is the hour that runs now.
    """
    by_hour: dict[MachineFigure, dict[datetime, float]] = defaultdict(dict)
    for span in spans:
        if (now - span.at).total_seconds() < span.step_s:
            continue
        for figure, value in _figures(span.gauges).items():
            before = by_hour[figure].get(span.at, 0.0)
            by_hour[figure][span.at] = before + value if figure is MachineFigure.POWER else max(before, value)
    found: dict[MachineFigure, Mapping[Slot, float]] = {}
    for figure, values in by_hour.items():
        slots: dict[Slot, list[float]] = defaultdict(list)
        for at, value in values.items():
            local = at.astimezone(zone)
            slots[local.weekday(), local.hour].append(value)
        found[figure] = {slot: sum(own) / len(own) for slot, own in slots.items()}
    return found


def fullest_of(machines: Mapping[MachineFigure, Mapping[Slot, float]]) -> Slot | None:
    """Return the hour of the week in which most slots were used; None if none was."""
    used = {slot: value for slot, value in machines.get(MachineFigure.SLOTS, {}).items() if value}
    return max(used, key=lambda slot: used[slot]) if used else None


def _figures(gauges: Mapping[Gauge, Spread]) -> dict[MachineFigure, float]:
    found = {figure: gauges[gauge].mean for figure, gauge in _MEANS.items() if gauge in gauges}
    for figure, (used, total) in _SHARES.items():
        if used in gauges and total in gauges and gauges[total].mean:
            found[figure] = gauges[used].mean / gauges[total].mean
    if Gauge.POWER in gauges:
        found[MachineFigure.POWER] = gauges[Gauge.POWER].mean
    return found
