"""Read the machine, its GPUs, its disk and its models once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from core.models.ports import ModelPool
from core.operations.disk import DiskSpace
from core.usage.machines.ports import GpuReading, Gpus, Host
from core.usage.machines.records import Gauge, Measured, Subject


class Measuring:
    """Reads this server. A value that cannot be measured is left out."""

    def __init__(self, host: Host, gpus: Gpus, disk: DiskSpace, pool: ModelPool, people_waiting: Callable[[], int]) -> None:
        """people_waiting: counts the people whose questions wait for a model of this server."""
        self._host = host
        self._gpus = gpus
        self._disk = disk
        self._pool = pool
        self._people_waiting = people_waiting

    def read(self) -> list[Measured]:
        models = list(self._models())
        computing = any(each.values.get(Gauge.SLOTS, 0.0) > 0 for each in models)
        gpus = [Measured(Subject.GPU, each.name, _gpu(each, computing=computing)) for each in self._gpus.read()]
        return [each for each in (self._machine(), *gpus, *models) if each.values]

    def close(self) -> None:
        self._gpus.close()

    def _machine(self) -> Measured:
        host = self._host.read()
        return Measured(Subject.MACHINE, "", _known({
            Gauge.CPU: host.cpu,
            Gauge.MEMORY: host.memory_used,
            Gauge.MEMORY_TOTAL: host.memory_total,
            Gauge.PORTAL_MEMORY: host.portal_memory,
            Gauge.DISK_FREE: self._disk.free,
            Gauge.PEOPLE_WAITING: self._people_waiting(),
        }))  # fmt: skip

    def _models(self) -> Iterator[Measured]:
        engines = self._pool.metrics()
        for model in self._pool.loaded():
            if model.slots:
                engine = engines.get(model.name)
                used, total = getattr(engine, "cells_used", None), getattr(engine, "cells_total", None)
                yield Measured(Subject.MODEL, model.name, _known({
                    Gauge.SLOTS: model.slots_busy / model.slots,
                    Gauge.WAITING: model.waiting,
                    Gauge.KV_CACHE: used / total if used is not None and total else None,
                }))  # fmt: skip


def _gpu(gpu: GpuReading, *, computing: bool) -> Mapping[Gauge, float]:
    return _known({
        Gauge.GPU: gpu.busy,
        Gauge.GPU_MEMORY: gpu.memory_used,
        Gauge.GPU_MEMORY_TOTAL: gpu.memory_total,
        Gauge.POWER: gpu.watts,
        Gauge.BUSY_POWER: gpu.watts if computing else None,
        Gauge.TEMPERATURE: gpu.celsius,
    })  # fmt: skip


def _known(values: Mapping[Gauge, float | None]) -> dict[Gauge, float]:
    return {gauge: float(value) for gauge, value in values.items() if value is not None}
