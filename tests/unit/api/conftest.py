"""A portal with a fake model and a store of its own, behind the real REST application and a real server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

import bootstrap
from api.application import build
from core.permissions import Role
from settings import Settings
from tests.fakes import FakePool, FakeRouter

PASSWORD = "correct horse"


class PlainHasher:
    """No hashing at all: these tests are not about it."""

    def hash(self, password: str) -> str:
        return f"plain:{password}"

    def matches(self, password: str, password_hash: str) -> bool:
        return password_hash == f"plain:{password}"


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture
def pool() -> FakePool:
    return FakePool()


@pytest.fixture
def portal(tmp_path: Path, router: FakeRouter, pool: FakePool) -> Iterator[bootstrap.Portal]:
    built = bootstrap.build(Settings(home=tmp_path), pool=pool, router=router, hasher=PlainHasher())
    for name, role in (("ann", Role.ANALYST), ("bob", Role.ANALYST), ("max", Role.MANAGER), ("ada", Role.ADMIN)):
        built.accounts.add(None, name, role, password=PASSWORD)
    yield built
    built.close()


@pytest.fixture
def address(portal: bootstrap.Portal) -> Iterator[str]:
    """A running server's address."""
    server = uvicorn.Server(uvicorn.Config(build(lambda: portal), port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = server.force_exit = True
    thread.join()


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    """Nobody: not signed in."""
    with httpx.Client(base_url=address, timeout=10) as client:
        yield client


@pytest.fixture
def signed_in(address: str) -> Iterator[Callable[[str], httpx.Client]]:
    """A client with the bearer token of somebody: ann and bob are analysts, max a manager, ada an admin."""
    clients: list[httpx.Client] = []

    def sign_in(name: str) -> httpx.Client:
        client = httpx.Client(base_url=address, timeout=10)
        token = client.post("/api/v1/session", json={"username": name, "password": PASSWORD}).json()["token"]
        client.cookies.clear()
        client.headers["Authorization"] = f"Bearer {token}"
        clients.append(client)
        return client

    yield sign_in
    for client in clients:
        client.close()


@pytest.fixture
def ann(signed_in: Callable[[str], httpx.Client]) -> httpx.Client:
    return signed_in("ann")
