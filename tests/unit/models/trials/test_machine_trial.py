"""Every way a trial can end, with real children that die of real signals."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from models.trials import machine_trial
from models.trials.machine_trial import Trial, TrialResult, identity, in_words, read_trial_result, try_both, try_decode, write_trial_result

DEADLY = ("SIGILL", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGABRT")
GOOD = 'print("noise"); print(\'{"ok": true, "device": "cpu", "tokens_per_second": 1300.0}\')'
DIE = "import os, signal, resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.kill(os.getpid(), signal.{signal})"
CPUINFO = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 167\nflags\t\t: fpu amx_tile\ncpu MHz\t\t: {mhz}\n\nprocessor\t: 1\n"


def python(folder: Path, body: str) -> Path:
    """Return a stand-in for the environment's Python, which runs `body` whatever it is asked for; sys.argv has what that was."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\nexec {sys.executable} - \"$@\" <<'END'\n{body}\nEND\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("signal", DEADLY)
def test_a_death_by_any_signal_leads_to_the_next_rung(tmp_path: Path, signal: str) -> None:
    refuses = python(tmp_path, f"import sys\nif '--no-extra-buffers' not in sys.argv:\n    {DIE.format(signal=signal)}\n{GOOD}")
    first, second = try_both(lambda extra: try_decode(refuses, extra_buffers=extra))
    assert (first.ok, first.retryable, first.complaint) == (False, True, signal)
    assert second.ok and not second.extra_buffers


@pytest.mark.parametrize("signal", DEADLY)
def test_where_no_rung_holds_the_words_say_what_was_tried(tmp_path: Path, signal: str) -> None:
    dead = python(tmp_path, DIE.format(signal=signal))
    trials = try_both(lambda extra: try_decode(dead, extra_buffers=extra))
    assert in_words(trials) == f"with repacked weights: {signal}; without repacked weights: {signal}"


@pytest.mark.parametrize(
    ("body", "ok", "retryable", "complaint"),
    [
        (GOOD, True, False, ""),
        (DIE.format(signal="SIGKILL"), False, False, "it was killed (SIGKILL), most likely because memory ran out"),
        (DIE.format(signal="SIGTERM"), False, False, "SIGTERM"),
        ('print(\'{"ok": false, "error": "It answered wrongly."}\'); raise SystemExit(1)', False, True, "It answered wrongly"),
        ("raise SystemExit('libgomp.so.1 is missing')", False, False, "libgomp.so.1 is missing"),
        ("pass", False, False, "it printed nothing"),
        ("print('[]')", False, False, "it printed nothing"),
    ],
    ids=["good", "killed", "stopped", "wrong answer", "library", "silent", "nonsense"],
)
def test_a_trial_tells_what_became_of_the_child(tmp_path: Path, body: str, ok: bool, retryable: bool, complaint: str) -> None:
    trial = try_decode(python(tmp_path, body))
    assert (trial.ok, trial.retryable, trial.complaint) == (ok, retryable, complaint)


def test_a_trial_that_hangs_leads_to_the_next_rung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_trial, "TRIAL_S", 1)
    trial = try_decode(python(tmp_path, "import time; time.sleep(60)"))
    assert (trial.retryable, trial.complaint) == (True, "no answer within 1 s")


def test_the_child_hears_no_secret_of_the_portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_MASTER_KEY", "secret")
    printed: list[str] = []
    try_decode(python(tmp_path, "import os; print(sorted(os.environ))"), log=printed.append)
    assert "PATH" in printed[0] and "PORTAL_MASTER_KEY" not in printed[0]


def test_a_note_is_read_as_it_was_written(tmp_path: Path) -> None:
    note = TrialResult.of(Trial(True, False, False, {"device": "cpu", "tokens_per_second": 1300}), "machine", "build")
    write_trial_result(tmp_path / "engine.json", note)
    assert read_trial_result(tmp_path / "engine.json") == note == TrialResult("machine", False, "cpu", 1300.0, "build")
    assert [path.name for path in tmp_path.iterdir()] == ["engine.json"]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"ok": true, "extra_buffers": true}', '{"machine": "a", "extra_buffers": "no"}'])
def test_a_note_that_says_nothing_of_the_machine_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "engine.json").write_text(text)
    assert read_trial_result(tmp_path / "engine.json") is None


def test_a_machine_is_known_by_its_processor_and_its_build(tmp_path: Path) -> None:
    library, cpuinfo = tmp_path / "lib", tmp_path / "cpuinfo"
    library.mkdir()
    (library / "libggml-cpu.so").write_bytes(b"native")
    cpuinfo.write_text(CPUINFO.format(mhz=2000))
    known = identity(library, cpuinfo)
    cpuinfo.write_text(CPUINFO.format(mhz=3100))
    assert identity(library, cpuinfo) == known
    found = {known}
    for changed in (CPUINFO.replace("167", "168"), CPUINFO.replace(" amx_tile", "")):
        cpuinfo.write_text(changed)
        found.add(identity(library, cpuinfo))
    (library / "libggml-cpu.so").write_bytes(b"portable")
    found |= {identity(library, cpuinfo), identity(tmp_path / "none", tmp_path / "none")}
    assert len(found) == 5
