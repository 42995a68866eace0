"""A step that may change something waits over REST, and a route decides about it."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from samples.fakes import FakeRouter
from tests.plugin_maker import install_module
from tests.unit.api.portal.chat.test_conversations import SignIn, ask, events_of, new, until
from tests.unit.core.chat.tools.conftest import calls

ROOMS = """
from core.plugins.hookspecs import Tool, hookimpl

@hookimpl
def tools():
    return [Tool(name="book", title="Book a room", description="Book one.", run=lambda arguments, context: "Booked.")]
"""


@pytest.fixture
def rooms(tmp_path: Path, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turn a plugin with a tool that changes something on for everyone."""
    install_module(tmp_path, "rooms", ROOMS)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert signed_in("ada").put("/api/v1/plugins/rooms", json={"everyone": True}).status_code == 200


def test_a_request_returns_with_the_step_that_waits_and_goes_on_when_it_is_decided(
    ann: httpx.Client, router: FakeRouter, rooms: None
) -> None:
    chat = new(ann)
    router.next_answers.put(calls("book", room="Blue"))
    turn = ask(ann, chat, request_id="book").json()
    assert turn["status"] == "streaming"
    [step] = turn["answer"]["steps"]
    assert (step["approval"], step["arguments"], step["seconds"]) == ("waiting", '{"room": "Blue"}', None)
    until(lambda: ann.get(f"/api/v1/conversations/{chat}/messages").json()["items"][-1]["steps"] == [step])
    here = f"/api/v1/messages/{turn['answer']['id']}/decide"
    assert ann.post(here, json={"step": step["id"], "decision": "perhaps"}).status_code == 422
    assert ann.post(here, json={"step": step["id"], "decision": "allow_in_chat"}).status_code == 204
    done = ask(ann, chat, request_id="book").json()
    assert (done["status"], done["answer"]["steps"][0]["approval"]) == ("done", "allowed")
    assert ann.post(here, json={"step": step["id"], "decision": "refuse"}).status_code == 409
    assert ann.get(f"/api/v1/conversations/{chat}").json()["tools_allowed"] == ["book"]
    [tool] = ann.get("/api/v1/tools", params={"conversation_id": chat}).json()["items"]
    assert tool["asks"] and tool["allowed"]
    assert ann.patch(f"/api/v1/conversations/{chat}", json={"tools_allowed": []}).json()["tools_allowed"] == []


def test_a_stream_has_the_step_when_it_waits_and_another_person_cannot_decide(
    ann: httpx.Client, signed_in: SignIn, router: FakeRouter, rooms: None
) -> None:
    chat = new(ann)
    router.next_answers.put(calls("book"))
    ask(ann, chat, request_id="book")
    message = ann.get(f"/api/v1/conversations/{chat}/messages").json()["items"][-1]
    body = {"step": message["steps"][0]["id"], "decision": "refuse"}
    assert signed_in("bob").post(f"/api/v1/messages/{message['id']}/decide", json=body).status_code == 404
    with ann.stream("POST", f"/api/v1/conversations/{chat}/messages", json={"text": "x", "request_id": "book", "stream": True}) as response:
        ann.post(f"/api/v1/messages/{message['id']}/decide", json=body)
        events = events_of(response)
    steps = [data["approval"] for event, data in events if event == "step"]
    assert steps[-1] == "refused" and events[-1][1]["answer"]["steps"][0]["error"] == "This step was refused. Nothing was changed."
