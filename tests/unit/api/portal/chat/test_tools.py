"""Tools in chats, over REST: the bundled tools search and read a person's own chats, and no others."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from bootstrap.portal import Portal
from core.inference.requests import ChatRole
from samples.fakes import FakeRouter, answer
from tests.unit.api.portal.chat.test_conversations import SignIn, ask, events_of, new, until
from tests.unit.core.chat.tools.conftest import calls


@pytest.fixture
def own_chats(signed_in: SignIn, portal: Portal) -> None:
    """Turn the bundled tools on for everyone."""
    assert signed_in("ada").put("/api/v1/plugins/own-chats", json={"everyone": True}).status_code == 200


def indexed(portal: Portal) -> None:
    until(lambda: not portal.index_worker.behind(portal.gateway.now()))


def remember(client: httpx.Client, router: FakeRouter, question: str, said: str) -> str:
    """Hold a chat that a tool can find; returns its id."""
    chat = new(client)
    router.next_answers.put(answer(said))
    assert ask(client, chat, text=question).status_code == 200
    return chat


def test_the_model_finds_and_reads_an_earlier_chat_of_the_person_alone(
    ann: httpx.Client, signed_in: SignIn, router: FakeRouter, portal: Portal, own_chats: None
) -> None:
    earlier = remember(ann, router, "Which supplier won?", "The zebra contract went to Meyer.")
    remember(signed_in("bob"), router, "Which supplier won?", "The zebra contract is a secret of bob.")
    indexed(portal)
    chat = new(ann)
    router.next_answers.put(calls("search_chats", words="zebra contract"))
    router.next_answers.put(calls("read_chat", id=earlier))
    router.next_answers.put(answer("Meyer won."))
    done = ask(ann, chat, text="Who won?").json()
    found, read = done["answer"]["steps"]
    assert (found["name"], found["title"], found["error"], found["round"]) == ("search_chats", "Search my chats", None, 1)
    assert earlier in found["result"] and "Meyer" in found["result"] and "bob" not in found["result"]
    assert "2. Assistant" in read["result"] and "went to Meyer" in read["result"] and read["round"] == 2
    assert done["answer"]["text"] == "Meyer won." and router.requests[-1].messages[-1].role is not ChatRole.USER
    assert ann.get(f"/api/v1/conversations/{chat}/messages").json()["items"][-1]["steps"] == [found, read]


def test_a_stream_has_each_step_when_it_begins_and_when_it_ends(ann: httpx.Client, router: FakeRouter, own_chats: None) -> None:
    router.next_answers.put(calls("read_chat", id="0" * 32))
    with ann.stream("POST", f"/api/v1/conversations/{new(ann)}/messages", json={"text": "Hello", "stream": True}) as response:
        events = events_of(response)
    steps = [data for event, data in events if event == "step"]
    assert steps[-1]["error"] == "There is no chat with this id." and steps[-1]["seconds"] is not None
    assert events[-1][0] == "done" and events[-1][1]["answer"]["steps"] == [steps[-1]]


def test_tools_are_listed_and_switched_off(ann: httpx.Client, router: FakeRouter, own_chats: None) -> None:
    assert [each["name"] for each in ann.get("/api/v1/tools").json()["items"]] == ["search_chats", "read_chat"]
    chat = ann.post("/api/v1/conversations", json={"tools_off": ["read_chat"]}).json()
    assert chat["tools_off"] == ["read_chat"]
    here = f"/api/v1/conversations/{chat['id']}"

    def on() -> dict[str, bool]:
        return {each["name"]: each["on"] for each in ann.get("/api/v1/tools", params={"conversation_id": chat["id"]}).json()["items"]}

    assert on() == {"search_chats": True, "read_chat": False}
    assert ann.patch(here, json={"tools_off": ["search_chats"]}).json()["tools_off"] == ["search_chats"]
    assert on() == {"search_chats": False, "read_chat": True}
    assert ann.patch(here, json={"tools_off": ["no name"]}).status_code == 422
    ask(ann, chat["id"], text="Hello", tools_off=["read_chat"])
    assert router.requests[-1].tools == ()


def test_the_meter_counts_the_definitions_of_tools(ann: httpx.Client, own_chats: None) -> None:
    chat = new(ann)
    ask(ann, chat)
    parts = {each["kind"]: each["tokens"] for each in ann.get(f"/api/v1/conversations/{chat}/context").json()["parts"]}
    assert parts["tools"] > 50


def test_exports_have_the_steps_and_a_link_has_them_without_results(
    ann: httpx.Client, router: FakeRouter, portal: Portal, own_chats: None
) -> None:
    remember(ann, router, "Which supplier won?", "The zebra contract went to ```Meyer```.")
    indexed(portal)
    chat = new(ann)
    router.next_answers.put(calls("search_chats", words="zebra <b>contract"))
    router.next_answers.put(calls("search_chats", words="zebra"))
    ask(ann, chat, text="Who won?")

    def exported(format: str) -> str:
        return ann.get("/api/v1/conversations/export", params={"id": chat, "format": format}).text

    markdown = exported("markdown")
    assert "- Tool: Search my chats · " in markdown and '"words": "zebra"' in markdown and "````\n  [" in markdown
    html = exported("html")
    assert html.count("<details class='step'>") == 2 and "zebra &lt;b&gt;contract" in html and "<b>contract" not in html
    [_, reply] = json.loads(exported("json"))["messages"]
    assert [each["name"] for each in reply["steps"]] == ["search_chats"] * 2
    link = ann.post(f"/api/v1/conversations/{chat}/shares", json={}).json()
    shown: list[dict[str, Any]] = ann.get(f"/api/v1/shares/{link['id']}").json()["messages"]
    assert [step["title"] for step in shown[1]["steps"]] == ["Search my chats"] * 2 and "Meyer" not in json.dumps(shown)
