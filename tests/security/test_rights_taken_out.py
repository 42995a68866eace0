"""The access matrices detect a missing check: with a guard taken out, or with something new, their tests fail.

tests/unit/api/test_permissions.py has the matrix of routes, test_pages_by_role.py the one of pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from bench.portal_parts.tls import TLS
from core.access import groups
from core.identity import second_factor
from core.people import api_keys, permissions, sessions
from core.people.permissions import Permission, Verdict
from core.people.records import Role, Scope
from core.tasks import jobs
from pages.shell import navigation
from tests.pages.drawn import House
from tests.security import test_pages_by_role as pages_by_role
from tests.security.test_pages_by_role import house as house
from tests.unit.api import test_permissions as routes
from tests.unit.api.conftest import Server
from tests.unit.api.test_permissions import ADMINS, BY_SESSION_ONLY, ROUTES, of_nobody


def let_through(client: httpx.Client) -> list[str]:
    """Return the admins' lists that this client reads."""
    reads = [path for method, path, _, who, status in ROUTES if method == "GET" and who == ADMINS and status == 200]
    return [path for path in reads if client.get(of_nobody(path)).status_code != 403]


def test_an_analyst_reads_none_of_the_admins_lists(ann: httpx.Client) -> None:
    assert let_through(ann) == []


@pytest.mark.parametrize("name", ["ann", "max"])
def test_without_the_guard_they_are_read(signed_in: Callable[[str], httpx.Client], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(permissions, "verdict", lambda user, permission: Verdict.GRANTED)
    assert len(let_through(signed_in(name))) > 10


@pytest.mark.parametrize("path", ["people", "store", "platforms", "audit", "usage"])
def test_without_the_guard_the_matrix_of_pages_fails(house: House, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    pages_by_role.test_core_refuses_a_page_to_a_role_without_its_permission(house, Role.ANALYST, path)
    monkeypatch.setattr(permissions, "verdict", lambda user, permission: Verdict.GRANTED)
    # The matrix asks `allows` who may open a page: it keeps its own, true answer.
    monkeypatch.setattr(pages_by_role, "allows", lambda user, permission: permission in permissions.ROLES[user.role])
    with pytest.raises((pytest.fail.Exception, AssertionError)):
        pages_by_role.test_core_refuses_a_page_to_a_role_without_its_permission(house, Role.ANALYST, path)


def test_a_page_missing_from_the_matrix_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    new = replace(navigation.ENTRIES[0], path="new")
    monkeypatch.setattr(pages_by_role, "ENTRIES", (*navigation.ENTRIES, new))
    with pytest.raises(AssertionError):
        pages_by_role.test_every_page_stands_in_the_table()
    other = replace(navigation.ENTRIES[-1], permission=Permission.CHAT)
    monkeypatch.setattr(pages_by_role, "ENTRIES", (*navigation.ENTRIES[:-1], other))
    with pytest.raises(AssertionError):
        pages_by_role.test_every_page_stands_in_the_table()


def test_a_route_missing_from_the_matrix_fails(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    routes.test_every_route_stands_in_the_table(server)
    described: dict[str, Any] = server.app.openapi()
    monkeypatch.setattr(server.app, "openapi", lambda: {**described, "paths": {**described["paths"], "/api/v1/new": {"get": {}}}})
    with pytest.raises(AssertionError):
        routes.test_every_route_stands_in_the_table(server)


def reached(address: str, signed_in: Callable[[str], httpx.Client], scope: Scope, *paths: str) -> list[str]:
    """Return the paths that an admin's key with this scope reads."""
    made = signed_in("ada").post("/api/v1/keys", json={"name": scope.value, "scopes": [scope.value]}).json()
    with httpx.Client(verify=TLS, base_url=address, headers={"Authorization": f"Bearer {made['token']}"}, timeout=60) as program:
        return [path for path in paths if program.get(path).status_code == 200]


def test_without_the_look_at_scopes_a_key_reads_what_needs_no_permission(
    address: str, signed_in: Callable[[str], httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = ("/api/v1/groups", "/api/v1/jobs")
    assert reached(address, signed_in, Scope.USAGE, *lists) == []
    for module in (groups, jobs):
        monkeypatch.setattr(module, "require_scope", lambda *_: None)
    assert reached(address, signed_in, Scope.USAGE, *lists) == list(lists)


def test_without_the_refusal_of_keys_a_key_reads_what_belongs_to_a_session(
    address: str, signed_in: Callable[[str], httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = sorted(path for method, path in BY_SESSION_ONLY if method == "GET")
    assert own and reached(address, signed_in, Scope.ADMIN, *own) == []
    for module in (api_keys, sessions, second_factor):
        monkeypatch.setattr(module, "refuse_keys", lambda _user: None)
    assert reached(address, signed_in, Scope.ADMIN, *own) == own
