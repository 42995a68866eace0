from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

import settings as portal_settings
from bootstrap.portal import Portal, build_portal
from cli.commands import keys
from cli.commands.keys import main
from core.errors import StartFailed, Unavailable
from core.people.audit_records import AuditFilter
from core.people.records import Role, User
from samples.fakes import FakePool, FakeRouter
from settings import Settings
from tests.unit.api.conftest import PlainHasher

KEY, OTHER = b64encode(b"k" * 32).decode(), b64encode(b"o" * 32).decode()


def run(settings: Settings) -> tuple[Portal, User]:
    portal = build_portal(settings, pool=FakePool(), router=FakeRouter(), hasher=PlainHasher())
    if not portal.accounts.has_any():
        portal.accounts.add(None, "ann", Role.ANALYST, password="correct horse")
    return portal, portal.accounts.people(None)[0]


def test_an_encrypted_portal_does_not_search_unless_told_to_and_says_why(tmp_path: Path) -> None:
    portal, ann = run(Settings(home=tmp_path))
    portal.conversations.new(ann, "merger")
    assert portal.index_worker.drain(10)
    assert portal.search.find(ann, "merger").total == 1
    portal.close()

    portal, ann = run(Settings(home=tmp_path, master_key=KEY))
    portal.conversations.new(ann, "merger again")
    assert portal.index_worker.drain(10)
    with pytest.raises(Unavailable, match="the chats are encrypted"):
        portal.search.find(ann, "merger")
    assert [each.title for each in portal.conversations.list(ann)] == ["merger again", "merger"]
    assert list(tmp_path.glob("search*")) == []
    portal.close()

    portal, ann = run(Settings(home=tmp_path, master_key=KEY, index_plaintext=True))
    assert portal.index_worker.drain(10)
    assert portal.search.find(ann, "merger").total == 2
    portal.close()


def test_keys_are_sealed_rotated_and_rewrapped_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    portal, ann = run(Settings(home=tmp_path))
    portal.conversations.new(ann, "merger")
    portal.close()
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path))
    assert main(["seal"]) == 1
    assert "Encryption is off" in capsys.readouterr().err
    monkeypatch.setenv("PORTAL_MASTER_KEY", KEY)
    monkeypatch.setattr(keys, "KEYS_NOTICED_S", 0.0)
    counts = []
    for command in ("seal", "rotate"):
        assert main([command]) == 0
        counts.append(int(capsys.readouterr().out.splitlines()[-1].split()[0]))
    assert counts[0] == counts[1] > 1, "the title and what the recurring jobs hold"
    assert main(["rewrap"]) == 1
    monkeypatch.setenv("PORTAL_NEW_MASTER_KEY", OTHER)
    assert main(["rewrap"]) == 0
    assert main(["seal"]) == 1
    assert "not the master key" in capsys.readouterr().err
    portal, ann = run(Settings(home=tmp_path, master_key=OTHER))
    assert [each.title for each in portal.conversations.list(ann)] == ["merger"]
    ada = portal.accounts.add(None, "ada", Role.ADMIN, password="correct horse")
    actions = [entry.event.action for entry in portal.audit.all(ada, AuditFilter())]
    assert [action for action in actions if action.startswith("keys.")] == ["keys.rewrap", "keys.rotate"]
    portal.close()


def test_the_master_key_comes_from_the_setting_a_file_or_a_command(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    for settings in (
        Settings(master_key=KEY),
        Settings(master_key_file=str(tmp_path / "key")),
        Settings(master_key_command=f"cat '{tmp_path / 'key'}'"),
    ):
        assert settings.encrypted
        assert portal_settings.master_key(settings) == b"k" * 32
    assert portal_settings.master_key(Settings()) is None


@pytest.mark.parametrize(
    "settings",
    [
        Settings(master_key="short"),
        Settings(master_key="é"),
        Settings(master_key=b64encode(b"k" * 31).decode()),
        Settings(master_key_file="/nowhere/key"),
        Settings(master_key_command="false"),
        Settings(master_key_command="/nowhere/command"),
        Settings(master_key_command="echo not a key"),
    ],
)
def test_a_master_key_that_cannot_be_used_stops_the_start(settings: Settings) -> None:
    with pytest.raises(StartFailed, match="PORTAL_MASTER_KEY"):
        portal_settings.master_key(settings)
