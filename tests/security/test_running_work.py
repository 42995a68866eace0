"""What runs without a connection ends with the rights of the person who began it: responses in the background and batches.

Streams are in tests/unit/api/test_ended_sessions.py, open pages in tests/functional/test_page_walls.py. The tests were seen to fail with
`requester.look()` taken out of core/programs/responses.py and batch_run.py, and those of the password without its mark in on_behalf.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from api.batches import line_answers
from bench.portal_parts.tls import TLS
from bootstrap.portal import Portal
from core.people.records import Permission
from core.programs import on_behalf
from core.tasks import handlers
from data.tables import ApiKeyTable
from samples.fakes import FakeGeneration, FakeRouter
from tests.unit.api.batches.test_batch_routes import HELLO, start

ENDED = ("completed", "failed", "cancelled", "expired", "incomplete")
WAIT_S = 60.0
REASONS = {
    "key revoked": "The API key that began this has expired or was revoked.",
    "key lapsed": "The API key that began this has expired or was revoked.",
    "disabled": "The account that began this is disabled.",
    "password": "The password of the account was changed after this began. Sign in and start it again.",
    "no right to chat": "Your role (reader) does not allow this. An admin can change roles on the People page.",
}


@pytest.fixture(autouse=True)
def held(router: FakeRouter, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRouter]:
    """Answers that never end by themselves. Looks at the rights come quickly, so that the tests need not wait."""
    monkeypatch.setattr(on_behalf, "LOOK_S", 0.1)
    router.hold()
    yield router
    router.release()


def begin(client: httpx.Client, kind: str) -> str:
    """Start the work and return its path."""
    if kind == "batch":
        return f"/v1/batches/{start(client, '/v1/chat/completions', {'messages': HELLO}, {'messages': HELLO})['id']}"
    return f"/v1/responses/{client.post('/v1/responses', json={'input': 'Hi', 'background': True}).json()['id']}"


def first_answer(router: FakeRouter) -> FakeGeneration:
    ends = time.monotonic() + WAIT_S
    while not router.generations and time.monotonic() < ends:
        time.sleep(0.01)
    return router.generations[0]


def end(portal: Portal, how: str) -> None:
    match how:
        case "key revoked" | "key lapsed":
            column = "revoked_at" if how == "key revoked" else "expires_at"
            with portal.database.connect() as connection:
                connection.execute(update(ApiKeyTable).values({column: datetime.now(UTC)}))
                connection.commit()
        case "disabled":
            portal.accounts.change(None, "ann", active=False)
        case "password":
            portal.accounts.reset_password(None, "ann", "another horse")
        case "no right to chat":
            ada = portal.accounts.credentials("ada")
            assert ada is not None
            portal.roles.add(ada.user, "reader", {Permission.VIEW_USAGE})
            portal.accounts.change(None, "ann", role="reader")


def error_of(portal: Portal, path: str) -> str:
    """Return the reason that the work's job ended with; its person can no longer ask for it."""
    ada = portal.accounts.credentials("ada")
    assert ada is not None
    ends = time.monotonic() + WAIT_S
    while time.monotonic() < ends:
        for job in portal.jobs.list(ada.user):
            if path.rpartition("/")[2] in job.payload.values() and job.ended:
                return str(job.error)
        time.sleep(0.02)
    raise AssertionError("the work goes on")


@pytest.mark.parametrize("how", REASONS)
@pytest.mark.parametrize("kind", ["response", "batch"])
def test_work_in_the_background_ends_with_the_rights_of_its_person(
    kind: str, how: str, portal: Portal, router: FakeRouter, address: str, signed_in: Callable[[str], httpx.Client]
) -> None:
    ann = signed_in("ann")
    headers = dict(ann.headers)
    if how.startswith("key"):
        made = ann.post("/api/v1/keys", json={"name": "script", "scopes": ["chat"]}).json()
        headers = {"Authorization": f"Bearer {made['token']}"}
    with httpx.Client(verify=TLS, base_url=address, headers=headers, timeout=60) as program:
        path = begin(program, kind)
        running = first_answer(router)
        end(portal, how)
        assert running.cancelled.wait(WAIT_S), "the engine is freed"
    assert error_of(portal, path) == REASONS[how]


def test_a_response_in_the_background_ends_when_its_person_gets_another_role(
    portal: Portal, router: FakeRouter, signed_in: Callable[[str], httpx.Client]
) -> None:
    path = begin(signed_in("ann"), "response")
    running = first_answer(router)
    portal.accounts.change(None, "ann", role="manager")
    assert running.cancelled.wait(WAIT_S)
    assert error_of(portal, path) == "Your role was changed while this was running. Try again."


def test_a_batch_asks_its_lines_again_with_the_new_role(
    portal: Portal, router: FakeRouter, signed_in: Callable[[str], httpx.Client]
) -> None:
    ann = signed_in("ann")
    path = begin(ann, "batch")
    running = first_answer(router)
    portal.accounts.change(None, "ann", role="manager")
    assert running.cancelled.wait(WAIT_S)
    router.release()
    assert ended(ann, path)["request_counts"] == {"total": 2, "completed": 2, "failed": 0}


@pytest.mark.parametrize("kind", ["response", "batch"])
def test_signing_out_ends_no_work_in_the_background(
    kind: str, router: FakeRouter, signed_in: Callable[[str], httpx.Client]
) -> None:
    ann = signed_in("ann")
    path = begin(ann, kind)
    first_answer(router)
    ann.delete("/api/v1/session").raise_for_status()
    time.sleep(5 * on_behalf.LOOK_S)
    router.release()
    assert ended(signed_in("ann"), path)["status"] == "completed"


def ended(client: httpx.Client, path: str) -> dict[str, Any]:
    ends = time.monotonic() + WAIT_S
    while time.monotonic() < ends:
        found: dict[str, Any] = client.get(path).json()
        if found["status"] in ENDED:
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def test_the_looks_together_take_less_than_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert on_behalf.LOOK_S + handlers.POLL_S + line_answers.CHECK_S < 5
