"""Measure what this machine has for models: memory and cores, as far as this process may use them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in bytes. free: what can still be taken without swapping."""

    free: int
    total: int


def host_memory(meminfo: Path = Path("/proc/meminfo"), cgroup: Path = _CGROUP) -> Memory:
    """Return the host's memory, or a container's limit if that is lower."""
    lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
    total, free = (int(lines[key].split()[0]) * 1024 for key in ("MemTotal", "MemAvailable"))
    limit = _number(cgroup / "memory.max") or _number(cgroup / "memory/memory.limit_in_bytes")
    if limit is None or limit >= total:
        return Memory(free, total)
    used = _number(cgroup / "memory.current") or _number(cgroup / "memory/memory.usage_in_bytes") or 0
    return Memory(max(0, min(free, limit - used + _file_cache(cgroup))), limit)


def cores(cgroup: Path = _CGROUP) -> int:
    """Return how many processors this process may use, within a container's quota."""
    mine = len(os.sched_getaffinity(0))
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
        return max(1, min(mine, int(quota) // int(period)))
    except (OSError, ValueError):
        return mine


def resident_bytes(process: int | str = "self") -> int:
    """Return the memory that this process, or the one with this id, holds now. Raises OSError if there is none."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _number(path: Path) -> int | None:
    """Read the number in a cgroup file; None if the file is absent or says "max"."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _file_cache(cgroup: Path) -> int:
    """Return the size of cached file pages, which count as used but are freed on demand."""
    for path in (cgroup / "memory.stat", cgroup / "memory/memory.stat"):
        try:
            entries = dict(line.split() for line in path.read_text().splitlines())
            return int(entries.get("inactive_file", 0))
        except (OSError, ValueError):
            continue
    return 0
