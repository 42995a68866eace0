from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bootstrap.portal import build_portal
from bootstrap.store import open_accounts, open_audit_chain
from cli.commands.backup import main
from core.people.records import Role
from samples.fakes import FakePool, FakeRouter
from settings import Settings
from tests.unit.api.conftest import PlainHasher


def actions(home: Path) -> list[str]:
    """Return what the audit log of this home holds, newest last."""
    with closing(sqlite3.connect(home / "portal.db")) as database:
        return [action for (action,) in database.execute("SELECT action FROM audit_events ORDER BY rowid")]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a portal has run."""
    built = build_portal(Settings(home=tmp_path / "home"), pool=FakePool(), router=FakeRouter(), hasher=PlainHasher())
    built.accounts.add(None, "ann", Role.ANALYST, password="correct horse")
    built.close()
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PORTAL_BACKUP_KEY", raising=False)
    return tmp_path / "home"


def test_a_backup_goes_from_one_home_to_another(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "portal.backup")
    assert main(["backup", file]) == 0
    assert "not encrypted" in capsys.readouterr().out
    assert actions(home)[-1] == "backup.make"

    monkeypatch.setenv("PORTAL_HOME", str(tmp_path / "new"))
    assert main(["restore", file, "--dry-run"]) == 0
    assert "would be filled. Nothing was changed." in capsys.readouterr().out
    assert main(["restore", file]) == 0
    assert "Restored into" in capsys.readouterr().out
    assert actions(tmp_path / "new")[-1] == "backup.restore"
    with open_audit_chain(Settings(home=tmp_path / "new")) as chain:
        assert chain.verify(None).fault is None
    with open_accounts(Settings(home=tmp_path / "new")) as accounts:
        assert [user.name for user in accounts.people(None)] == ["ann"]

    assert main(["restore", file, "--dry-run"]) == 1
    assert "nothing would be restored" in capsys.readouterr().out
    assert main(["restore", file]) == 1
    assert "only be restored into an empty database" in capsys.readouterr().err


def test_a_restored_portal_finds_everything_even_beside_an_old_index(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = str(tmp_path / "portal.backup")
    assert main(["backup", file]) == 0
    for path in home.glob("portal.db*"):
        path.unlink()
    assert list(home.glob("search*.db"))
    assert main(["restore", file]) == 0
    built = build_portal(Settings(home=home), pool=FakePool(), router=FakeRouter(), hasher=PlainHasher())
    assert built.index_worker.drain(10)
    ada = built.accounts.add(None, "ada", Role.ADMIN, password="correct horse")
    assert built.search.find(ada, "ann", "audit").total == 1
    built.close()


def test_with_a_passphrase_in_the_environment_a_backup_is_encrypted(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "portal.backup")
    monkeypatch.setenv("PORTAL_BACKUP_KEY", "a long passphrase")
    assert main(["backup", file]) == 0
    assert ", encrypted." in capsys.readouterr().out
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path / "new"))
    monkeypatch.setenv("PORTAL_BACKUP_KEY", "another")
    assert main(["restore", file]) == 1
    assert "passphrase is wrong" in capsys.readouterr().err
    monkeypatch.delenv("PORTAL_BACKUP_KEY")
    assert main(["restore", file]) == 1
    assert "no terminal" in capsys.readouterr().err


def test_a_file_that_is_missing_or_foreign_is_one_sentence(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("not a backup")
    for name in ("nowhere", "notes.txt"):
        assert main(["restore", str(tmp_path / name), "--dry-run"]) == 1
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
