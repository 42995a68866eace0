"""Describe the metrics of a record next to its fields, so that each is defined only once.

    decoded_tokens: Annotated[int, counter("decoded_tokens", "Tokens generated since the load.")]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, get_args, get_origin, get_type_hints


class MetricKind(StrEnum):
    COUNTER = "counter"
    """The value never decreases."""
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class MetricField:
    """The name after `portal_model_`, with its unit at the end, and the help text."""

    name: str
    kind: MetricKind
    help: str


def counter(name: str, help: str) -> MetricField:
    return MetricField(name, MetricKind.COUNTER, help)


def gauge(name: str, help: str) -> MetricField:
    return MetricField(name, MetricKind.GAUGE, help)


def histogram(name: str, help: str) -> MetricField:
    return MetricField(name, MetricKind.HISTOGRAM, help)


def metric_fields(record: type) -> Iterator[tuple[str, MetricField]]:
    """Yield the name and the metric of each field of the record that has one."""
    yield from _fields(record)


@cache
def _fields(record: type) -> tuple[tuple[str, MetricField], ...]:
    hints = get_type_hints(record, include_extras=True)
    return tuple(
        (field, extra)
        for field, hint in hints.items()
        if get_origin(hint) is Annotated
        for extra in get_args(hint)[1:]
        if isinstance(extra, MetricField)
    )
