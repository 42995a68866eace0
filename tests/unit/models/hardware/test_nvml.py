"""GPUs through NVIDIA's Python client, with a compiled library in the place of the driver's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pynvml
import pytest

from cli.paths import REPOSITORY
from core.usage.machines.ports import GpuReading
from models.hardware.nvml import AGAIN_S, NvmlGpus

READ = """
import json
from dataclasses import asdict
from models.hardware.nvml import AGAIN_S, NvmlGpus
import os
now = [0.0]
gpus = NvmlGpus(lambda: now[0])
found = [[asdict(each) for each in gpus.read()]]
os.unsetenv("NVML_FAILS")
for seconds in (AGAIN_S - 1, 2):
    now[0] += seconds
    found.append([asdict(each) for each in gpus.read()])
gpus.close()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("driver")
    source = REPOSITORY / "samples/servers/nvml.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(folder / "libnvidia-ml.so.1"), str(source)], check=True, timeout=60)
    return folder


def read(driver: Path, **environment: str) -> list[list[GpuReading]]:
    """Return the readings at once, just before NVML is tried again after a failure, and after."""
    env = {**os.environ, "LD_LIBRARY_PATH": str(driver), **environment}
    done = subprocess.run([sys.executable, "-c", READ], cwd=REPOSITORY, env=env, capture_output=True, check=True, timeout=60)
    return [[GpuReading(**each) for each in reading] for reading in json.loads(done.stdout)]


def test_what_the_driver_tells_is_read_and_what_it_does_not_tell_is_unknown(driver: Path) -> None:
    memory = {"memory_used": 60_000_000_000, "memory_total": 80_000_000_000}
    first = GpuReading(name="0 Stand-in GPU", busy=0.75, watts=350.0, celsius=61, **memory)
    second = GpuReading(name="1 Partitioned GPU", busy=None, watts=None, celsius=61, **memory)
    assert read(driver) == [[first, second]] * 3


def test_a_driver_that_fails_is_asked_again_later(driver: Path) -> None:
    lost = "15"
    failed, soon, later = read(driver, NVML_FAILS=lost)
    assert failed == soon == [] and len(later) == 2


def test_without_the_driver_nothing_is_measured_and_the_library_is_not_looked_for_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, tries = [0.0], []

    def missing() -> None:
        tries.append(now[0])
        raise pynvml.NVMLError_LibraryNotFound

    monkeypatch.setattr("models.hardware.nvml.pynvml.nvmlInit", missing)
    gpus = NvmlGpus(lambda: now[0])
    for now[0] in (0.0, 1.0, AGAIN_S):
        assert list(gpus.read()) == []
    assert tries == [0.0, AGAIN_S]
    gpus.close()
