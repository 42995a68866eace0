from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from bootstrap.portal import Portal
from core.operations.log_lines import Masking
from core.people.signing_in.sign_in import Caller
from tests.unit.api.conftest import PASSWORD


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[str], list[logging.LogRecord]]]:
    """Yield the records of a logger so far, with whose they are."""
    caplog.set_level(logging.INFO)
    masking = Masking()
    caplog.handler.addFilter(masking)
    yield lambda name: [record for record in caplog.records if record.name == name]
    caplog.handler.removeFilter(masking)


def test_a_well_formed_request_id_is_kept_and_any_other_replaced(client: httpx.Client) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "from-proxy_1.2"}).headers["X-Request-ID"] == "from-proxy_1.2"
    others = ({}, {"X-Request-ID": "two words"}, {"X-Request-ID": "x" * 65})
    made = [client.get("/healthz", headers=other).headers["X-Request-ID"] for other in others]
    assert len(set(made)) == 3 and all(len(each) == 32 for each in made)


def test_a_refused_request_has_an_id_too(client: httpx.Client) -> None:
    answer = client.get("/api/v1/conversations")
    assert answer.status_code == 401 and len(answer.headers["X-Request-ID"]) == 32


def test_the_log_tells_who_asked_but_not_what(
    portal: Portal, signed_in: Callable[[str], httpx.Client], records: Callable[[str], list[logging.LogRecord]]
) -> None:
    ann = signed_in("ann")
    ann.get("/api/v1/search", params={"q": "my illness"}, headers={"X-Request-ID": "search-1"})
    until = time.monotonic() + 60
    # The line is written after the answer is sent.
    while not (lines := [each for each in records("api.middleware.request_ids") if "/search" in each.msg]) and time.monotonic() < until:
        time.sleep(0.01)
    [line] = lines
    assert line.whose["request_id"] == "search-1"  # type: ignore[attr-defined]
    assert line.msg.startswith("GET /api/v1/search answered 200 in ") and "illness" not in line.msg
    assert line.whose["user_id"] == portal.sign_in.check("ann", PASSWORD, Caller()).user.id  # type: ignore[attr-defined]


def test_a_turn_s_lines_carry_its_request_user_turn_and_model(
    signed_in: Callable[[str], httpx.Client], records: Callable[[str], list[logging.LogRecord]]
) -> None:
    ann = signed_in("ann")
    chat = ann.post("/api/v1/conversations", json={}).json()["id"]
    body = {"text": "what I ask", "request_id": "q1", "stream": False}
    ann.post(f"/api/v1/conversations/{chat}/messages", json=body, headers={"X-Request-ID": "turn-1"}).raise_for_status()
    until = time.monotonic() + 60
    while not records("core.chat.turn_runner") and time.monotonic() < until:
        time.sleep(0.01)
    [line] = records("core.chat.turn_runner")
    assert line.msg.endswith("ended: done")
    whose = line.whose  # type: ignore[attr-defined]
    assert whose["request_id"] == "turn-1" and whose["turn_id"] in line.msg
    assert whose.keys() == {"request_id", "user_id", "turn_id", "model"}
