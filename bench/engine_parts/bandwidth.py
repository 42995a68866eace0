"""Measure the speed of memory: the GPU's by its clock and bus, and by a copy within it; the host's by a copy."""

from __future__ import annotations

import ctypes
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.errors import StartFailed

_BYTES = 1 << 30
"""Bytes of a copy: many times a GPU's cache."""
_COPIES = 20
_CLOCK_KHZ, _BUS_BITS = 36, 37
"""Values of cudaDeviceAttr."""
_WITHIN_DEVICE = 3
"""Value of cudaMemcpyKind."""


class CudaRuntime:
    """The CUDA runtime of llama.cpp's libraries, which this process must have loaded. Uses the first GPU."""

    def __init__(self) -> None:
        found = re.search(r"(/\S*libcudart\.so\S*)", Path("/proc/self/maps").read_text("utf-8"))
        if found is None:
            raise StartFailed("The CUDA runtime is not in this process: is llama-cpp-python a CUDA build? Or give --bandwidth.")
        self._library = ctypes.CDLL(found[1])

    @property
    def version(self) -> str:
        version = ctypes.c_int()
        self._call("cudaRuntimeGetVersion", ctypes.byref(version))
        return f"{version.value // 1000}.{version.value % 1000 // 10}"

    def peak(self) -> float:
        """Return bytes per second by the memory's highest clock (two transfers each) and the width of its bus; 0 if the driver reports
        neither."""
        return 2 * 1000 * self._attribute(_CLOCK_KHZ) * self._attribute(_BUS_BITS) / 8

    def copied(self) -> float:
        """Return bytes per second, read and written, of copies within the GPU's memory. Takes 2 GiB there."""
        areas = [ctypes.c_void_p(), ctypes.c_void_p()]
        try:
            for area in areas:
                self._call("cudaMalloc", ctypes.byref(area), ctypes.c_size_t(_BYTES))
                self._call("cudaMemset", area, ctypes.c_int(85), ctypes.c_size_t(_BYTES))

            def copy() -> None:
                for _ in range(_COPIES):
                    self._call(
                        "cudaMemcpyAsync", areas[1], areas[0], ctypes.c_size_t(_BYTES), ctypes.c_int(_WITHIN_DEVICE), ctypes.c_void_p()
                    )
                self._call("cudaDeviceSynchronize")

            return 2 * _BYTES * _COPIES / _fastest(copy)
        finally:
            for area in areas:
                if area:
                    self._call("cudaFree", area)

    def _attribute(self, number: int) -> int:
        value = ctypes.c_int()
        self._call("cudaDeviceGetAttribute", ctypes.byref(value), ctypes.c_int(number), ctypes.c_int(0))
        return value.value

    def _call(self, name: str, *arguments: object) -> None:
        status = getattr(self._library, name)(*arguments)
        if status:
            self._library.cudaGetErrorString.restype = ctypes.c_char_p
            reason = self._library.cudaGetErrorString(status).decode()
            raise StartFailed("The GPU refused {call}: {reason}.", call=name, reason=reason)


def host_copied() -> float:
    """Return bytes per second, read and written, of one thread's copies in the host's memory."""
    source = np.random.default_rng(0).integers(0, 255, _BYTES >> 3, np.uint8)
    target = np.empty_like(source)
    return 2 * source.nbytes / _fastest(lambda: np.copyto(target, source))


def _fastest(work: Callable[[], None]) -> float:
    """Return the seconds of the fastest of some runs after a warm-up."""
    took = []
    for _ in range(6):
        begin = time.perf_counter()
        work()
        took.append(time.perf_counter() - begin)
    return min(took[1:])
