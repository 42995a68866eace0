from __future__ import annotations

import socket
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from cli.paths import REPOSITORY
from cli.serving.serve import address, listen, only_portal
from core.errors import StartFailed
from settings import Settings


def test_a_taken_port_stops_the_start_and_says_what_to_do() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(StartFailed, match=r"is used by another program.*PORTAL_PORT"):
        listen("127.0.0.1", first.getsockname()[1])


def test_an_address_of_another_machine_stops_the_start() -> None:
    with pytest.raises(StartFailed, match=r"PORTAL_HOST 192.0.2.1 is not an address of this machine"):
        listen("192.0.2.1", 0)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_an_address_of_the_newer_kind_is_written_in_brackets() -> None:
    assert address(Settings(host="::1", port=9000)) == "http://[::1]:9000"
    assert address(Settings(host="0.0.0.0", port=9000)) == "http://localhost:9000"


def test_two_portals_cannot_share_an_embedded_store(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with only_portal(settings), pytest.raises(StartFailed, match="Another portal is using"), only_portal(settings):
        pass
    with only_portal(settings):
        pass


def test_a_second_replica_on_sqlite_is_told_what_replicas_need(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with only_portal(settings), pytest.raises(StartFailed, match="PostgreSQL: set PORTAL_DATABASE_URL"), only_portal(settings):
        pass


def test_portals_share_a_database_server_but_no_home(tmp_path: Path) -> None:
    one = Settings(home=tmp_path / "one", database_url="postgresql://portal@localhost/portal")
    two = replace(one, home=tmp_path / "two")
    with only_portal(one), only_portal(two), pytest.raises(StartFailed, match="another folder"), only_portal(one):
        pass


def test_a_home_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartFailed, match="cannot be written"), only_portal(Settings(home=tmp_path / "file" / "home")):
        pass


def test_streamlit_is_set_up_as_the_walls_need_it() -> None:
    # Under uvicorn Streamlit reads no environment variables, only this file; it goes before a person's own one.
    options = tomllib.loads((REPOSITORY / ".streamlit" / "config.toml").read_text("utf-8"))
    assert options["server"]["fileWatcherType"] == "none"
    assert options["server"]["headless"] is True
    assert options["runner"]["magicEnabled"] is False
    assert options["client"]["showErrorDetails"] == "none"
    assert options["browser"]["gatherUsageStats"] is False
