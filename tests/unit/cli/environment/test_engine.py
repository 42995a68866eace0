from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from cli.environment import engine, python_packages
from cli.environment.engine_build import Build, Toolkit
from cli.paths import Paths
from core.errors import StartFailed
from models.trials.machine_trial import Trial, read_trial_result

CPU = Build(frozenset({"avx2"}))
GPU = Build(frozenset({"avx2"}), Toolkit(Path("/usr/local/cuda/bin/nvcc"), "12.8", ("90",)))

GOOD = Trial(True, True, False, {"ok": True, "device": "cpu", "extra_buffers": True})
PLAIN = Trial(True, False, False, {"ok": True, "device": "cpu", "extra_buffers": False})
DIED = Trial(False, True, True, {}, "SIGSEGV")
DIED_PLAIN = Trial(False, False, True, {}, "SIGILL")


class Machine:
    """Compiles nothing, and answers each trial with the next outcome."""

    def __init__(self, *outcomes: Trial) -> None:
        self.outcomes = list(outcomes)
        self.compiled: list[Build] = []
        self.installed: list[str] = []
        self.tried: list[bool] = []

    def compile(self, paths: Paths, build: Build) -> Path:
        self.compiled.append(build)
        wheel = paths.cache / build.key / "llama.whl"
        wheel.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(wheel, "w") as made:
            made.writestr("llama.py", "")
        return wheel

    def run(self, command: list[object], *_: object, **__: object) -> None:
        self.installed.append(Path(str(command[-1])).parent.name)

    def trial(self, _places: Paths, *, extra_buffers: bool = True) -> Trial:
        self.tried.append(extra_buffers)
        return self.outcomes.pop(0)


def _ensure(paths: Paths, monkeypatch: pytest.MonkeyPatch, machine: Machine, build: Build = CPU) -> None:
    if not paths.python.exists():
        paths.python.parent.mkdir(parents=True)
        paths.python.symlink_to(sys.executable)
        python_packages.add_to_stamp(paths)
    monkeypatch.setattr(engine, "compile_wheel", machine.compile)
    monkeypatch.setattr(engine, "try_decode", machine.trial)
    monkeypatch.setattr(engine, "run", machine.run)
    if build.toolkit:
        build.toolkit.__dict__["has_cublas"] = True
    engine.ensure(paths, build)


def _noted(paths: Paths) -> tuple[bool, str]:
    note = read_trial_result(paths.engine_trial_result)
    assert note is not None
    return note.extra_buffers, note.build


