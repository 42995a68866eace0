"""The audit log over REST: listed, filtered, exported and kept from others."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

import httpx
import pytest

from bench.portal_parts.tls import TLS
from core.usage.csv_cells import BOM

AUDIT, CSV = "/api/v1/audit", "/api/v1/audit.csv"


@pytest.fixture
def ada(signed_in: Callable[[str], httpx.Client]) -> httpx.Client:
    return signed_in("ada")


@pytest.fixture
def by_key(ada: httpx.Client) -> Iterator[Callable[[str], httpx.Client]]:
    clients = []

    def client(scope: str) -> httpx.Client:
        token = ada.post("/api/v1/keys", json={"name": scope, "scopes": [scope]}).json()["token"]
        clients.append(httpx.Client(verify=TLS, base_url=ada.base_url, headers={"Authorization": f"Bearer {token}"}, timeout=60))
        return clients[-1]

    yield client
    for each in clients:
        each.close()


def actions(client: httpx.Client, **filters: str | int) -> list[str]:
    return [each["action"] for each in client.get(AUDIT, params=filters).raise_for_status().json()["items"]]


def test_it_is_listed_newest_first_page_by_page(ada: httpx.Client) -> None:
    ada.patch("/api/v1/people/bob", json={"active": False}).raise_for_status()
    first = ada.get(AUDIT, params={"limit": 1}).json()
    event = first["items"][0]
    assert (event["action"], event["subject"], event["actor_name"]) == ("user.change", "bob", "ada")
    second = ada.get(AUDIT, params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert second["items"][0]["id"] < event["id"] and second["total"] == first["total"] > 2


def test_it_is_filtered_by_action_actor_and_time(ada: httpx.Client) -> None:
    ada.patch("/api/v1/people/bob", json={"active": False}).raise_for_status()
    event = ada.get(AUDIT, params={"action": "user.change"}).json()["items"][0]
    assert actions(ada, action="user.change") == ["user.change"]
    assert "user.change" in actions(ada, actor_id=event["actor_id"]) and "user.add" not in actions(ada, actor_id=event["actor_id"])
    assert set(actions(ada, actor_id="portal")) >= {"user.add"} and "user.change" not in actions(ada, actor_id="portal")
    assert "user.change" not in actions(ada, until=event["at"]) and "user.change" in actions(ada, since=event["at"])
    assert ada.get(AUDIT, params={"cursor": "1 or 1"}).status_code == 422


def test_the_export_holds_every_match_and_no_formula_and_is_recorded(ada: httpx.Client) -> None:
    ada.post("/api/v1/groups", json={"name": "=1+1"}).raise_for_status()
    total = ada.get(AUDIT).json()["total"]
    answered = ada.get(CSV)
    assert answered.headers["content-type"].startswith("text/csv") and "attachment" in answered.headers["content-disposition"]
    assert answered.text.startswith(BOM)
    rows = list(csv.DictReader(io.StringIO(answered.text.removeprefix(BOM))))
    assert len(rows) == total and "'=1+1" in [row["subject"] for row in rows]
    assert actions(ada)[0] == "audit.export"


def test_a_key_needs_the_scope_admin(by_key: Callable[[str], httpx.Client]) -> None:
    for scope in ("chat", "models", "feedback", "usage"):
        client = by_key(scope)
        assert {client.get(path).status_code for path in (AUDIT, CSV)} == {403}, scope
    admin = by_key("admin")
    assert {admin.get(path).status_code for path in (AUDIT, CSV)} == {200}
