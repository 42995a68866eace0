"""llama-cpp-python: compiled for this machine, kept for the next environment, and tried before it is trusted."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cli.engine_build import Build, library_path
from cli.places import REPOSITORY, Places
from cli.progress import Step, run, step
from cli.python_packages import BUILD, CUDA, ENGINE, add_to_stamp, install, pip_install, read_stamp
from core.errors import StartFailed

_NINJA = re.compile(r"\[(\d+)/(\d+)\]")


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one decode in a child process. report: what it printed. trapped: the CPU refused an instruction."""

    ok: bool
    trapped: bool
    report: dict[str, object]
    complaint: str = ""


def installed_key(places: Places) -> str:
    return read_stamp(places).get("engine", "")


def needs_compiler(places: Places, build: Build) -> bool:
    return installed_key(places) != build.key and not _cached(places, build)


def ensure(places: Places, build: Build) -> None:
    """Install the build and try it; where the machine refuses it, something simpler. Raises StartFailed."""
    if installed_key(places) == build.key:
        return
    if build.toolkit and not build.toolkit.has_cublas:
        install(places, CUDA, "cuBLAS")
    trial = _install_and_try(places, build)
    if trial.trapped:
        trial = _install_and_try(places, build.portable)
    if not trial.ok:
        refused = "llama.cpp was built but cannot run on this machine: {complaint} Details are in {log}."
        raise StartFailed(refused, complaint=trial.complaint, log=places.log)
    if build.toolkit and trial.report.get("device") == "cpu":
        raise StartFailed(
            "llama.cpp was built for the GPU but runs on the CPU. Check the NVIDIA driver with nvidia-smi; "
            "to use the CPU, take nvcc ({nvcc}) out of PATH.",
            nvcc=build.toolkit.nvcc,
        )
    places.engine_note.write_text(json.dumps(trial.report, indent=1), "utf-8")
    add_to_stamp(places, engine=build.key)


def try_decode(places: Places, *, extra_buffers: bool = True) -> Trial:
    """Load the built-in model and decode once, in a child that may die of it."""
    command = [str(places.python), "-m", "models.serving.self_test", *([] if extra_buffers else ["--no-extra-buffers"])]
    environment = {**os.environ, **library_path(places)}
    try:
        child = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, errors="replace", timeout=180)
    except subprocess.TimeoutExpired:
        return Trial(False, False, {}, "the trial did not end within 180 s.")
    with places.log.open("a", encoding="utf-8", errors="replace") as log:
        log.write(f"\n$ {' '.join(command)}  # ended with {child.returncode}\n{child.stdout}{child.stderr}\n")
    try:
        report = json.loads(child.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        report = {}
    ok = child.returncode == 0 and report.get("ok") is True
    return Trial(ok, child.returncode == -signal.SIGILL, report, "" if ok else _complaint(child.returncode, report, child.stderr))


def _install_and_try(places: Places, build: Build) -> Trial:
    wheel = _cached(places, build) or _compile(places, build)
    with step("Installing llama.cpp and trying one decode", "Installed llama.cpp and tried one decode"):
        options = ["--no-deps", "--no-index", "--force-reinstall", "--disable-pip-version-check"]
        run([places.python, "-m", "pip", "install", *options, wheel], places.log)
        trial = try_decode(places)
        if trial.trapped:
            # Some hosts announce AMX and refuse it; only weights repacked for it use it.
            trial = try_decode(places, extra_buffers=False)
        return trial


def _cached(places: Places, build: Build) -> Path | None:
    return next((places.cache / build.key).glob("*.whl"), None)


def _compile(places: Places, build: Build) -> Path:
    """Build the wheel with tools in a folder of their own, and put it into the cache."""
    folder = places.cache / build.key
    cores = str(len(os.sched_getaffinity(0)))
    what = f"llama.cpp for {'the GPU' if build.toolkit else 'this CPU'} on {cores} cores"
    with tempfile.TemporaryDirectory(prefix="glm-portal-build-") as temporary:
        tools, made = Path(temporary) / "tools", Path(temporary) / "made"
        with step("Installing the build tools", "Installed the build tools"):
            run([sys.executable, "-m", "venv", tools], places.log)
            pip_install(tools / "bin" / "python", places.log, BUILD)
        environment = {
            **os.environ,
            "PATH": f"{tools / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            "CMAKE_ARGS": shlex.join(build.flags(places)),
            "CMAKE_GENERATOR": "Ninja",
            "CMAKE_BUILD_PARALLEL_LEVEL": cores,
        }
        options = ["--no-deps", "--no-build-isolation", "--no-cache-dir", "--disable-pip-version-check", "--progress-bar=off", "-v"]
        with step(f"Compiling {what}", f"Compiled {what}") as current:
            run(
                [tools / "bin" / "python", "-m", "pip", "wheel", *options, "--require-hashes", "-r", ENGINE, "-w", made],
                places.log,
                environment=environment,
                each_line=_share_done(current),
            )
        folder.mkdir(parents=True, exist_ok=True)
        wheel = next(made.glob("*.whl"))
        unfinished = folder / f"{wheel.name}.new"
        shutil.move(wheel, unfinished)
        return unfinished.replace(folder / wheel.name)


def _share_done(current: Step) -> Callable[[str], None]:
    def read(line: str) -> None:
        if found := _NINJA.search(line[:40]):
            current.detail = f"{100 * int(found[1]) // int(found[2])} %"

    return read


def _complaint(code: int, report: dict[str, object], errors: str) -> str:
    if code == -signal.SIGILL:
        return "the processor refused an instruction."
    if code < 0:
        return f"it was ended by {signal.Signals(-code).name}."
    words = str(report.get("error") or (errors.strip().splitlines() or ["it said nothing"])[-1])
    return words if words.endswith(".") else f"{words}."


