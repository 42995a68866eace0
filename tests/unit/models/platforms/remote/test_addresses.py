"""The portal connects only to addresses that it resolved and checked itself."""

from __future__ import annotations

import socket

import pytest

from models.platforms.remote.addresses import addresses_of, is_refused
from models.platforms.remote.connection import Connections
from models.platforms.remote.failures import PlatformFailure
from models.platforms.remote.guarded_socket import Call
from samples.servers.models.model_server import ModelServer

REFUSED = (
    "169.254.169.254", "169.254.1.1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "100.100.100.200", "::ffff:169.254.169.254", "0.0.0.0",
    "::", "224.0.0.1", "ff02::1", "255.255.255.255", "2002:a9fe:a9fe::1", "nonsense",
)  # fmt: skip
ALLOWED = ("127.0.0.1", "::1", "10.0.0.5", "192.168.1.1", "8.8.8.8", "2606:4700::1111", "100.100.100.199")


@pytest.mark.parametrize("address", REFUSED)
def test_addresses_that_are_not_for_the_portal(address: str) -> None:
    assert is_refused(address)


@pytest.mark.parametrize("address", ALLOWED)
def test_addresses_of_servers(address: str) -> None:
    assert not is_refused(address)


def test_a_name_that_leads_to_metadata_is_refused_unless_it_is_allowed_by_name() -> None:
    def look_up(host: str, port: int) -> list[tuple[int, str]]:
        return [(socket.AF_INET, "169.254.169.254")]

    with pytest.raises(PlatformFailure, match=r"models\.example has an address that is not allowed"):
        addresses_of("gateway", "models.example", 80, allowed=False, resolver=look_up)
    assert addresses_of("gateway", "models.example", 80, allowed=True, resolver=look_up)


def test_a_name_is_resolved_once_for_a_connection_and_what_was_checked_is_used(server: ModelServer) -> None:
    """A name that turns to another address between check and use gains nothing."""
    asked: list[str] = []

    def look_up(host: str, port: int) -> list[tuple[int, str]]:
        asked.append(host)
        return [(socket.AF_INET, "127.0.0.1")] if len(asked) == 1 else [(socket.AF_INET, "169.254.169.254")]

    connections = Connections("gateway", f"http://rebinding.example:{server.port}/v1", resolver=look_up)
    response = connections.send(Call(), "GET", "/models", first_s=10, end=float("inf"))
    assert response.status == 200 and asked == ["rebinding.example"]
    response.body()
    response.close()
    assert server.headers[-1]["Host"] == f"rebinding.example:{server.port}"
    connections.close()
    with pytest.raises(PlatformFailure, match="not allowed"):
        connections.send(Call(), "GET", "/models", first_s=10, end=float("inf"))


def test_a_name_without_an_address_is_a_sentence() -> None:
    def look_up(host: str, port: int) -> list[tuple[int, str]]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(PlatformFailure, match=r"gateway cannot be reached \(models.example has no address\)"):
        addresses_of("gateway", "models.example", 80, allowed=False, resolver=look_up)


def test_no_proxy_of_the_environment_is_used(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    connections = Connections("gateway", server.url)
    response = connections.send(Call(), "GET", "/models", first_s=10, end=float("inf"))
    assert response.status == 200
    response.close()
