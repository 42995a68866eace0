from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from cli.environment import system_packages
from core.errors import StartFailed


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the commands that would have been run."""
    run: list[list[str]] = []
    monkeypatch.setattr(system_packages, "run", lambda command, _log, **_: run.append([str(part) for part in command]))
    return run


def _machine(monkeypatch: pytest.MonkeyPatch, *programs: str, root: bool = False) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/usr/bin/{name}" if name in programs else None)
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    for variable in ("CC", "CXX"):
        monkeypatch.delenv(variable, raising=False)


def test_root_installs_what_is_missing(monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], tmp_path: Path) -> None:
    _machine(monkeypatch, "apt-get", root=True)
    system_packages.install(["g++"], tmp_path / "log")
    assert commands[0][:2] == ["apt-get", "update"]
    assert commands[1][0] == "apt-get"
    assert commands[1][-1] == "g++"


def test_somebody_without_rights_is_told_the_line_to_type(
    monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], tmp_path: Path
) -> None:
    _machine(monkeypatch, "apt-get")
    with pytest.raises(StartFailed, match=r"Type: sudo apt-get install -y python3.11-venv g\+\+$"):
        system_packages.install(["python3.11-venv", "g++"], tmp_path / "log")
    assert commands == []


def test_a_system_without_apt_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], tmp_path: Path) -> None:
    _machine(monkeypatch, root=True)
    with pytest.raises(StartFailed, match=r"missing: g\+\+\."):
        system_packages.install(["g++"], tmp_path / "log")
    assert commands == []


def test_nothing_missing_needs_no_rights(monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], tmp_path: Path) -> None:
    _machine(monkeypatch)
    system_packages.install([], tmp_path / "log")
    assert commands == []


def test_a_compiler_is_missed_unless_both_languages_have_one(monkeypatch: pytest.MonkeyPatch) -> None:
    _machine(monkeypatch, "cc")
    assert system_packages.missing_compiler() == ["g++"]
    _machine(monkeypatch, "cc", "g++")
    assert system_packages.missing_compiler() == []


def test_a_python_that_debian_cut_is_missed_its_other_half(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ensurepip" else object())
    assert system_packages.missing_venv() == [f"python3.{sys.version_info.minor}-venv"]
