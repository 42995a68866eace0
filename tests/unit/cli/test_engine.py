from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cli import engine, python_packages
from cli.engine import Trial
from cli.engine_build import Build, Toolkit
from cli.places import Places
from core.errors import StartFailed

CPU = Build(frozenset({"avx2"}))
GPU = Build(frozenset({"avx2"}), Toolkit(Path("/usr/local/cuda/bin/nvcc"), "12.8", ("90",)))

GOOD = Trial(True, False, {"ok": True, "device": "cpu", "extra_buffers": True})
PLAIN = Trial(True, False, {"ok": True, "device": "cpu", "extra_buffers": False})
TRAPPED = Trial(False, True, {}, "the processor refused an instruction.")


class Machine:
    """Compiles nothing, and answers each trial with the next outcome."""

    def __init__(self, *outcomes: Trial) -> None:
        self.outcomes = list(outcomes)
        self.compiled: list[Build] = []
        self.tried: list[bool] = []

    def compile(self, places: Places, build: Build) -> Path:
        self.compiled.append(build)
        wheel = places.cache / build.key / "llama.whl"
        wheel.parent.mkdir(parents=True)
        wheel.touch()
        return wheel

    def trial(self, _places: Places, *, extra_buffers: bool = True) -> Trial:
        self.tried.append(extra_buffers)
        return self.outcomes.pop(0)


def _ensure(places: Places, monkeypatch: pytest.MonkeyPatch, machine: Machine, build: Build = CPU) -> None:
    if not places.python.exists():
        places.python.parent.mkdir(parents=True)
        places.python.symlink_to(sys.executable)
        python_packages.add_to_stamp(places)
    monkeypatch.setattr(engine, "_compile", machine.compile)
    monkeypatch.setattr(engine, "try_decode", machine.trial)
    monkeypatch.setattr(engine, "run", lambda *_, **__: None)
    if build.toolkit:
        build.toolkit.__dict__["has_cublas"] = True
    engine.ensure(places, build)


def test_a_build_that_decodes_is_noted_and_not_tried_again(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(GOOD)
    _ensure(places, monkeypatch, machine)
    _ensure(places, monkeypatch, machine)
    assert machine.compiled == [CPU]
    assert machine.tried == [True]
    assert json.loads(places.engine_note.read_text())["extra_buffers"] is True


def test_another_environment_takes_the_wheel_from_the_cache_and_tries_it(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(GOOD, GOOD)
    _ensure(places, monkeypatch, machine)
    other = Places(places.home.parent / "other", places.cache)
    other.prepare()
    _ensure(other, monkeypatch, machine)
    assert machine.compiled == [CPU]
    assert machine.tried == [True, True]


def test_a_host_that_refuses_amx_gets_plain_buffers_and_the_home_remembers(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(TRAPPED, PLAIN)
    _ensure(places, monkeypatch, machine)
    assert machine.tried == [True, False]
    assert machine.compiled == [CPU]
    assert json.loads(places.engine_note.read_text())["extra_buffers"] is False


def test_a_host_that_refuses_more_gets_a_portable_build(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(TRAPPED, TRAPPED, GOOD)
    _ensure(places, monkeypatch, machine)
    assert machine.compiled == [CPU, CPU.portable]
    assert engine.installed_key(places) == CPU.key


def test_a_build_that_never_decodes_stops_the_start(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(TRAPPED, TRAPPED, TRAPPED, TRAPPED)
    with pytest.raises(StartFailed, match="cannot run on this machine: the processor refused an instruction"):
        _ensure(places, monkeypatch, machine)
    assert engine.installed_key(places) == ""


def test_a_gpu_build_that_runs_on_the_cpu_is_an_error_that_says_so(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StartFailed, match="built for the GPU but runs on the CPU"):
        _ensure(places, monkeypatch, Machine(GOOD), GPU)
    assert engine.installed_key(places) == ""


@pytest.mark.parametrize(
    ("body", "ok", "trapped", "complaint"),
    [
        ("print('noise'); print('{\"ok\": true, \"device\": \"cpu\"}')", True, False, ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", False, True, "the processor refused an instruction."),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", False, False, "it was ended by SIGKILL."),
        ("print('{\"ok\": false, \"error\": \"No token came\"}'); raise SystemExit(1)", False, False, "No token came."),
        ("raise SystemExit('libgomp.so.1 is missing')", False, False, "libgomp.so.1 is missing."),
    ],
)
def test_a_trial_tells_what_became_of_the_child(places: Places, body: str, ok: bool, trapped: bool, complaint: str) -> None:
    places.python.parent.mkdir(parents=True)
    places.python.write_text(f"#!/bin/sh\nexec {sys.executable} - <<'END'\n{body}\nEND\n")
    places.python.chmod(0o755)
    trial = engine.try_decode(places)
    assert (trial.ok, trial.trapped, trial.complaint) == (ok, trapped, complaint)


def test_the_share_done_is_read_from_ninja() -> None:
    class Shown:
        detail = ""

    shown = Shown()
    read = engine._share_done(shown)  # type: ignore[arg-type]
    read("  [40/83] /usr/bin/g++ -c [1/2].cpp\n")
    assert shown.detail == "48 %"
    read("  -- Found Threads\n")
    assert shown.detail == "48 %"
