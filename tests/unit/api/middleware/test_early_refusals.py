"""What is refused as busy anyway is refused before the database is read; nobody is admitted or refused wrongly by that."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from api.recent_callers import MAX_REMEMBERED, REMEMBERED_S, RecentCallers
from bootstrap.portal import Portal
from core.errors import Busy
from core.people.sessions import Sessions
from core.people.signing_in.devices import DEVICE_COOKIE
from core.people.signing_in.sign_in import SignIn
from samples.fakes import FakeRouter
from tests.unit.api.conftest import PASSWORD

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}
QUESTIONS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": HELLO,
    "/v1/completions": {"prompt": "Hi"},
    "/v1/messages": HELLO | {"max_tokens": 9},
    "/v1/responses": {"input": "Hi"},
}
SIGN_IN = {"username": "ann", "password": PASSWORD}


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Return the tokens that the database was asked for."""
    asked: list[str | None] = []
    user = Sessions.user

    def counted(self: Sessions, token: str | None) -> object:
        asked.append(token)
        return user(self, token)

    monkeypatch.setattr(Sessions, "user", counted)
    return asked


@pytest.fixture
def known(ann: httpx.Client) -> httpx.Client:
    """Ann, who was identified a moment ago."""
    ann.get("/v1/models").raise_for_status()
    return ann


@pytest.mark.parametrize("path", QUESTIONS)
def test_a_known_caller_is_refused_without_the_database(
    known: httpx.Client, router: FakeRouter, looked_up: list[str | None], path: str
) -> None:
    router.full = Busy("The model is busy.", retry_after=2.5)
    refused = known.post(path, json=QUESTIONS[path])
    assert refused.status_code == 429 and refused.headers["Retry-After"] == "3" and refused.headers["X-Request-ID"]
    assert refused.json()["error"]["message"] == "The model is busy." and refused.json()["error"]["type"] == "rate_limit_error"
    assert looked_up == [] and router.requests == []
    router.full = None
    assert known.post(path, json=QUESTIONS[path]).status_code == 200 and len(looked_up) == 1


def test_a_stranger_learns_first_that_they_are_not_signed_in(client: httpx.Client, router: FakeRouter) -> None:
    router.full = Busy("The model is busy.", retry_after=3)
    for headers in ({}, {"Authorization": "Bearer made-up"}, {"x-api-key": "made-up"}, {"Authorization": "Basic YTpi"}):
        assert client.post("/v1/chat/completions", json=HELLO, headers=headers).status_code == 401


def test_a_key_in_anthropics_header_is_known_too(known: httpx.Client, router: FakeRouter, looked_up: list[str | None]) -> None:
    router.full = Busy("The model is busy.", retry_after=3)
    token = known.headers.pop("Authorization").removeprefix("Bearer ")
    assert known.post("/v1/messages", json=QUESTIONS["/v1/messages"], headers={"x-api-key": token}).status_code == 429
    assert looked_up == []


def test_a_remembered_token_that_has_ended_admits_nobody(known: httpx.Client, portal: Portal) -> None:
    portal.sessions.close(known.headers["Authorization"].removeprefix("Bearer "))
    assert known.post("/v1/chat/completions", json=HELLO).status_code == 401


