from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.releases import database
from cli.serving.serve import only_portal
from core.errors import StartFailed
from data.migrate import newest_revision
from samples.servers.ports import free_port
from settings import Settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    port = free_port()
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path))
    monkeypatch.setenv("PORTAL_PORT", str(port))
    return Settings(home=tmp_path, port=port)


def test_the_database_goes_to_the_revision_before_and_returns(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    def shown() -> str:
        assert database.main(["show"]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert facts["expected"] == newest_revision() and facts["in_the_way"] == ""
        return str(facts["revision"])

    (home.home / "portal.db").touch()
    assert database.main(["migrate", "head"]) == 0
    newest = shown()
    assert newest == newest_revision()
    before = f"{int(newest) - 1:04}"
    assert database.main(["migrate", before]) == 0
    assert shown() == before


def test_a_portal_that_serves_here_is_told(home: Settings) -> None:
    database.main(["migrate", "head"])
    with only_portal(home):
        assert "Another portal is using the folder" in str(database.facts(home)["in_the_way"])


def test_a_home_without_a_database_has_nothing_to_upgrade(home: Settings) -> None:
    with pytest.raises(StartFailed, match="no database"):
        database.facts(home)


def test_a_user_server_has_nothing_to_upgrade(home: Settings) -> None:
    with pytest.raises(StartFailed, match="A user server keeps no data"):
        database.facts(Settings(home=home.home, profile="user", server="http://127.0.0.1:1"))
