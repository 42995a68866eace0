"""Compute the electricity of local models: measured where power was measured, else by the watts of the price table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.usage.machines.records import Gauge, Span, Subject
from core.usage.money.records import Energy, Price
from core.usage.rollups.records import HourCell

_HOUR_S, _KILO = 3600, 1000


@dataclass(slots=True)
class _Sums:
    computed_s: float = 0.0
    measured_wh: float = 0.0
    assumed_wh: float = 0.0
    unknown_s: float = 0.0
    cost: float | None = None


def energy_of(hours: Sequence[HourCell], gpus: Sequence[Span], prices: Sequence[Price]) -> list[Energy]:
    """Return the electricity of each model and currency, most first. gpus: hours of GPUs.

    The measured power of an hour is the mean, over the servers, of what the GPUs of a server drew together while a model computed. Models
    that compute at once share a GPU: their time counts no longer than the servers had in that hour.
    """
    watts, servers = _measured_watts(gpus)
    computed: dict[datetime, float] = defaultdict(float)
    for each in hours:
        computed[each.hour] += each.busy_s or 0.0
    found: dict[tuple[str, str], _Sums] = defaultdict(_Sums)
    for each in hours:
        if not each.busy_s:
            continue
        price = _price(prices, each)
        sums = found[each.model, price.currency if price is not None and price.kwh else ""]
        seconds = each.busy_s * min(1.0, _HOUR_S * max(1, servers.get(each.hour, 1)) / computed[each.hour])
        sums.computed_s += seconds
        power = watts.get(each.hour)
        if power is not None:
            wh = power * seconds / _HOUR_S
            sums.measured_wh += wh
        elif price is not None and price.watts:
            wh = price.watts * seconds / _HOUR_S
            sums.assumed_wh += wh
        else:
            sums.unknown_s += seconds
            continue
        if price is not None and price.kwh:
            sums.cost = (sums.cost or 0.0) + wh / _KILO * price.kwh
    made = [
        Energy(
            model=model, currency=currency, computed_s=each.computed_s, measured_wh=each.measured_wh, assumed_wh=each.assumed_wh,
            unknown_s=each.unknown_s, cost=each.cost,
        )
        for (model, currency), each in found.items()
    ]  # fmt: skip
    return sorted(made, key=lambda each: (-each.measured_wh - each.assumed_wh, each.model, each.currency))


def _measured_watts(gpus: Sequence[Span]) -> tuple[dict[datetime, float], dict[datetime, int]]:
    """Return the power of each hour in which it was measured, and how many servers measured it."""
    by_server: dict[datetime, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for span in gpus:
        if span.subject is Subject.GPU and Gauge.BUSY_POWER in span.gauges:
            by_server[span.at][span.server] += span.gauges[Gauge.BUSY_POWER].mean
    return {at: sum(own.values()) / len(own) for at, own in by_server.items()}, {at: len(own) for at, own in by_server.items()}


def _price(prices: Sequence[Price], cell: HourCell) -> Price | None:
    """Return the price that was valid: that of the model on its platform before that of the model, the newest first."""
    named = {cell.model: 0, f"{cell.model}@{cell.platform}": 1}
    valid = [each for each in prices if each.model in named and each.valid_from <= cell.hour]
    return max(valid, key=lambda each: (named[each.model], each.valid_from), default=None)