def test_what_may_wait_is_asked_for_as_such(known: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def check_room(_self: FakeRouter, _user_id: str, *, batch: bool = False) -> None:
        asked.append(batch)

    monkeypatch.setattr(FakeRouter, "check_room", check_room)
    for body in (HELLO, HELLO | {"service_tier": "flex"}):
        known.post("/v1/chat/completions", json=body).raise_for_status()
    assert asked == [False, False, True, True]  # Of each question, early and once its sender is known.


def test_a_response_in_the_background_waits_as_a_job(known: httpx.Client, router: FakeRouter) -> None:
    router.full = Busy("The model is busy.", retry_after=3)
    begun = known.post("/v1/responses", json={"input": "Hi", "background": True, "store": True})
    assert begun.status_code == 200 and begun.json()["status"] == "queued"


def test_a_question_in_many_pieces_reaches_the_model_whole(known: httpx.Client, router: FakeRouter) -> None:
    long = "word " * 60_000
    body = json.dumps({"messages": [{"role": "user", "content": long}]}).encode()

    def pieces() -> Any:
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    sent = known.post("/v1/chat/completions", content=pieces(), headers={"Content-Type": "application/json"})
    assert sent.status_code == 200 and router.requests[-1].messages[-1].content == long


def test_a_chats_question_is_kept_though_the_model_is_busy(known: httpx.Client, router: FakeRouter) -> None:
    router.full = Busy("The model is busy.", retry_after=3)
    chat = known.post("/api/v1/conversations", json={}).json()["id"]
    known.post(f"/api/v1/conversations/{chat}/messages", json={"text": "Hi", "stream": False})
    assert known.get(f"/api/v1/conversations/{chat}/messages").json()["items"][0]["text"] == "Hi"


def test_a_sign_in_is_refused_without_the_database_unless_the_device_may_be_known(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    begin = SignIn.begin

    def counted(self: SignIn, name: str, *rest: Any) -> Any:
        begun.append(name)
        return begin(self, name, *rest)

    def full(self: SignIn, _address: str) -> None:
        raise Busy("Too many people are signing in right now. Try again in {seconds} s.", retry_after=7.2, seconds=7)

    monkeypatch.setattr(SignIn, "begin", counted)
    monkeypatch.setattr(SignIn, "check_room", full)
    refused = client.post("/api/v1/session", json=SIGN_IN)
    assert refused.status_code == 429 and refused.headers["Retry-After"] == "8" and begun == []
    client.cookies.set(DEVICE_COOKIE, "may be known")
    assert client.post("/api/v1/session", json=SIGN_IN).status_code == 429 and begun == ["ann"]


def test_callers_are_remembered_for_a_minute_and_not_without_end() -> None:
    now = [0.0]
    callers = RecentCallers(lambda: now[0])
    callers.remember("a token", "ann")
    now[0] = REMEMBERED_S - 1
    assert callers.user_id("a token") == "ann" and callers.user_id("another") is None
    now[0] = REMEMBERED_S
    assert callers.user_id("a token") is None
    callers.remember("a token", "ann")
    for number in range(MAX_REMEMBERED - 1):
        callers.remember(f"token {number}", "bob")
    callers.remember("a token", "ann")
    callers.remember("one more", "bob")
    assert callers.user_id("a token") == "ann" and callers.user_id("token 0") is None and callers.user_id("token 1") == "bob"


def test_without_the_guard_the_database_is_asked(
    known: httpx.Client, router: FakeRouter, looked_up: list[str | None], monkeypatch: pytest.MonkeyPatch, portal: Portal
) -> None:
    monkeypatch.setattr(RecentCallers, "user_id", lambda _self, _token: None)
    router.full = Busy("The model is busy.", retry_after=3)
    assert known.post("/v1/chat/completions", json=HELLO).status_code == 429
    assert len(looked_up) == 1


Signs = Callable[[str], httpx.Client]


def test_each_caller_is_asked_for_by_their_own_id(signed_in: Signs, monkeypatch: pytest.MonkeyPatch, portal: Portal) -> None:
    """One person's full queue does not refuse another."""
    ann, bob = signed_in("ann"), signed_in("bob")
    anns = ann.get("/api/v1/session").json()["id"]
    bob.get("/v1/models").raise_for_status()

    def check_room(_self: FakeRouter, user_id: str, *, batch: bool = False) -> None:
        if user_id == anns:
            raise Busy("Your questions are waiting.", retry_after=3)

    monkeypatch.setattr(FakeRouter, "check_room", check_room)
    assert ann.post("/v1/chat/completions", json=HELLO).status_code == 429
    assert bob.post("/v1/chat/completions", json=HELLO).status_code == 200
