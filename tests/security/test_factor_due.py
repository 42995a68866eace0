"""Whoever must use a second factor and has none can only set one up: over every route, whatever the role, and from the moment it is due."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from bootstrap.portal import Portal, build_portal
from core.identity import totp
from samples.fakes import FakePool, FakeRouter
from settings import Settings
from tests.unit.api.conftest import PlainHasher, Server, client_of

OPEN = {
    ("GET", "/api/v1/session"): "who one is",
    ("DELETE", "/api/v1/session"): "sign out",
    ("GET", "/api/v1/second-factor"): "set it up",
    ("GET", "/api/v1/openapi.json"): "no secret",
    ("GET", "/health"): "no secret",
    ("GET", "/healthz"): "no secret",
    ("GET", "/readyz"): "no secret",
    ("GET", "/metrics"): "from this machine",
    ("GET", "/v1"): "no secret",
    ("GET", "/api/v1/providers"): "for strangers",
}
"""Routes that answer without the factor, and why."""


@pytest.fixture
def due(server: Server, empty_home: Path, tmp_path: Path) -> Iterator[Portal]:
    """Yield a portal where managers and admins must use a second factor, and nobody has one."""
    shutil.copytree(empty_home, tmp_path / "home")
    settings = Settings(home=tmp_path / "home", model_titles=False, second_factor_roles="manager,admin")
    portal = build_portal(settings, pool=FakePool(), router=FakeRouter(), hasher=PlainHasher())
    server.portal = portal
    yield portal
    portal.close()


def enrol(client: httpx.Client) -> None:
    secret = client.post("/api/v1/second-factor").json()["secret"]
    code = totp.code_at(secret, totp.step_of(datetime.now(UTC)))
    client.post("/api/v1/second-factor/confirm", json={"code": code}).raise_for_status()


@pytest.mark.usefixtures("due")
def test_no_route_answers_an_admin_before(server: Server) -> None:
    with closing(client_of(server.address, "ada")) as ada:
        paths = ada.get("/api/v1/openapi.json").json()["paths"]
        answered = []
        for path, methods in paths.items():
            for method in methods:
                if method.upper() not in ("GET", "HEAD"):
                    continue
                status = ada.request(method.upper(), re.sub(r"\{\w+\}", "x", path)).status_code
                if status < 400:
                    answered.append((method.upper(), path))
        assert not set(answered) - set(OPEN), sorted(set(answered) - set(OPEN))
        for path, body in (
            ("/api/v1/keys", {"name": "x", "scopes": ["chat"]}),
            ("/api/v1/people", {"name": "eve", "role": "admin", "password": "a long password"}),
            ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}),
            ("/api/v1/conversations", {}),
        ):
            assert ada.post(path, json=body).status_code in (403, 422), path
        enrol(ada)
        assert ada.get("/api/v1/people").status_code == 200


def test_it_is_due_at_the_call_after_the_role_changed(due: Portal, server: Server) -> None:
    with closing(client_of(server.address, "ann")) as ann:
        assert ann.get("/api/v1/conversations").status_code == 200
        due.accounts.change(None, "ann", role="manager")
        assert ann.get("/api/v1/conversations").status_code == 403
        assert ann.get("/api/v1/usage").status_code == 403
        enrol(ann)
        assert ann.get("/api/v1/usage").status_code == 200


def test_whoever_loses_it_must_set_up_another(due: Portal, server: Server) -> None:
    with closing(client_of(server.address, "max")) as held, closing(client_of(server.address, "ada")) as ada:
        enrol(held)
        enrol(ada)
        assert held.get("/api/v1/usage").status_code == 200
        assert ada.delete("/api/v1/people/max/second-factor").status_code == 204
        assert held.get("/api/v1/usage").status_code == 401, "its sessions have ended"
    with closing(client_of(server.address, "max")) as again:
        assert again.get("/api/v1/usage").status_code == 403


@pytest.mark.usefixtures("due")
def test_others_need_none(server: Server) -> None:
    with closing(client_of(server.address, "ann")) as ann:
        assert ann.get("/api/v1/conversations").status_code == 200
