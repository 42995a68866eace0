"""Whoever knows the id of somebody else's thing gets the answer of a thing that does not exist, by every way in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from core.people.records import Scope
from tests.unit.api.conftest import PASSWORD
from tests.unit.api.test_permissions import ROUTES

OCTETS = {"Content-Type": "application/octet-stream"}
OTHERS = {"bob": "analyst", "rita": "reviewer", "max": "manager", "ada": "admin"}
OWN = ("conversation_id", "message_id", "file_id", "folder_id")
"""Ids of things that belong to one person alone."""
OF_ONE_PERSON = [
    (method, path, body) for method, path, body, *_ in ROUTES if path.startswith("/api/v1/") and any(f"{{{one}}}" in path for one in OWN)
]


@contextmanager
def by_bearer(address: str, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=10) as client:
        token = client.post("/api/v1/session", json={"username": name, "password": PASSWORD}).json()["token"]
        client.cookies.clear()
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


@contextmanager
def by_cookie(address: str, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=10, headers={"Origin": address}) as client:
        assert client.post("/api/v1/session", json={"username": name, "password": PASSWORD}).cookies
        yield client


@contextmanager
def by_key(address: str, name: str) -> Iterator[httpx.Client]:
    with by_bearer(address, name) as person:
        role = OTHERS.get(name, "analyst")
        scopes = list(Scope) if role == "admin" else [Scope.CHAT, Scope.FEEDBACK]
        made = person.post("/api/v1/keys", json={"name": "all", "scopes": scopes})
        assert made.status_code == 201, made.text
        with httpx.Client(base_url=address, timeout=10, headers={"Authorization": f"Bearer {made.json()['token']}"}) as client:
            yield client


WAYS = {"bearer": by_bearer, "cookie": by_cookie, "key": by_key}


@pytest.fixture
def things(ann: httpx.Client) -> dict[str, str]:
    """A chat with a question, an answer and a file, and a folder: all of them ann's."""
    chat = ann.post("/api/v1/conversations", json={"title": "Mine"}).json()["id"]
    folder = ann.post("/api/v1/folders", json={"name": "Mine"}).json()["id"]
    file = ann.post("/api/v1/files", params={"name": "mine.txt"}, content=b"text", headers=OCTETS).json()["id"]
    asked = ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": "Hi", "files": [file]}).json()
    deadline = time.monotonic() + 30
    while ann.get(f"/api/v1/conversations/{chat}/messages").json()["items"][-1]["status"] == "streaming":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return {"conversation_id": chat, "message_id": asked["answer"]["id"], "file_id": file, "folder_id": folder}


def filled(path: str, things: dict[str, str]) -> str:
    for name, id in things.items():
        path = path.replace(f"{{{name}}}", id)
    return path


def seen(ann: httpx.Client, things: dict[str, str]) -> list[object]:
    """Everything of ann's, as she reads it."""
    chat = things["conversation_id"]
    own = [f"/api/v1/conversations/{chat}", f"/api/v1/conversations/{chat}/messages", "/api/v1/folders"]
    own.append(f"/api/v1/files/{things['file_id']}")
    return [ann.get(path).json() for path in own]


def test_there_are_routes_to_try() -> None:
    assert len(OF_ONE_PERSON) >= 14


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", OTHERS)
def test_nobody_reaches_what_is_somebody_elses(address: str, ann: httpx.Client, things: dict[str, str], way: str, name: str) -> None:
    before = seen(ann, things)
    with WAYS[way](address, name) as other:
        for method, path, body in OF_ONE_PERSON:
            answered = other.request(method, filled(path, things), json=body)
            assert answered.status_code == 404, f"{name} by {way}: {method} {path}: {answered.status_code} {answered.text[:200]}"
            assert "Mine" not in answered.text and "mine.txt" not in answered.text
    assert seen(ann, things) == before


def test_nobody_reaches_it_without_signing_in(client: httpx.Client, ann: httpx.Client, things: dict[str, str]) -> None:
    for method, path, body in OF_ONE_PERSON:
        assert client.request(method, filled(path, things), json=body).status_code == 401, f"{method} {path}"


@pytest.mark.parametrize("way", WAYS)
def test_the_owner_reaches_it_by_every_way(address: str, things: dict[str, str], way: str) -> None:
    with WAYS[way](address, "ann") as owner:
        chat = "/api/v1/conversations/{conversation_id}"
        for path in (chat, f"{chat}/messages", "/api/v1/files/{file_id}"):
            assert owner.get(filled(path, things)).status_code == 200, path


def test_a_cookie_from_another_site_writes_nothing(address: str, things: dict[str, str], signed_in: Callable[[str], httpx.Client]) -> None:
    with by_cookie(address, "ann") as owner:
        owner.headers["Origin"] = "https://evil.example"
        assert owner.delete(filled("/api/v1/conversations/{conversation_id}", things)).status_code == 403
