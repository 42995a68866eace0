from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from cli.commands.finding import Finding
from cli.commands.inspection import main
from cli.commands.people import main as people
from cli.serving.serve import listen


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PORTAL_DATABASE_URL", "PORTAL_ELASTICSEARCH_URL", "PORTAL_CONFIG", "PORTAL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path))
    monkeypatch.setenv("PORTAL_PASSWORD", "correct horse")
    with listen("127.0.0.1", 0) as free:
        monkeypatch.setenv("PORTAL_PORT", str(free.getsockname()[1]))
    return tmp_path


def _findings(capsys: pytest.CaptureFixture[str]) -> dict[str, Finding]:
    capsys.readouterr()
    assert main() == 0
    found = [Finding(**json.loads(line)) for line in capsys.readouterr().out.splitlines()]
    return {each.part: each for each in found}


def test_before_the_first_start_nothing_is_broken_and_nothing_is_made(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = _findings(capsys)
    assert not [each for each in found.values() if each.good is False]
    assert "created at the first start" in found["Database"].state
    assert list(home.iterdir()) == []


def test_a_store_is_reported_with_its_revision_and_size(capsys: pytest.CaptureFixture[str]) -> None:
    people(["add", "ada"])
    store = _findings(capsys)["Database"]
    assert store.good is True
    assert "SQLite" in store.state
    assert "revision 0" in store.state
    assert store.state.endswith("MB")


def test_a_store_of_a_newer_portal_is_reported(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people(["add", "ada"])
    connection = sqlite3.connect(home / "portal.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    store = _findings(capsys)["Database"]
    assert store.good is False
    assert "newer portal" in store.advice


def test_a_model_file_that_is_gone_meanwhile_stops_no_report(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "models").mkdir()
    (home / "models" / "here.gguf").write_bytes(b"GGUF")
    (home / "models" / "gone.gguf").symlink_to("nowhere.gguf")
    assert "2 GGUF files, 0.0 GB" in _findings(capsys)["Models"].state


def test_an_index_that_does_not_answer_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    people(["add", "ada"])
    monkeypatch.setenv("PORTAL_ELASTICSEARCH_URL", "http://127.0.0.1:9")
    index = _findings(capsys)["Search index"]
    assert index.good is False
    assert "is not responding" in index.advice


def test_a_port_of_another_program_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("cli.commands.inspection.ANSWER_S", 0.2)
    with listen("127.0.0.1", 0) as taken:
        monkeypatch.setenv("PORTAL_PORT", str(taken.getsockname()[1]))
        port = _findings(capsys)["Port"]
    assert port.good is False
    assert "PORTAL_PORT" in port.advice


def test_a_wrong_setting_and_a_missing_model_are_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PORTAL_MODEL", "/nowhere/glm.gguf")
    assert _findings(capsys)["Models"].good is False
    monkeypatch.setenv("PORTAL_PORT", "99999")
    assert list(_findings(capsys)) == ["Settings"]
