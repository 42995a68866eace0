from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli import main as main_module
from cli.main import main
from cli.paths import REPOSITORY


def test_the_help_names_every_command_and_needs_nothing_installed(tmp_path: Path) -> None:
    # -S: no site-packages; what is found then is the standard library and the repository.
    command = [sys.executable, "-S", REPOSITORY / "portal", "--help"]
    asked = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    for command in ("run", "test", "user add", "user passwd", "user role", "user disable", "backup", "restore", "doctor", "demo", "bench"):
        assert f"./portal {command}" in asked.stdout


def test_an_old_python_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(SystemExit, match=r"needs Python 3.11 or later; this is Python 3.9"):
        runpy.run_path(str(REPOSITORY / "portal"), run_name="__main__")


def test_an_old_python_hands_over_to_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Replaced(Exception):
        pass

    def replace(path: str, arguments: list[str]) -> None:
        raise Replaced(path, arguments)

    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    monkeypatch.setattr(sys, "argv", ["portal", "doctor"])
    monkeypatch.setattr(shutil, "which", lambda name: sys.executable if name == "python3.12" else None)
    monkeypatch.setattr(os, "execv", replace)
    with pytest.raises(Replaced) as caught:
        runpy.run_path(str(REPOSITORY / "portal"), run_name="__main__")
    path, arguments = caught.value.args
    assert path == arguments[0] == sys.executable
    assert arguments[1].endswith("portal")
    assert arguments[2:] == ["doctor"]


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["fly"])
    assert caught.value.code == 2
    assert "'fly'" in capsys.readouterr().err


def test_run_takes_its_settings_from_the_environment_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--port", "80"]) == 1
    assert "Settings are environment variables" in capsys.readouterr().err


def test_run_takes_the_profile_and_the_admin_server(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[bool] = []
    entered: list[str] = []
    monkeypatch.setenv("PORTAL_PROFILE", "all")
    monkeypatch.setenv("PORTAL_SERVER", "")
    monkeypatch.setattr(main_module, "install_runtime", lambda _paths, *, with_engine: installed.append(with_engine))
    monkeypatch.setattr(main_module, "enter", lambda _paths, module, _rest: entered.append(module) or 0)
    assert main(["run", "--profile", "user", "--server", "https://admin.example"]) == 0
    assert (os.environ["PORTAL_PROFILE"], os.environ["PORTAL_SERVER"]) == ("user", "https://admin.example")
    assert installed == [False], "a user server compiles no llama.cpp"
    assert entered == ["cli.serving.serve"]
    assert main(["run", "--profile", "admin"]) == 0 and installed == [False, True]


def test_worker_passes_its_port_on(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(main_module, "install_runtime", lambda _paths, *, with_engine: None)
    monkeypatch.setattr(main_module, "enter", lambda _paths, module, rest: entered.append((module, list(rest))) or 0)
    assert main(["worker", "--port", "9000"]) == 0
    assert entered == [("cli.serving.worker", ["--port", "9000"])]


def test_a_home_that_cannot_be_written_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path / "file" / "home"))
    assert main(["run"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_doctor_works_when_nothing_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path / "home"))
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "Python" in said
    assert "Run ./portal run to install everything." in said
