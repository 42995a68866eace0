from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cli.environment import engine_build
from cli.environment.engine_build import Build, Toolkit
from cli.paths import Paths
from core.errors import StartFailed

CPU = Build(frozenset({"avx", "avx2", "fma", "f16c", "amx_int8", "avx512f"}))


def test_the_common_library_is_left_out(paths: Paths) -> None:
    option = next(flag for flag in CPU.flags(paths) if flag.startswith("-DCMAKE_PROJECT_llama_cpp_INCLUDE="))
    assert "set(LLAMA_BUILD_COMMON OFF)" in Path(option.partition("=")[2]).read_text()


def test_a_portable_build_names_its_instructions_and_none_of_those_that_hosts_refuse(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    flags = CPU.portable.flags(paths)
    assert {"-DGGML_NATIVE=OFF", "-DGGML_AVX2=ON", "-DGGML_FMA=ON", "-DGGML_F16C=ON", "-DGGML_BMI2=OFF"} <= set(flags)
    assert not any("AMX" in flag or "AVX512" in flag for flag in flags)


def test_builds_that_differ_have_keys_that_differ() -> None:
    toolkit = Toolkit(Path("/usr/local/cuda/bin/nvcc"), "13.0", ("90",))
    newer = Toolkit(toolkit.nvcc, "13.0", ("100",))
    builds = [CPU, CPU.portable, Build(frozenset({"avx"})), Build(CPU.cpu_flags, toolkit), Build(CPU.cpu_flags, newer)]
    assert len({build.key for build in builds}) == len(builds)
    assert Build(CPU.cpu_flags).key == CPU.key


def test_a_gpu_build_is_for_the_gpus_that_are_there(paths: Paths, tmp_path: Path) -> None:
    toolkit = _toolkit(tmp_path, cublas=True)
    flags = Build(frozenset(), toolkit).flags(paths)
    assert "-DGGML_CUDA=ON" in flags
    assert "-DCMAKE_CUDA_ARCHITECTURES=80;90" in flags
    assert not any("cublas" in flag for flag in flags)


def test_a_toolkit_without_cublas_takes_it_from_the_wheel(paths: Paths, tmp_path: Path) -> None:
    toolkit = _toolkit(tmp_path, cublas=False)
    with pytest.raises(StartFailed, match="cuBLAS is missing"):
        Build(frozenset(), toolkit).flags(paths)
    library = engine_build.cublas_wheel(paths) / "lib" / "libcublas.so.13"
    library.parent.mkdir(parents=True)
    library.touch()
    flags = Build(frozenset(), toolkit).flags(paths)
    assert f"-DCUDA_cublas_LIBRARY={library}" in flags
    assert "-DGGML_CUDA_NO_VMM=ON" in flags
    assert engine_build.library_path(paths)["LD_LIBRARY_PATH"].startswith(str(library.parent))


def test_nvidia_smi_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = "NVIDIA H100 80GB HBM3, 81559, 580.65.06, 9.0\n"
    monkeypatch.setattr("shutil.which", lambda name, **_: f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, answer, ""))
    assert engine_build.gpus() == [
        {"name": "NVIDIA H100 80GB HBM3", "memory.total": "81559", "driver_version": "580.65.06", "compute_cap": "9.0"}
    ]


def test_a_driver_that_does_not_answer_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, **_: f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 9, "NVIDIA-SMI has failed", ""))
    assert engine_build.gpus() == []


def _toolkit(tmp_path: Path, *, cublas: bool) -> Toolkit:
    nvcc = tmp_path / "cuda" / "bin" / "nvcc"
    nvcc.parent.mkdir(parents=True)
    nvcc.touch()
    toolkit = Toolkit(nvcc, "13.0", ("80", "90"))
    # Whatever this machine has under /usr/lib is not what is tested.
    toolkit.__dict__["has_cublas"] = cublas
    return toolkit
