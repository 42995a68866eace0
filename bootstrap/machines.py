"""Build the history of this machine: what is measured, and who reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bootstrap.foundation import Foundation
from core.models.ports import ModelPool
from core.usage.machines.history import MachineHistory
from core.usage.machines.measuring import Measuring
from core.usage.machines.sampler import Sampler
from models.hardware.host import LinuxHost
from models.hardware.nvml import NvmlGpus


@dataclass(frozen=True, kw_only=True)
class MachineServices:
    machine_history: MachineHistory
    sampler: Sampler


def build_machines(base: Foundation, pool: ModelPool, people_waiting: Callable[[], int]) -> MachineServices:
    measuring = Measuring(LinuxHost(), NvmlGpus(), base.disk, pool, people_waiting)
    return MachineServices(
        machine_history=MachineHistory(base.unit_of_work, base.clock),
        sampler=Sampler(base.unit_of_work, base.clock, base.server, measuring),
    )
