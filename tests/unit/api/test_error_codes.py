"""An error inside the portal shows a code in every dialect, in one piece and at the end of a stream; the log has the error under it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from bootstrap.portal import Portal
from core.operations.log_context import logged_fields
from samples.fakes import FakeRouter, answer

ANTHROPIC = {"anthropic-version": "2023-06-01"}
ASKED = [{"role": "user", "content": "Hello"}]
STREAMS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", {"messages": ASKED}),
    "text": ("/v1/completions", {"prompt": "Hello"}),
    "response": ("/v1/responses", {"input": "Hello"}),
    "message": ("/v1/messages", {"messages": ASKED, "max_tokens": 50}),
    "turn": ("/api/v1/conversations/{chat}/messages", {"text": "Hello"}),
}


class Breaking(list[Any]):
    """Events of an answer that fails after its first words, as only a bug lets it."""

    def __iter__(self) -> Iterator[Any]:
        yield super().__getitem__(0)
        raise ZeroDivisionError("secret detail")


@pytest.fixture
def ids_of_traces(caplog: pytest.LogCaptureFixture) -> Callable[[], set[str]]:
    """Return the request ids of the log lines with a trace."""
    caplog.handler.addFilter(lambda record: setattr(record, "request_id", logged_fields().get("request_id", "")) or True)
    return lambda: {vars(each)["request_id"] for each in caplog.records if each.exc_info and each.levelno >= logging.ERROR}


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/api/v1/conversations", {}), ("/v1/models", {}), ("/v1/models", ANTHROPIC)],
    ids=["portal", "openai", "anthropic"],
)
def test_a_refusal_of_500_has_the_code(
    path: str,
    headers: dict[str, str],
    signed_in: Callable[[str], httpx.Client],
    portal: Portal,
    monkeypatch: pytest.MonkeyPatch,
    ids_of_traces: Callable[[], set[str]],
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(portal.conversations, "list", broken)
    monkeypatch.setattr(portal.gateway, "models", broken)
    refused = signed_in("ann").get(path, headers=headers)
    code = refused.headers["X-Request-ID"]
    assert refused.status_code == 500 and "secret" not in refused.text
    assert f"give an admin the code {code}: the log" in refused.json()["error"]["message"] and code in ids_of_traces()
    shapes = {"portal": {"code", "message"}, "openai": {"message", "type", "code", "param"}, "anthropic": {"type", "message"}}
    assert set(refused.json()["error"]) == shapes["anthropic" if headers else "openai" if path.startswith("/v1") else "portal"]


@pytest.mark.parametrize("kind", STREAMS)
def test_the_last_event_of_a_stream_has_the_code(
    kind: str, router: FakeRouter, signed_in: Callable[[str], httpx.Client], ids_of_traces: Callable[[], set[str]]
) -> None:
    ann = signed_in("ann")
    path, body = STREAMS[kind]
    router.next_answers.put(Breaking(answer("Hello there")))
    path = path.format(chat=ann.post("/api/v1/conversations").json()["id"])
    with ann.stream("POST", path, json={**body, "stream": True}, timeout=30) as response:
        code = response.headers["X-Request-ID"]
        lines = [line for line in response.iter_lines() if line.startswith("data: ")]
    event = json.loads(lines[-1].removeprefix("data: "))
    assert "secret" not in str(lines)
    assert f"give an admin the code {code}: the log" in json.dumps(event), event
    assert code in ids_of_traces()


def test_a_refusal_of_the_whole_body_names_no_empty_field(signed_in: Callable[[str], httpx.Client]) -> None:
    ann = signed_in("ann")
    path = f"/api/v1/conversations/{ann.post('/api/v1/conversations').json()['id']}/messages"
    refused = ann.post(path, content=rb'{"text": "\ud800"}', headers={"Content-Type": "application/json"})
    assert refused.status_code == 422 and refused.json()["error"]["message"].startswith("An unpaired surrogate")