def test_a_build_that_decodes_is_noted_and_not_tried_again(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(GOOD)
    _ensure(paths, monkeypatch, machine)
    _ensure(paths, monkeypatch, machine)
    assert machine.compiled == [CPU]
    assert machine.tried == [True]
    assert _noted(paths) == (True, CPU.key)


def test_another_environment_takes_the_wheel_from_the_cache_and_tries_it(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(GOOD, GOOD)
    _ensure(paths, monkeypatch, machine)
    other = Paths(paths.home.parent / "other", paths.cache)
    other.prepare()
    _ensure(other, monkeypatch, machine)
    assert machine.compiled == [CPU]
    assert machine.tried == [True, True]


def test_a_wheel_that_the_disk_damaged_is_made_anew(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = paths.cache / CPU.key / "llama.whl"
    wheel.parent.mkdir(parents=True)
    wheel.write_bytes(b"PK\3\4 half of it")
    machine = Machine(GOOD)
    _ensure(paths, monkeypatch, machine)
    assert machine.compiled == [CPU]


def test_a_host_that_refuses_amx_gets_plain_buffers_and_the_home_remembers(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(DIED, PLAIN)
    _ensure(paths, monkeypatch, machine)
    assert machine.tried == [True, False]
    assert machine.compiled == [CPU]
    assert _noted(paths) == (False, CPU.key)


def test_a_host_that_refuses_more_gets_a_portable_build(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(DIED, DIED_PLAIN, GOOD)
    _ensure(paths, monkeypatch, machine)
    assert machine.compiled == [CPU, CPU.portable]
    assert engine.installed_key(paths) == CPU.key
    assert _noted(paths) == (True, CPU.portable.key)


def test_the_portable_build_also_goes_without_repacked_weights(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(DIED, DIED_PLAIN, DIED, PLAIN)
    _ensure(paths, monkeypatch, machine)
    assert _noted(paths) == (False, CPU.portable.key)


def test_a_build_that_never_decodes_stops_the_start_and_says_what_was_tried(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(DIED, DIED_PLAIN, DIED, DIED_PLAIN)
    with pytest.raises(StartFailed) as failed:
        _ensure(paths, monkeypatch, machine)
    each = "with repacked weights: SIGSEGV; without repacked weights: SIGILL"
    assert f"Tried the native build {each}; the portable build {each}." in str(failed.value)
    assert engine.installed_key(paths) == ""


def test_what_no_other_build_can_cure_stops_the_start_at_once(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(Trial(False, True, False, {}, "libgomp.so.1 is missing"))
    with pytest.raises(StartFailed, match=r"could not be tested: libgomp\.so\.1 is missing\. Details"):
        _ensure(paths, monkeypatch, machine)
    assert machine.compiled == [CPU]


@pytest.mark.parametrize("lost", ["another processor", "no note"])
def test_a_home_on_another_processor_tries_what_is_installed_again(paths: Paths, monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    machine = Machine(GOOD, DIED, PLAIN)
    _ensure(paths, monkeypatch, machine)
    if lost == "no note":
        paths.engine_trial_result.unlink()
    else:
        monkeypatch.setattr(engine, "identity", lambda _library: "another")
    _ensure(paths, monkeypatch, machine)
    _ensure(paths, monkeypatch, machine)
    assert machine.tried == [True, True, False]
    assert machine.installed == [CPU.key]
    assert _noted(paths) == (False, CPU.key)


def test_where_nothing_installed_works_any_more_the_other_build_is_tried(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(GOOD, DIED, DIED_PLAIN, GOOD)
    _ensure(paths, monkeypatch, machine)
    monkeypatch.setattr(engine, "identity", lambda _library: "another")
    _ensure(paths, monkeypatch, machine)
    assert machine.installed == [CPU.key, CPU.portable.key]
    assert _noted(paths) == (True, CPU.portable.key)


def test_a_gpu_build_that_runs_on_the_cpu_is_an_error_that_says_so(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StartFailed, match="built for the GPU but runs on the CPU"):
        _ensure(paths, monkeypatch, Machine(GOOD), GPU)
    assert engine.installed_key(paths) == ""


def test_the_log_of_the_installation_has_all_that_a_trial_printed(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.python.parent.mkdir(parents=True)
    paths.python.write_text("#!/bin/sh\necho many words; exit 3\n")
    paths.python.chmod(0o755)
    assert not engine.try_decode(paths).ok
    assert "many words" in paths.log.read_text()


def test_the_share_done_is_read_from_ninja() -> None:
    class Shown:
        detail = ""

    shown = Shown()
    read = engine.share_done(shown)  # type: ignore[arg-type]
    read("  [40/83] /usr/bin/g++ -c [1/2].cpp\n")
    assert shown.detail == "48 %"
    read("  -- Found Threads\n")
    assert shown.detail == "48 %"




class Archive:
    """Has one compiled wheel, of a build that `engine` names."""

    def __init__(self, wheel: Path, engine: str) -> None:
        self.engine = engine
        self._wheel = wheel

    def engine_wheel(self) -> Path:
        return self._wheel


@pytest.mark.parametrize(("key", "compiler", "compiles"), [(CPU.key, True, 0), ("another", True, 1), ("another", False, 0)])
def test_the_archives_build_is_taken_where_it_fits_or_nothing_can_be_compiled(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, key: str, compiles: int, *, compiler: bool
) -> None:
    machine = Machine(GOOD)
    monkeypatch.setattr(engine, "read_bundle", lambda: Archive(paths.home / "archive" / "llama.whl", key))
    monkeypatch.setattr(engine.system_packages, "missing_compiler", lambda: [] if compiler else ["g++"])
    assert engine.needs_compiler(paths, CPU) is bool(compiles)
    _ensure(paths, monkeypatch, machine)
    assert len(machine.compiled) == compiles
    assert machine.installed == ([CPU.key] if compiles else ["archive"])
