"""An admin server with a fake model, and a user server's portal that uses it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import uvicorn

from api.application import build
from bootstrap.portal import Portal
from bootstrap.servers.remote import connect
from core.people.records import SessionKind
from core.people.signing_in.sign_in import Caller
from remote.identity import SessionUser
from remote.portal import RemotePortal
from samples.fakes import FakePool, FakeRouter
from settings import Settings
from tests.unit.api.conftest import PASSWORD, open_portal
from tests.unit.api.conftest import empty_home as empty_home
from tests.unit.api.conftest import pool as pool
from tests.unit.api.conftest import router as router

KEY = "a-service-key-of-the-tests-0123456789"


class AdminServer:
    """Serves one portal over HTTP. `stop` ends it as a restart does, `start` brings it back on the same port."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self._app = build(lambda: self.portal)
        self.port = 0
        self.start()

    def start(self) -> None:
        self._server = uvicorn.Server(
            uvicorn.Config(self._app, port=self.port, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def portal(tmp_path: Path, empty_home: Path, router: FakeRouter, pool: FakePool) -> Iterator[Portal]:
    """Yield the portal in the admin server's process. It accepts user servers, also for staff pages."""
    opened = open_portal(empty_home, tmp_path / "home", router, pool)
    yield replace(opened, settings=replace(opened.settings, service_keys=KEY, internal_staff=True))
    opened.close()


@pytest.fixture
def admin_server(portal: Portal) -> Iterator[AdminServer]:
    server = AdminServer(portal)
    yield server
    server.stop()


@pytest.fixture
def user_server(admin_server: AdminServer, tmp_path: Path) -> Iterator[Portal]:
    """Yield the portal as a user server has it."""
    opened = connect(user_settings(admin_server, tmp_path))
    yield opened
    cast(RemotePortal, opened).close()


def user_settings(server: AdminServer, home: Path, key: str = KEY) -> Settings:
    return Settings(home=home / "user", profile="user", server=server.address, service_keys=key)


@pytest.fixture
def person(user_server: Portal) -> Callable[[str], SessionUser]:
    """Sign someone in through the user server: ann and bob are analysts, max a manager, ada an admin."""

    def sign_in(name: str) -> SessionUser:
        proof = user_server.sign_in.check(name, PASSWORD, Caller("127.0.0.1"))
        token = user_server.sessions.open(proof, SessionKind.BROWSER)
        user = user_server.sessions.user(token)
        assert isinstance(user, SessionUser)
        return user

    return sign_in
