from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.engine import engine_gpu, peers
from bench.engine_parts.blocks import NINE
from bench.engine_parts.steps import Step, share_outside
from bench.portal_parts.portal import ROOT
from core.errors import StartFailed
from models.engine.llama import native
from models.engine.llama.native import Gpu

LISTED = [{"name": "a GPU", "memory.total": "24000", "driver_version": "580.1", "compute_cap": "9.0"}]
RUNTIME = """
#include <stdlib.h>
#include <string.h>
int cudaRuntimeGetVersion(int *version) { *version = 13010; return 0; }
int cudaDeviceGetAttribute(int *value, int number, int device) { *value = number == 36 ? 2619000 : number == 37 ? 5120 : 0; return device; }
int cudaMalloc(void **area, size_t size) { if (size != (size_t)1 << 30) return 2; *area = malloc(64); return 0; }
int cudaFree(void *area) { free(area); return 0; }
int cudaMemset(void *area, int value, size_t size) { memset(area, value, 64); return size != (size_t)1 << 30; }
int cudaMemcpyAsync(void *to, void *from, size_t size, int kind, void *stream) {
    memcpy(to, from, 64);
    return kind != 3 || size != (size_t)1 << 30 || stream;
}
int cudaDeviceSynchronize(void) { return 0; }
const char *cudaGetErrorString(int status) { return "out of memory"; }
"""
ASK = """
import ctypes, sys
ctypes.CDLL(sys.argv[1])
from bench.engine_parts.bandwidth import CudaRuntime
runtime = CudaRuntime()
print(runtime.version, runtime.peak(), runtime.copied() > 0)
"""


def test_without_a_gpu_or_a_build_for_it_the_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_gpu, "gpus", list)
    with pytest.raises(StartFailed, match="--device cpu --shape small"):
        engine_gpu.check_device(NINE)
    monkeypatch.setattr(engine_gpu, "gpus", lambda: LISTED)
    monkeypatch.setattr(engine_gpu, "with_cuda", lambda: False)
    with pytest.raises(StartFailed, match="compiled without CUDA"):
        engine_gpu.check_device(NINE)
    monkeypatch.setattr(engine_gpu, "with_cuda", lambda: True)
    monkeypatch.setattr(native, "gpus", list)
    with pytest.raises(StartFailed, match="finds no GPU"):
        engine_gpu.check_device(NINE)
    monkeypatch.setattr(native, "gpus", lambda: [Gpu("CUDA0", "a GPU", 16 << 30, 16 << 30)])
    with pytest.raises(StartFailed, match=r"a GPU has 17.2 GB free; both sides together take up to 18.2 GB"):
        engine_gpu.check_device(NINE)


def test_a_server_that_leaves_the_gpu_alone_is_no_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    free = [20, 15, 15, 14]
    monkeypatch.setattr(native, "gpus", lambda: [Gpu("CUDA0", "a GPU", free.pop(0), 24)])
    with engine_gpu.takes_gpu_memory("The engine", 5, True):
        pass
    with pytest.raises(StartFailed, match="does not run there"):
        with engine_gpu.takes_gpu_memory("llama-server", 5, True):
            pass


def test_llama_server_for_a_gpu_is_another_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(peers, "LIBRARIES", tmp_path)
    (tmp_path / "libllama.so").touch()
    os.utime(tmp_path / "libllama.so", (1, 1))
    assert not peers.with_cuda() and not peers.is_built()
    plain = tmp_path / "glm-portal" / "peers" / f"llama-server-{peers.pins(peers.ENGINE)['llama-cpp-python']}"
    plain.parent.mkdir(parents=True)
    plain.touch()
    assert peers.is_built() and peers.llama_server() == plain
    (tmp_path / "libggml-cuda.so").touch()
    assert peers.with_cuda() and not peers.is_built()


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_the_memory_of_a_gpu_is_as_fast_as_its_clock_and_bus_say(tmp_path: Path) -> None:
    library = tmp_path / "libcudart.so.13"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, "-x", "c", "-"], input=RUNTIME, text=True, check=True)
    asked = subprocess.run([sys.executable, "-c", ASK, library], cwd=ROOT, capture_output=True, text=True, check=True)
    assert asked.stdout.split() == ["13.1", "3352320000000.0", "True"]


def test_each_part_can_be_asked_for_alone() -> None:
    everything = [arguments for arguments, _ in engine_gpu.measures(engine_gpu.PARTS, (1, 64))]
    assert everything == [
        "--only speed --chats 1", "--only speed --chats 64", "--only python --chats 64", "--only bandwidth",
        "--only scattered",
    ]


def test_pythons_share_is_what_decode_leaves() -> None:
    assert share_outside([Step(1.0, 0.9, 0.05), Step(3.0, 3.0, 0.0)]) == pytest.approx(0.025)
