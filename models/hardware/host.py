"""Measure the processors and the memory of this machine, or of the container that limits them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from core.usage.machines.ports import HostReading
from models import machine

_STAT, _CGROUP = Path("/proc/stat"), Path("/sys/fs/cgroup")
_IDLE = (3, 4)
"""The fields of /proc/stat that count idle time: idle and iowait."""
_FIELDS = 8
"""The later fields, of guests, are in the first ones already."""


class LinuxHost:
    """Reads /proc and, in a container with a limit, its cgroup."""

    def __init__(self, stat: Path = _STAT, cgroup: Path = _CGROUP, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._stat = stat
        self._cgroup = cgroup
        self._monotonic = monotonic
        self._before = self._worked()

    def read(self) -> HostReading:
        """Measure now. The processors are measured since the reading before."""
        before, self._before = self._before, self._worked()
        cpu = None
        if before is not None and self._before is not None and self._before[1] > before[1]:
            cpu = min(1.0, max(0.0, (self._before[0] - before[0]) / (self._before[1] - before[1])))
        used, total = self._memory()
        return HostReading(cpu=cpu, memory_used=used, memory_total=total, portal_memory=_portal_memory())

    def _worked(self) -> tuple[float, float] | None:
        """Return the time that processors worked, and the time that they had; None where neither can be read."""
        try:
            quota, period = (self._cgroup / "cpu.max").read_text().split()
            used = dict(line.split() for line in (self._cgroup / "cpu.stat").read_text().splitlines())["usage_usec"]
            return int(used) / 1e6, self._monotonic() * int(quota) / int(period)
        except (OSError, ValueError, KeyError):
            pass  # No container, or one without a limit.
        try:
            fields = [int(each) for each in self._stat.read_text().splitlines()[0].split()[1 : _FIELDS + 1]]
            return float(sum(fields) - sum(fields[each] for each in _IDLE)), float(sum(fields))
        except (OSError, ValueError, IndexError):
            return None

    def _memory(self) -> tuple[int | None, int | None]:
        try:
            memory = machine.host_memory(cgroup=self._cgroup)
        except (OSError, KeyError, ValueError):
            return None, None
        return memory.total - memory.free, memory.total


def _portal_memory() -> int | None:
    try:
        return machine.resident_bytes()
    except OSError:
        return None
