"""Requests of a session end with it, and with the portal: both kinds of streams, and answers in one piece."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import update

from bench.portal_parts.tls import TLS
from bootstrap.portal import Portal
from core.people import session_watch
from core.people.records import Permission, Role
from core.people.session_watch import NEW_ROLE
from data.tables import ApiKeyTable
from samples.fakes import FakeRouter

V1 = "/v1/chat/completions"
WITHIN_S = 50.0
"""The answer is held, so without its end a stream would wait until the client gives up."""
ENDED = "This API key, token or session is not valid, or has ended. Sign in again, or use another key."


@pytest.fixture
def held(router: FakeRouter, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRouter]:
    """Yield an answer that has said two words and waits. Sessions are checked often, so that tests need not wait."""
    monkeypatch.setattr(session_watch, "EVERY_S", 0.05)
    router.hold()
    router.release(2)
    yield router
    router.release()


def path_and_body(client: httpx.Client, kind: str, *, stream: bool) -> tuple[str, dict[str, object]]:
    if kind == "v1":
        return V1, {"messages": [{"role": "user", "content": "Hello"}], "stream": stream}
    conversation = client.post("/api/v1/conversations").json()["id"]
    return f"/api/v1/conversations/{conversation}/messages", {"text": "Hello", "stream": stream}


def ended_by(client: httpx.Client, kind: str, end: Callable[[], object]) -> tuple[dict[str, object], float]:
    """Return the last event of a stream that `end` ends after its first words, and the seconds from then."""
    path, body = path_and_body(client, kind, stream=True)
    with client.stream("POST", path, json=body, timeout=60) as response:
        lines = response.iter_lines()
        while "Hello" not in next(lines):
            pass
        end()
        began = time.monotonic()
        rest = [line for line in lines if line.startswith("data: ")]
    event: dict[str, object] = json.loads(rest[-1].removeprefix("data: "))
    return event, time.monotonic() - began


def message_of(event: dict[str, object]) -> object:
    error = event.get("error", event)
    assert isinstance(error, dict)
    return error["message"]


@pytest.mark.parametrize("kind", ["v1", "turn"])
def test_a_stream_ends_with_the_account_that_it_is_for(
    kind: str, portal: Portal, held: FakeRouter, signed_in: Callable[[str], httpx.Client]
) -> None:
    event, seconds = ended_by(signed_in("ann"), kind, lambda: portal.accounts.change(None, "ann", active=False))
    assert message_of(event) == ENDED and seconds < WITHIN_S
    assert held.generations[0].cancelled.wait(WITHIN_S)


@pytest.mark.parametrize("kind", ["v1", "turn"])
@pytest.mark.parametrize("how", ["sign-out", "password"])
def test_a_stream_ends_with_its_session(
    kind: str, how: str, portal: Portal, held: FakeRouter, address: str, signed_in: Callable[[str], httpx.Client]
) -> None:
    ann = signed_in("ann")

    def end() -> None:
        if how == "sign-out":
            httpx.delete(f"{address}/api/v1/session", headers=dict(ann.headers), timeout=60).raise_for_status()
        else:
            portal.accounts.reset_password(None, "ann", "another horse")

    event, seconds = ended_by(ann, kind, end)
    assert message_of(event) == ENDED and seconds < WITHIN_S


@pytest.mark.parametrize("kind", ["v1", "turn"])
@pytest.mark.parametrize("how", ["one", "others"])
def test_a_stream_ends_with_its_session_when_it_is_revoked_elsewhere(
    kind: str, how: str, held: FakeRouter, signed_in: Callable[[str], httpx.Client]
) -> None:
    here, there = signed_in("ann"), signed_in("ann")
    [other] = [each["id"] for each in here.get("/api/v1/sessions").json()["items"] if not each["current"]]
    path = f"/api/v1/sessions/{other}" if how == "one" else "/api/v1/sessions"
    event, seconds = ended_by(there, kind, lambda: here.delete(path).raise_for_status())
    assert message_of(event) == ENDED and seconds < WITHIN_S
    assert here.get("/api/v1/session").status_code == 200


@pytest.mark.parametrize("kind", ["v1", "turn"])
def test_a_stream_ends_when_its_person_gets_another_role(
    kind: str, portal: Portal, held: FakeRouter, signed_in: Callable[[str], httpx.Client]
) -> None:
    ann = signed_in("ann")

    event, seconds = ended_by(ann, kind, lambda: portal.accounts.change(None, "ann", role="manager"))
    assert message_of(event) == NEW_ROLE and seconds < WITHIN_S
    assert ann.get("/api/v1/usage").status_code == 200


@pytest.mark.parametrize("kind", ["v1", "turn"])
def test_a_stream_ends_when_the_custom_role_of_its_person_loses_a_permission(
    kind: str, portal: Portal, held: FakeRouter, signed_in: Callable[[str], httpx.Client]
) -> None:
    admin = portal.accounts.add(None, f"root-{kind}", Role.ADMIN, password="correct horse battery")
    portal.roles.add(admin, f"reader {kind}", {Permission.CHAT, Permission.EXPORT})
    portal.accounts.change(None, "ann", role=f"reader {kind}")
    ann = signed_in("ann")

    event, seconds = ended_by(ann, kind, lambda: portal.roles.change(admin, f"reader {kind}", {Permission.CHAT}))
    assert message_of(event) == NEW_ROLE and seconds < WITHIN_S


@pytest.mark.parametrize("kind", ["v1", "turn"])
@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_a_stream_ends_with_its_api_key(
    kind: str, how: str, portal: Portal, held: FakeRouter, address: str, signed_in: Callable[[str], httpx.Client]
) -> None:
    ann = signed_in("ann")
    made = ann.post("/api/v1/keys", json={"name": "script", "scopes": ["chat"]}).json()

    def end() -> None:
        if how == "revoked":
            ann.delete(f"/api/v1/keys/{made['key']['id']}").raise_for_status()
        else:
            with portal.database.connect() as connection:
                connection.execute(update(ApiKeyTable).values(expires_at=datetime.now(UTC)))
                connection.commit()

    with httpx.Client(verify=TLS, base_url=address, headers={"Authorization": f"Bearer {made['token']}"}, timeout=60) as program:
        event, seconds = ended_by(program, kind, end)
    assert message_of(event) == ENDED and seconds < WITHIN_S


@pytest.mark.parametrize("kind", ["v1", "turn"])
def test_an_answer_in_one_piece_ends_with_its_session(
    kind: str, portal: Portal, held: FakeRouter, signed_in: Callable[[str], httpx.Client]
) -> None:
    ann = signed_in("ann")
    path, body = path_and_body(ann, kind, stream=False)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(ann.post, path, json=body, timeout=60)
        while not held.generations:
            time.sleep(0.01)
        portal.accounts.change(None, "ann", active=False)
        answer = waiting.result(WITHIN_S)
    assert answer.status_code == 401 and answer.json()["error"]["message"] == ENDED


def test_another_session_of_the_same_person_goes_on(
    portal: Portal, held: FakeRouter, signed_in: Callable[[str], httpx.Client]
) -> None:
    here, there = signed_in("ann"), signed_in("ann")
    path, body = path_and_body(here, "v1", stream=True)
    with here.stream("POST", path, json=body, timeout=60) as response:
        lines = response.iter_lines()
        next(lines)
        there.delete("/api/v1/session").raise_for_status()
        time.sleep(10 * session_watch.EVERY_S)
        held.release()
        assert "data: [DONE]" in list(lines)


def test_an_answer_that_nobody_watches_ends_with_its_account_and_keeps_its_text(
    portal: Portal, held: FakeRouter, signed_in: Callable[[str], httpx.Client]
) -> None:
    ann = signed_in("ann")
    user = portal.sessions.user(str(ann.headers["Authorization"]).removeprefix("Bearer "))
    assert user is not None
    ended_by(ann, "turn", lambda: portal.accounts.change(None, "ann", active=False))
    assert held.generations[0].cancelled.wait(WITHIN_S)
    deadline = time.monotonic() + WITHIN_S
    while portal.turns.count() and time.monotonic() < deadline:
        time.sleep(0.01)
    [talk] = portal.conversations.list(user)
    answer = portal.conversations.transcript(user, talk.id)[-1].message
    assert (answer.status, answer.text.strip()) == ("stopped", "Hello from")


@pytest.mark.parametrize("kind", ["v1", "turn"])
def test_a_portal_that_stops_tells_open_streams_why(
    kind: str, portal: Portal, held: FakeRouter, signed_in: Callable[[str], httpx.Client]
) -> None:
    event, seconds = ended_by(signed_in("ann"), kind, portal.stopping)
    assert message_of(event) == "The portal is stopping. Try again in a minute."
    assert seconds < WITHIN_S


def test_a_session_is_looked_at_within_five_seconds() -> None:
    assert session_watch.EVERY_S < 5
