from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from bootstrap.store import open_api_keys
from cli.commands.people import main
from core.people.records import Scope
from settings import Settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORTAL_DATABASE_URL", "PORTAL_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path))
    monkeypatch.setenv("PORTAL_PASSWORD", "correct horse")


def test_people_are_added_changed_and_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["add", "Ada", "--role", "admin", "--group", "Lab"]) == 0
    assert main(["add", "bo"]) == 0
    assert main(["role", "bo", "manager"]) == 0
    assert main(["disable", "bo"]) == 0
    capsys.readouterr()
    assert main(["list"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[1:] == [["ada", "admin", "Lab", "active", "never"], ["bo", "manager", "-", "disabled", "never"]]
    assert main(["enable", "bo"]) == 0
    assert "bo may sign in again." in capsys.readouterr().out


def test_a_generated_password_is_printed_and_a_given_one_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    main(["add", "ada", "--generate"])
    main(["passwd", "ada"])
    first, second = capsys.readouterr().out.splitlines()
    assert len(first.partition("Password: ")[2]) >= 16
    assert "correct horse" not in second


def test_what_cannot_be_done_is_one_sentence_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["add", "ada", "--role", "admin"]) == 0
    assert main(["add", "ada"]) == 1
    assert main(["disable", "ada"]) == 1
    assert main(["passwd", "nobody"]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 3
    assert errors[1] == "ada is the only active admin. Make someone else an admin first."


def test_without_a_terminal_a_password_must_be_given_some_other_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PORTAL_PASSWORD")
    monkeypatch.setattr(sys, "stdin", io.StringIO("typed\n"))
    assert main(["add", "ada"]) == 1
    assert "Set PORTAL_PASSWORD, or use --generate." in capsys.readouterr().err


def test_a_key_is_printed_alone_so_that_a_script_can_read_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    main(["add", "ada", "--role", "admin"])
    capsys.readouterr()
    assert main(["key", "ada", "--scope", "chat", "--scope", "admin", "--days", "0"]) == 0
    printed = capsys.readouterr().out
    with open_api_keys(Settings(home=tmp_path)) as keys:
        found = keys.user(printed.strip())
    assert found is not None and found.name == "ada" and found.key is not None
    assert found.key.scopes == {Scope.CHAT, Scope.ADMIN} and printed.count("\n") == 1
    assert main(["key", "nobody"]) == 1
