"""The soak beside the tests: it counts as one test, its failure fails the run, and it ends with the run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.checks import background_soak, checks
from cli.paths import Paths


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a program stand in for pytest: one passed, at once."""
    pytest_like = tmp_path / "python"
    pytest_like.write_text("#!/bin/sh\necho '1 passed in 0.01s'\n")
    pytest_like.chmod(0o755)
    monkeypatch.setattr(checks, "REPOSITORY", tmp_path)
    monkeypatch.setattr(checks, "PARTS", (("one",), ("two",)))
    monkeypatch.setattr(Paths, "python", property(lambda _places: pytest_like))
    return tmp_path


@pytest.mark.parametrize(("code", "counted"), [(0, "3 passed, 0 failed, 0 skipped"), (1, "2 passed, 1 failed, 0 skipped")])
def test_the_soak_counts_as_one_test(quick: Path, paths: Paths, capfd: pytest.CaptureFixture[str], code: int, counted: str) -> None:
    command = ("-c", f"import sys; print('The soak failed: so it said.'); sys.exit({code})")
    with background_soak.running(Path(sys.executable), quick, os.environ, command) as soak:
        assert (checks.run_tests(paths, soak) != 0) == (code != 0)
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1] == counted and lines.count("The soak failed: so it said.") == 1 + code


def test_selected_tests_run_without_the_soak(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything else of the command is left out here."""
    for module, name in ((checks, "install_runtime"), (checks.python_packages, "install"), (checks.system_packages, "install")):
        monkeypatch.setattr(module, name, lambda *_arguments: None)
    monkeypatch.setattr(checks.python_packages, "has_environment", lambda _paths: True)
    monkeypatch.setattr(subprocess, "run", lambda *_arguments, **_more: subprocess.CompletedProcess((), 0))

    def fail(*_arguments: object) -> None:
        raise AssertionError("the soak was started")

    monkeypatch.setattr(background_soak, "running", fail)
    assert checks.run_all(paths, ["tests/unit"]) == 0
    with pytest.raises(AssertionError, match="soak was started"):
        checks.run_all(paths, [])


def test_a_run_that_is_given_up_ends_the_soak_and_its_portal(tmp_path: Path) -> None:
    """As bench/servers/soak/__main__.py does: SIGTERM is an exception there, so that what it started ends with it."""
    left = tmp_path / "left"
    program = (
        "import signal, sys, time, pathlib\n"
        "signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))\n"
        f"left = pathlib.Path({str(left)!r})\n"
        "try:\n    left.write_text('running')\n    time.sleep(60)\n"
        "finally:\n    left.write_text('ended')\n"
    )
    with pytest.raises(KeyboardInterrupt), background_soak.running(Path(sys.executable), tmp_path, os.environ, ("-c", program)):
        deadline = time.monotonic() + 60
        while not left.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        raise KeyboardInterrupt
    assert left.read_text() == "ended"
