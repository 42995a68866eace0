"""Measure NVIDIA GPUs through NVML, the library that comes with their driver."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import pynvml

from core.usage.machines.ports import GpuReading

log = logging.getLogger(__name__)

T = TypeVar("T")

AGAIN_S = 600.0
"""Seconds after which NVML is tried again if it did not start, for example because the driver was being updated."""
_MILLIWATTS = 1000


class NvmlGpus:
    """Reads all GPUs that the driver lists. Without a driver there are none, and nothing is measured."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._open = False
        self._next_try = float("-inf")

    def read(self) -> Sequence[GpuReading]:
        if not self._open and not self._start():
            return []
        try:
            return [_reading(number, pynvml.nvmlDeviceGetHandleByIndex(number)) for number in range(pynvml.nvmlDeviceGetCount())]
        except pynvml.NVMLError as problem:
            log.warning("The GPUs could not be measured: %s", problem)
            self.close()
            self._next_try = self._monotonic() + AGAIN_S
            return []

    def close(self) -> None:
        if self._open:
            self._open = False
            try:
                pynvml.nvmlShutdown()
            except pynvml.NVMLError as problem:
                log.info("NVML did not stop: %s", problem)

    def _start(self) -> bool:
        now = self._monotonic()
        if now < self._next_try:
            return False
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as problem:
            self._next_try = now + AGAIN_S
            log.info("GPUs are not measured: %s", problem)
            return False
        self._open = True
        return True


def _reading(number: int, handle: object) -> GpuReading:
    memory = _told(lambda: pynvml.nvmlDeviceGetMemoryInfo(handle))
    busy = _told(lambda: pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    watts = _told(lambda: pynvml.nvmlDeviceGetPowerUsage(handle))
    name = _told(lambda: pynvml.nvmlDeviceGetName(handle))
    return GpuReading(
        name=f"{number} {name}" if name else str(number),
        busy=None if busy is None else busy / 100,
        memory_used=None if memory is None else int(memory.used),
        memory_total=None if memory is None else int(memory.total),
        watts=None if watts is None else watts / _MILLIWATTS,
        celsius=_told(lambda: pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU)),
    )


def _told(ask: Callable[[], T]) -> T | None:
    """Return what the driver answers; None if this GPU does not support the question."""
    try:
        return ask()
    except pynvml.NVMLError:
        return None
