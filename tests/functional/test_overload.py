"""Ten times as many questions as the model takes: refused with the time to come back, and nobody else notices. `./portal bench overload`

A question is refused here that would wait longer than a second, so that the queue is full with a handful.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from bench.portal_parts.portal import Measured, running_portal
from core.errors import Busy
from models.engine import scheduler
from models.engine.scheduler import Scheduler
from tests.functional.test_rest_process import question, slow_model

__all__ = ["slow_model"]

SLOTS = 2
TAKEN = 2 * SLOTS
"""Questions that the model takes at once: those that run, and as many that wait."""
TIMES = 10
AT_ONCE = 20
TOKENS = 150
LONG_ENOUGH_S = 300.0


@pytest.fixture(scope="module")
def portal(slow_model: Path) -> Iterator[Measured]:
    settings = {"PORTAL_SLOTS": str(SLOTS), "PORTAL_CONTEXT": "1024", "PORTAL_MAX_WAIT_S": "1", "PORTAL_TRUSTED_PROXIES": "127.0.0.1"}
    with running_portal(PORTAL_MODEL=str(slow_model), **settings) as running:
        running.add_people(["ann", "bob"])
        yield running


def read_whole(portal: Measured, tokens: int) -> tuple[int, str]:
    """Stream an answer as bob; return its number of tokens and why it ended."""
    body = question(stream=True, max_tokens=tokens, stream_options={"include_usage": True})
    with portal.sign_in("bob") as bob, bob.stream("POST", "/v1/chat/completions", json=body, timeout=LONG_ENOUGH_S) as response:
        assert response.status_code == 200
        lines = [line.removeprefix("data: ") for line in response.iter_lines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    events = [json.loads(line) for line in lines[:-1]]
    ends = [choice["finish_reason"] for event in events for choice in event["choices"] if choice["finish_reason"]]
    return events[-1]["usage"]["completion_tokens"], ends[0]


def test_whoever_is_refused_learns_when_to_come_back_and_the_others_get_their_answers(portal: Measured) -> None:
    with portal.sign_in("ann") as ann, ThreadPoolExecutor(AT_ONCE + 1) as threads:
        # The engine knows how long an answer takes once it has given some.
        for _ in range(3):
            assert ann.post("/v1/chat/completions", json=question(max_tokens=TOKENS)).status_code == 200
        reader = threads.submit(read_whole, portal, 4 * TOKENS)

        def ask(_number: int) -> httpx.Response:
            return ann.post("/v1/chat/completions", json=question(max_tokens=TOKENS), timeout=LONG_ENOUGH_S)

        answered = list(threads.map(ask, range(TIMES * TAKEN)))
        assert reader.result(LONG_ENOUGH_S) == (4 * TOKENS, "length")
        statuses = Counter(each.status_code for each in answered)
        assert set(statuses) == {200, 429}, statuses
        for each in answered:
            if each.status_code == 429:
                assert int(each.headers["Retry-After"]) >= 1 and each.json()["error"]["code"] == "rate_limit_exceeded"
            else:
                assert each.json()["usage"]["completion_tokens"] == TOKENS
        assert portal.process.poll() is None
        deadline = time.monotonic() + LONG_ENOUGH_S
        while (again := ask(0)).status_code == 429:
            assert time.monotonic() < deadline
            time.sleep(min(5, int(again.headers["Retry-After"])))
        assert again.status_code == 200


def test_without_the_guard_nobody_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard is the engine's: a full queue is refused before the prompt is read."""

    def refused() -> bool:
        full = Scheduler(slots=1, batch_tokens=8, queue_limit=0)
        try:
            full.check_room("ann")
        except Busy:
            return True
        return False

    assert refused()
    monkeypatch.setattr(scheduler.Scheduler, "check_room", lambda self, user_id, *, batch=False: None)
    assert not refused()
