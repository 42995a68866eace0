"""Choose how llama.cpp is compiled for this machine, and the key that identifies such a build."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from cli.environment.python_packages import ENGINE, pins
from cli.paths import REPOSITORY, Paths
from core.errors import StartFailed

_IMAGES = "images"
"""llama.cpp's library for images is built too, without video support, which would start other programs."""
_BASE = ("-DLLAVA_BUILD=ON", "-DMTMD_VIDEO=OFF", f"-DCMAKE_PROJECT_llama_cpp_INCLUDE={REPOSITORY / 'cli' / 'environment' / 'engine.cmake'}")
_X86 = {"avx": "AVX", "avx2": "AVX2", "fma": "FMA", "f16c": "F16C", "bmi2": "BMI2", "sse4_2": "SSE42"}
"""CPU flags and their names in llama.cpp's build. AVX-512 and AMX are left out, because some hosts report but do not allow them."""


@dataclass(frozen=True)
class Toolkit:
    """NVIDIA's compiler and the GPUs of this machine. capabilities: as CMake expects them, "90" for 9.0."""

    nvcc: Path
    version: str
    capabilities: tuple[str, ...]

    @property
    def root(self) -> Path:
        return self.nvcc.resolve().parent.parent

    @cached_property
    def has_cublas(self) -> bool:
        folders = (self.root, Path("/usr/lib"), Path("/usr/lib64"))
        patterns = ("lib64/libcublas.so", "targets/*/lib/libcublas.so", "*/libcublas.so", "libcublas.so")
        return any(True for folder in folders for pattern in patterns for _ in folder.glob(pattern))


@dataclass(frozen=True)
class Build:
    """How to compile. native: for exactly this CPU; otherwise with the instructions that every host supports."""

    cpu_flags: frozenset[str]
    toolkit: Toolkit | None = None
    native: bool = True

    @property
    def portable(self) -> Build:
        return replace(self, native=False)

    @property
    def key(self) -> str:
        """Identify a build: two machines with the same key can share the wheel."""
        facts = [
            pins(ENGINE)["llama-cpp-python"],
            platform.machine(),
            "-".join(platform.libc_ver()),
            "native" if self.native else "portable",
            " ".join(sorted(self.cpu_flags)),
            f"cuda {self.toolkit.version} {self.toolkit.capabilities}" if self.toolkit else "cpu",
            _IMAGES,
        ]
        digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]
        return f"{facts[0]}-{'cuda' if self.toolkit else 'cpu'}-{facts[3]}-{digest}"

    def flags(self, paths: Paths) -> list[str]:
        flags = list(_BASE)
        if not self.native:
            flags.append("-DGGML_NATIVE=OFF")
            if platform.machine() == "x86_64":
                flags += [f"-DGGML_{name}={'ON' if flag in self.cpu_flags else 'OFF'}" for flag, name in _X86.items()]
        if self.toolkit:
            flags += ["-DGGML_CUDA=ON", f"-DCMAKE_CUDA_COMPILER={self.toolkit.nvcc}"]
            flags.append(f"-DCMAKE_CUDA_ARCHITECTURES={';'.join(self.toolkit.capabilities)}")
            if not self.toolkit.has_cublas:
                wheel = cublas_wheel(paths)
                flags += ["-DGGML_CUDA_NO_VMM=ON", "-DGGML_CUDA_NCCL=OFF"]
                flags.append(f"-DCUDA_cublas_LIBRARY={_newest(wheel / 'lib', 'libcublas.so*')}")
                flags += [f"-DCMAKE_{language}_FLAGS=-I{wheel / 'include'}" for language in ("CUDA", "CXX")]
        return flags


def wanted() -> Build:
    """Choose the build for this machine. Raises StartFailed if there is a GPU that nothing can be compiled for."""
    return Build(_cpu_flags(), _toolkit())


def cublas_wheel(paths: Paths) -> Path:
    """Return the folder where requirements/cuda.txt installs cuBLAS, for toolkits that come without it."""
    return paths.site_packages / "nvidia" / "cu13"


def library_path(paths: Paths) -> dict[str, str]:
    """Return the environment in which the CUDA libraries are found; empty if none was installed as a wheel."""
    folder = cublas_wheel(paths) / "lib"
    if not folder.is_dir():
        return {}
    return {"LD_LIBRARY_PATH": ":".join(part for part in (str(folder), os.environ.get("LD_LIBRARY_PATH", "")) if part)}


def gpus() -> list[dict[str, str]]:
    """Return each NVIDIA GPU's name, memory (MiB), driver and compute capability; [] without a GPU or driver."""
    fields = ("name", "memory.total", "driver_version", "compute_cap")
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    if asked.returncode:
        return []
    rows = [[part.strip() for part in line.split(",")] for line in asked.stdout.splitlines()]
    return [dict(zip(fields, row, strict=True)) for row in rows if len(row) == len(fields)]


def _cpu_flags() -> frozenset[str]:
    try:
        listed = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    except OSError:
        listed = None
    return frozenset(listed[1].split()) if listed else frozenset()


def _toolkit() -> Toolkit | None:
    """Find the CUDA toolkit. None without a GPU or a compiler for it: then the CPU is used."""
    nvcc = shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")
    if nvcc is None:
        return None
    capabilities = tuple(sorted({gpu["compute_cap"].replace(".", "") for gpu in gpus()}))
    if not capabilities:
        return None
    asked = subprocess.run([nvcc, "--version"], capture_output=True, text=True, check=False).stdout
    release = re.search(r"release (\d+)\.(\d+)", asked)
    toolkit = Toolkit(Path(nvcc), f"{release[1]}.{release[2]}" if release else "", capabilities)
    if not toolkit.has_cublas and not toolkit.version.startswith("13."):
        lacks = "The CUDA toolkit {version} at {root} has no cuBLAS. Install libcublas-dev for it, then try again."
        raise StartFailed(lacks, version=toolkit.version, root=toolkit.root)
    return toolkit


def _newest(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise StartFailed("cuBLAS is missing under {folder}. Remove the folder venv in PORTAL_HOME, then try again.", folder=folder)
    return found[-1]
