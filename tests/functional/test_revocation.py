"""Streams of a running portal when an account is disabled, a session ends or the portal stops, on both databases."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from bench.portal_parts.portal import ROOT, Measured, running_portal
from samples.gguf_maker import make_gguf
from samples.servers.postgresql import PostgresServer
from tests.functional.test_rest_process import question

WITHIN_S = 30.0
"""Far less than an answer takes, and far more than the second or two in which a stream ends on a free machine."""


@pytest.fixture(scope="module")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model whose answer takes far longer than a stream may outlive its session."""
    return make_gguf(tmp_path_factory.mktemp("models") / "slow.gguf", layers=120, context=8192, name="slow", sharpness=0.1)


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, slow_model: Path) -> Iterator[tuple[Measured, dict[str, str]]]:
    """Yield a portal, and the settings of its store."""
    more = {}
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        more = {"PORTAL_DATABASE_URL": server.new_database(), "PORTAL_DRAIN_SECONDS": "0"}
    # Turns continue when a session ends: each must find a slot beside those that earlier ones still hold.
    with running_portal(PORTAL_MODEL=str(slow_model), PORTAL_SLOTS="6", PORTAL_CONTEXT="8192", start_s=180, **more) as running:
        running.add_people(["ann"])
        yield running, more


def streams(client: httpx.Client) -> dict[str, tuple[str, dict[str, object]]]:
    conversation = client.post("/api/v1/conversations").json()["id"]
    return {
        "v1": ("/v1/chat/completions", question(stream=True, max_tokens=8000, repetition_guard=False)),
        "turn": (f"/api/v1/conversations/{conversation}/messages", {"text": "Write much", "stream": True, "max_tokens": 8000}),
    }


def last_event(client: httpx.Client, kind: str, end: Callable[[], object]) -> tuple[str, float]:
    """Return the message of the event that a stream ends with after `end`, and the seconds that took."""
    path, body = streams(client)[kind]
    with client.stream("POST", path, json=body) as response:
        lines = response.iter_lines()
        words = 0
        while words < 3:
            words += next(lines).startswith("data: ")
        end()
        began = time.monotonic()
        data = [line for line in lines if line.startswith("data: ")]
    event = json.loads(data[-1].removeprefix("data: "))
    return event.get("error", event)["message"], time.monotonic() - began


def test_both_kinds_of_streams_end_with_account_session_and_portal(opened: tuple[Measured, dict[str, str]]) -> None:
    portal, store = opened
    with portal.sign_in() as admin:
        for kind in ("v1", "turn"):
            for change in ({"active": False}, {"password": "another password"}):
                with portal.sign_in("ann") as ann:
                    said, seconds = last_event(ann, kind, lambda: admin.patch("/api/v1/people/ann", json=change).raise_for_status())  # noqa: B023
                assert "has ended" in said and seconds < WITHIN_S
                admin.patch("/api/v1/people/ann", json={"active": True, "password": "bench password 1"}).raise_for_status()
            with portal.sign_in("ann") as ann, httpx.Client(base_url=portal.url, headers=ann.headers, timeout=60) as other:
                said, seconds = last_event(ann, kind, lambda: other.delete("/api/v1/session").raise_for_status())
            assert "has ended" in said and seconds < WITHIN_S
        # The command, which is another process, ends them as well.
        with portal.sign_in("ann") as ann:
            said, seconds = last_event(ann, "v1", lambda: disable_by_command(portal, store, "ann"))
        assert "has ended" in said and seconds < WITHIN_S
        said, seconds = last_event(admin, "turn", lambda: portal.process.send_signal(signal.SIGTERM))
        assert said == "The portal is stopping. Try again in a minute." and seconds < WITHIN_S
        assert portal.process.wait(60) == 0


def disable_by_command(portal: Measured, store: dict[str, str], name: str) -> None:
    environment = {**os.environ, "PORTAL_HOME": str(portal.home), **store}
    command = [sys.executable, "-m", "cli.commands.people", "disable", name]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
