"""Access to the internal API: no key, wrong keys, two keys, staff methods, and calls that no user server would send."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.internal import routes
from api.internal.access import RateLimit
from bench.portal_parts.tls import TLS
from bootstrap.portal import Portal
from core.people.records import User
from core.people.sessions import Sessions
from tests.unit.api.conftest import PASSWORD, Server

KEY, OLD_KEY = "k" * 40, "o" * 40


@pytest.fixture
def open_to(server: Server, portal: Portal) -> Callable[..., httpx.Client]:
    """Set the keys of the admin server; returns a client with the first."""

    def open_it(keys: str, **settings: Any) -> httpx.Client:
        server.portal = replace(portal, settings=replace(portal.settings, service_keys=keys, **settings))
        return httpx.Client(verify=TLS, base_url=server.address, headers={"Authorization": f"Bearer {keys.partition(',')[0]}"}, timeout=60)

    return open_it


@pytest.fixture
def caller(open_to: Callable[..., httpx.Client]) -> Iterator[httpx.Client]:
    with open_to(KEY) as client:
        yield client


def call(client: httpx.Client, what: str, arguments: Any, token: str | None = None) -> httpx.Response:
    body = json.dumps({"data": arguments}).encode() + b"\n"
    headers = {"X-Portal-Session": token} if token else {}
    return client.post(f"/internal/v1/call/{what.replace('.', '/')}", content=body, headers=headers)


def token_of(client: httpx.Client, name: str) -> str:
    answer = client.post("/api/v1/session", json={"username": name, "password": PASSWORD}, headers={"Authorization": ""})
    client.cookies.clear()
    return str(answer.raise_for_status().json()["token"])


def test_without_keys_there_is_no_internal_api(address: str) -> None:
    with httpx.Client(verify=TLS, base_url=address, headers={"Authorization": "Bearer x"}, timeout=60) as client:
        assert client.get("/internal/v1/values").status_code == 404
        assert call(client, "disk.check", {}).status_code == 404


@pytest.mark.parametrize("given", ["", "Bearer", f"Bearer {KEY[:-1]}", f"Bearer {KEY}x", f"Basic {KEY}", "Bearer \x7f"])
def test_a_wrong_key_opens_nothing(caller: httpx.Client, given: str) -> None:
    for answer in (
        caller.get("/internal/v1/values", headers={"Authorization": given}),
        caller.post("/internal/v1/call/disk/check", content=b'{"data":{}}\n', headers={"Authorization": given}),
        caller.post("/internal/v1/events/audit/all", content=b'{"data":{}}\n', headers={"Authorization": given}),
        caller.post("/internal/v1/live/some-turn", content=b'{"data":{}}\n', headers={"Authorization": given}),
    ):
        assert answer.status_code == 401


def test_a_session_is_no_service_key(caller: httpx.Client) -> None:
    token = token_of(caller, "ada")
    assert caller.get("/internal/v1/values", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_two_keys_are_accepted_while_one_is_replaced(open_to: Callable[..., httpx.Client]) -> None:
    with open_to(f"{KEY},{OLD_KEY}") as client:
        for key in (KEY, OLD_KEY):
            assert client.get("/internal/v1/values", headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_staff_methods_are_closed_unless_the_settings_open_them(open_to: Callable[..., httpx.Client]) -> None:
    with open_to(KEY) as client:
        token = token_of(client, "ada")
        assert call(client, "accounts.people", {}, token).status_code == 403
        assert call(client, "conversations.list", {}, token).status_code == 200
        assert "folder" not in client.get("/internal/v1/values").text
    with open_to(KEY, internal_staff=True) as client:
        token = token_of(client, "ada")
        assert call(client, "accounts.people", {}, token).status_code == 200


@pytest.mark.parametrize(
    "what", ["accounts.credentials", "database.connect", "sessions._tickets", "sign_in.begin", "x.y", "sessions.lifetime"]
)
def test_what_is_not_registered_cannot_be_called(caller: httpx.Client, what: str) -> None:
    assert call(caller, what, {}).status_code == 404


@pytest.mark.parametrize(
    "arguments",
    [
        {"user": {"id": "1", "role": "admin"}, "conversation_id": "x"}, {"conversation_id": 5}, {"conversation_id": ["x"]}, {},
        {"conversation_id": "x", "more": 1}, [], None, "x", {"conversation_id": None},
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit_are_refused(caller: httpx.Client, arguments: Any) -> None:
    token = token_of(caller, "ann")
    assert call(caller, "conversations.get", arguments, token).status_code == 422


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\n", b'{"data":{}}', b'{"data":{},"blobs":[9]}\n', b"[" * 100_000 + b"\n"])
def test_a_body_that_is_no_message_is_refused(caller: httpx.Client, body: bytes) -> None:
    answer = caller.post("/internal/v1/call/folders/list", content=body, headers={"X-Portal-Session": token_of(caller, "ann")})
    assert answer.status_code == 422


def test_a_body_above_the_limit_is_refused(caller: httpx.Client) -> None:
    token = token_of(caller, "ann")
    body = b'{"data":{"name":"a.txt","content":0},"blobs":[40000000]}\n' + b"x" * 40_000_000
    answer = caller.post("/internal/v1/call/files/upload", content=body, headers={"X-Portal-Session": token})
    assert answer.status_code == 413


def test_the_images_of_a_batch_may_be_larger_than_a_file(caller: httpx.Client) -> None:
    token = token_of(caller, "ann")
    body = b'{"data":{"name":"a","files":[["a.png",0]],"phrases":[]},"blobs":[40000000]}\n' + b"x" * 40_000_000
    answer = caller.post("/internal/v1/call/ground_batches/start", content=body, headers={"X-Portal-Session": token})
    assert answer.status_code != 413 and json.loads(answer.content)["data"]["class"] == "InvalidInput"


def call_together(client: httpx.Client, reads: Any, token: str | None = None) -> httpx.Response:
    headers = {"X-Portal-Session": token} if token else {}
    return client.post("/internal/v1/calls", content=json.dumps({"data": reads}).encode() + b"\n", headers=headers)


def test_only_reads_are_answered_together_and_each_by_its_own_rights(caller: httpx.Client) -> None:
    reads = [
        ["folders", "list", {}], ["folders", "new", {"name": "A"}], ["accounts", "people", {}], ["sign_in", "check", {}],
        ["sessions", "_tickets", {}], ["conversations", "get", {"conversation_id": 5}], ["gateway", "served", {}],
    ]  # fmt: skip
    for token, first in ((token_of(caller, "ada"), "value"), (None, "error"), ("made up", "error")):
        answers = json.loads(call_together(caller, reads, token).content)["data"]
        assert [next(iter(each)) for each in answers] == [first, "error", "error", "error", "error", "error", "value"]
    assert answers[0]["error"]["class"] == "NotSignedIn" and answers[2]["error"]["class"] == "NotAllowed"
    assert json.loads(call(caller, "folders.list", {}, token_of(caller, "ada")).content)["data"] == []


def test_the_session_is_looked_up_once_for_all_reads(caller: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    token, looked, user = token_of(caller, "ann"), [], Sessions.user

    def counted(sessions: Sessions, token: str | None) -> User | None:
        looked.append(token)
        return user(sessions, token)

    monkeypatch.setattr(Sessions, "user", counted)
    whose = [["sessions", "user", {"token": each}] for each in (token, "made up")]
    answers = json.loads(call_together(caller, [*whose, ["folders", "list", {}], ["prompts", "list", {}]], token).content)["data"]
    assert answers[0]["value"]["name"] == "ann" and answers[1:] == [{"value": None}, {"value": []}, {"value": []}]
    assert looked == [token, "made up"]
    assert json.loads(call_together(caller, [["sessions", "user", {"token": "made up"}]], "made up").content)["data"] == [{"value": None}]


@pytest.mark.parametrize("reads", [None, "x", {}, [1], [["folders"]], [["folders", "list", 5]], [["folders", "list", {}]] * 41])
def test_what_is_not_a_short_list_of_calls_is_refused(caller: httpx.Client, reads: Any) -> None:
    assert call_together(caller, reads, token_of(caller, "ann")).status_code == 422


def test_calls_made_together_count_each(caller: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "session_limit", RateLimit(100, window_s=3600))
    token = token_of(caller, "bob")
    statuses = [call_together(caller, [["folders", "list", {}]] * 40, token).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_it_is_not_in_the_public_description(caller: httpx.Client) -> None:
    assert "/internal" not in caller.get("/api/v1/openapi.json").text
