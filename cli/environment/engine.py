"""Compile llama-cpp-python for this machine, cache the wheel, and test it before it is used."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.environment import system_packages
from cli.environment.engine_build import Build, library_path
from cli.environment.offline import pip_options, read_bundle
from cli.environment.python_packages import BUILD, CUDA, ENGINE, add_to_stamp, install, pip_install, read_stamp
from cli.paths import Paths
from cli.progress import Step, run, step
from core.errors import StartFailed
from models.trials.machine_trial import Trial, TrialResult, identity, in_words, read_trial_result, try_both, write_trial_result
from models.trials.machine_trial import try_decode as try_in_child

_NINJA = re.compile(r"\[(\d+)/(\d+)\]")


def installed_key(paths: Paths) -> str:
    return read_stamp(paths).get("engine", "")


def needs_compiler(paths: Paths, build: Build) -> bool:
    return installed_key(paths) != build.key and not _ready_made(paths, build)


def installed_wheel(paths: Paths) -> Path:
    """Return the wheel of the llama.cpp that was tested here. Raises StartFailed if it is neither cached nor in the archive."""
    noted = read_trial_result(paths.engine_trial_result)
    if noted and (found := _wheel_with(paths, noted.build)):
        return found
    lost = "The compiled llama.cpp is no longer in {cache}. Remove the folder {venv}, then try again: it is compiled again."
    raise StartFailed(lost, cache=paths.cache, venv=paths.venv)


def ensure(paths: Paths, build: Build) -> None:
    """Install and test the build; if the machine rejects it, try a simpler one. Raises StartFailed.

    If a home was moved to another processor, or lost its note, the installed build is tested again.
    """
    noted = read_trial_result(paths.engine_trial_result)
    installed = installed_key(paths) == build.key
    if installed and noted is not None and noted.machine == _identity(paths):
        return
    if build.toolkit and not build.toolkit.has_cublas:
        install(paths, CUDA, "cuBLAS")
    builds = [build, build.portable]
    tried: list[str] = []
    if installed:
        with step("Testing llama.cpp on this machine", "Tested llama.cpp on this machine"):
            trials = try_both(lambda extra: try_decode(paths, extra_buffers=extra))
        there = next((each for each in builds if noted is not None and noted.build == each.key), build)
        if _accepted(paths, build, there, trials, tried):
            return
        builds = [each for each in builds if each != there]
    for each in builds:
        if _accepted(paths, build, each, _install_and_try(paths, each), tried):
            return
    refused = (
        "llama.cpp was built but cannot run on this machine. Tried {tried}. Details are in {log}. "
        "Use another machine or virtual machine type, or report the end of that file."
    )
    raise StartFailed(refused, tried="; ".join(tried), log=paths.log)


def try_decode(paths: Paths, *, extra_buffers: bool = True) -> Trial:
    """Load the built-in model and decode once, in a child process that may crash."""

    def write(text: str) -> None:
        with paths.log.open("a", encoding="utf-8", errors="replace") as log:
            log.write(text)

    return try_in_child(paths.python, extra_buffers=extra_buffers, environment=library_path(paths), log=write)


def tried_extra_buffers(paths: Paths) -> bool:
    """Tell whether the last trial worked with repacked weights; True if there is no note."""
    noted = read_trial_result(paths.engine_trial_result)
    return noted is None or noted.extra_buffers


def _accepted(paths: Paths, build: Build, build_on_trial: Build, trials: list[Trial], tried: list[str]) -> bool:
    """Record a trial that worked, else add its result to `tried`. Raises StartFailed if no other build would help."""
    last = trials[-1]
    if not last.ok:
        tried.append(f"the {'native' if build_on_trial.native else 'portable'} build {in_words(trials)}")
        if not last.retryable:
            missed = "llama.cpp was built but could not be tested: {complaint}. Details are in {log}."
            raise StartFailed(missed, complaint=last.complaint, log=paths.log)
        return False
    if build.toolkit and last.device == "cpu":
        raise StartFailed(
            "llama.cpp was built for the GPU but runs on the CPU. Check the NVIDIA driver with nvidia-smi; to use the CPU, remove nvcc "
            "({nvcc}) from PATH.",
            nvcc=build.toolkit.nvcc,
        )
    write_trial_result(paths.engine_trial_result, TrialResult.of(last, _identity(paths), build_on_trial.key))
    add_to_stamp(paths, engine=build.key)
    return True


def _identity(paths: Paths) -> str:
    return identity(paths.site_packages / "llama_cpp" / "lib")


def _install_and_try(paths: Paths, build: Build) -> list[Trial]:
    wheel = _ready_made(paths, build) or compile_wheel(paths, build)
    with step("Installing llama.cpp and testing one decode", "Installed llama.cpp and tested one decode"):
        options = ["--no-deps", "--no-index", "--force-reinstall", "--disable-pip-version-check"]
        run([paths.python, "-m", "pip", "install", *options, wheel], paths.log)
        return try_both(lambda extra: try_decode(paths, extra_buffers=extra))


def _ready_made(paths: Paths, build: Build) -> Path | None:
    """Return a compiled wheel to try: of this build, or without a compiler the one of the archive, which may fit this processor too."""
    found = _wheel_with(paths, build.key)
    if found is None and build.native and system_packages.missing_compiler() and (bundle := read_bundle()):
        return bundle.engine_wheel()
    return found


def _wheel_with(paths: Paths, key: str) -> Path | None:
    """Return an intact cached wheel, or the one of the archive; a damaged one is built again."""
    cached = next((wheel for wheel in (paths.cache / key).glob("*.whl") if zipfile.is_zipfile(wheel)), None)
    bundle = read_bundle() if cached is None else None
    return bundle.engine_wheel() if bundle and bundle.engine == key else cached


@contextmanager
def compiling_alone(folder: Path) -> Iterator[Path]:
    """Yield an empty folder to compile in: homes that share the cache compile a build once. Remove files that a killed command left."""
    work = folder / "work"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "compile.lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def compile_wheel(paths: Paths, build: Build) -> Path:
    with compiling_alone(paths.cache / build.key) as work:
        return _wheel_with(paths, build.key) or compile_in(work, paths, build)


def compile_in(work: Path, paths: Paths, build: Build) -> Path:
    """Build the wheel with tools in a separate folder, and put it into the cache."""
    system_packages.install(system_packages.missing_compiler(), paths.log)
    folder = paths.cache / build.key
    cores = str(len(os.sched_getaffinity(0)))
    what = f"llama.cpp for {'the GPU' if build.toolkit else 'this CPU'} on {cores} cores"
    tools, made = work / "tools", work / "made"
    with step("Installing the build tools", "Installed the build tools"):
        run([sys.executable, "-m", "venv", tools], paths.log)
        pip_install(tools / "bin" / "python", paths.log, BUILD)
    environment = {
        **os.environ,
        "PATH": f"{tools / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
        "TMPDIR": str(work),
        "CMAKE_ARGS": shlex.join(build.flags(paths)),
        "CMAKE_GENERATOR": "Ninja",
        "CMAKE_BUILD_PARALLEL_LEVEL": cores,
    }
    options = ["--no-deps", "--no-build-isolation", "--no-cache-dir", "--disable-pip-version-check", "--progress-bar=off", "-v"]
    with step(f"Compiling {what}", f"Compiled {what}") as current:
        run(
            [tools / "bin" / "python", "-m", "pip", "wheel", *options, *pip_options(ENGINE), "--require-hashes", "-r", ENGINE, "-w", made],
            paths.log,
            environment=environment,
            each_line=share_done(current),
        )
    wheel = next(made.glob("*.whl"))
    unfinished = folder / f"{wheel.name}.new"
    shutil.move(wheel, unfinished)
    return unfinished.replace(folder / wheel.name)


def share_done(current: Step) -> Callable[[str], None]:
    def read(line: str) -> None:
        if found := _NINJA.search(line[:40]):
            current.detail = f"{100 * int(found[1]) // int(found[2])} %"

    return read
