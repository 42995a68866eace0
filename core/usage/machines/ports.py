"""Declare who measures the machine and its GPUs, and the repository of the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.usage.machines.records import Span, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReading:
    """The machine at one moment; None is what it cannot tell. cpu: the share of all processors since the reading before."""

    cpu: float | None
    memory_used: int | None
    memory_total: int | None
    portal_memory: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuReading:
    """A GPU at one moment; None is what its driver does not tell."""

    name: str
    busy: float | None = None
    """The share of the last moments in which it computed."""
    memory_used: int | None = None
    memory_total: int | None = None
    watts: float | None = None
    celsius: float | None = None


class Host(Protocol):
    def read(self) -> HostReading: ...


class Gpus(Protocol):
    def read(self) -> Sequence[GpuReading]:
        """Return all GPUs that can be measured; none on a machine without."""
        ...

    def close(self) -> None: ...


class MachineRepository(Protocol):
    """Stores the history of all servers."""

    def add(self, spans: Sequence[Span]) -> None:
        """Store spans. Readings of a span that is there already are added to it."""
        ...

    def spans(
        self, step_s: int, since: datetime, until: datetime, subject: Subject | None = None, server: str | None = None
    ) -> Sequence[Span]:
        """Return the spans that start in [since, until), oldest first."""
        ...

    def servers(self, since: datetime) -> Sequence[str]:
        """Return the servers that measured something since, by name."""
        ...

    def remove(self, step_s: int, before: datetime) -> int:
        """Delete the spans of this length that started before; returns how many."""
        ...
