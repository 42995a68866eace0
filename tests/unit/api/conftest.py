"""Start a portal with a fake model and its own store, behind the real REST application and a real server."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from api.application import build
from api.background import answer_jobs
from bench.portal_parts.tls import TLS
from bootstrap.portal import Portal, build_portal
from core.people.records import Role
from samples.fakes import FakePool, FakeRouter
from settings import Settings

PASSWORD = "correct horse"


class PlainHasher:
    """No hashing at all: these tests are not about it."""

    def hash(self, password: str) -> str:
        return f"plain:{password}"

    def is_outdated(self, password_hash: str) -> bool:
        return False

    def spend(self, password: str) -> None:
        raise AssertionError("nothing here is outdated")

    def matches(self, password: str, password_hash: str) -> bool:
        return password_hash == f"plain:{password}"


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture
def pool() -> FakePool:
    return FakePool()


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with its tables and people, to be copied: making them takes longer than most tests."""
    home = tmp_path_factory.mktemp("home")
    built = build_portal(Settings(home=home, model_titles=False), pool=FakePool(), router=FakeRouter(), hasher=PlainHasher())
    people = (("ann", Role.ANALYST), ("bob", Role.ANALYST), ("rita", Role.REVIEWER), ("max", Role.MANAGER), ("ada", Role.ADMIN))
    for name, role in people:
        built.accounts.add(None, name, role, password=PASSWORD)
    built.close()
    return home


def open_portal(empty_home: Path, home: Path, router: FakeRouter, pool: FakePool) -> Portal:
    shutil.copytree(empty_home, home)
    return build_portal(Settings(home=home, model_titles=False), pool=pool, router=router, hasher=PlainHasher())


@pytest.fixture
def portal(tmp_path: Path, empty_home: Path, router: FakeRouter, pool: FakePool) -> Iterator[Portal]:
    built = open_portal(empty_home, tmp_path / "home", router, pool)
    yield built
    built.close()


class Server:
    """One REST server for all tests, each with a portal of its own behind it."""

    def __init__(self) -> None:
        self.portal: Portal | None = None
        self.app = build(self._current)
        self._server = uvicorn.Server(uvicorn.Config(self.app, port=0, log_level="critical", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        self.address = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def _current(self) -> Portal:
        assert self.portal is not None
        return self.portal

    def close(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def address(server: Server, portal: Portal) -> str:
    server.portal = portal
    answer_jobs(portal)
    return server.address


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    """Nobody: not signed in."""
    with httpx.Client(verify=TLS, base_url=address, timeout=60) as client:
        yield client


def client_of(address: str, name: str) -> httpx.Client:
    """Return a client with someone's bearer token."""
    client = httpx.Client(verify=TLS, base_url=address, timeout=60)
    token = client.post("/api/v1/session", json={"username": name, "password": PASSWORD}).json()["token"]
    client.cookies.clear()
    client.headers["Authorization"] = f"Bearer {token}"
    return client


@pytest.fixture
def signed_in(address: str) -> Iterator[Callable[[str], httpx.Client]]:
    """Yield a client for someone: ann and bob are analysts, rita a reviewer, max a manager, ada an admin."""
    clients: list[httpx.Client] = []

    def sign_in(name: str) -> httpx.Client:
        clients.append(client_of(address, name))
        return clients[-1]

    yield sign_in
    for client in clients:
        client.close()


@pytest.fixture
def ann(signed_in: Callable[[str], httpx.Client]) -> httpx.Client:
    return signed_in("ann")
