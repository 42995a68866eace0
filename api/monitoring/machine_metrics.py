"""Serve the newest readings of the history of the machine as metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily, Metric

from core.usage.machines.records import Gauge, Measured


@dataclass(frozen=True, slots=True)
class _Named:
    name: str
    says: str
    label: str = ""


_OF_GAUGES = {
    Gauge.CPU: _Named("cpu_used_ratio", "Share of the processors of the machine, or of its container, that worked in the last seconds."),
    Gauge.PEOPLE_WAITING: _Named("people_waiting", "People whose questions wait for a model of this server."),
    Gauge.GPU: _Named("gpu_used_ratio", "Share of the last moments in which the GPU computed.", "gpu"),
    Gauge.GPU_MEMORY: _Named("gpu_memory_used_bytes", "Memory of the GPU that all processes use.", "gpu"),
    Gauge.GPU_MEMORY_TOTAL: _Named("gpu_memory_bytes", "Memory of the GPU.", "gpu"),
    Gauge.POWER: _Named("gpu_power_watts", "Power that the GPU draws.", "gpu"),
    Gauge.TEMPERATURE: _Named("gpu_temperature_celsius", "Temperature of the GPU.", "gpu"),
}
"""Memory, disk, slots and the KV cache have metrics of their own."""


def machine_metrics(measured: Iterable[Measured]) -> Iterator[Metric]:
    """Yield a family for each gauge that was measured."""
    families: dict[Gauge, GaugeMetricFamily] = {}
    for each in measured:
        for gauge, value in each.values.items():
            named = _OF_GAUGES.get(gauge)
            if named is None:
                continue
            if gauge not in families:
                families[gauge] = GaugeMetricFamily(f"portal_{named.name}", named.says, labels=(named.label,) if named.label else ())
            families[gauge].add_metric((each.name,) if named.label else (), value)
    yield from families.values()
