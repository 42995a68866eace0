"""Personal data in requests, answers and exports, over REST."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest

from core.inference.requests import Delta, ToolCall
from data import own_patterns
from samples.fakes import FakeRouter, answer

PHONE = "13800138000"
SECRET = {"messages": [{"role": "user", "content": f"Call {PHONE} or ann@example.com"}]}
EVERY_GROUP = "/api/v1/privacy/*"


def test_without_a_policy_texts_stay_as_they_are(ann: httpx.Client, router: FakeRouter) -> None:
    answered = ann.post("/v1/chat/completions", json=SECRET)
    assert router.requests[-1].messages[-1].content == f"Call {PHONE} or ann@example.com" and "Personal-Data" not in answered.headers


def test_a_request_is_masked_before_the_model_sees_it(
    ann: httpx.Client, router: FakeRouter, signed_in: Callable[[str], httpx.Client]
) -> None:
    signed_in("ada").put(EVERY_GROUP, json={"input": "mask"})
    answered = ann.post("/v1/chat/completions", json=SECRET)
    assert router.requests[-1].messages[-1].content == "Call [PHONE] or [E-MAIL]"
    assert answered.headers["Personal-Data"] == "email, phone"


def test_a_request_is_refused_and_no_model_is_asked(
    ann: httpx.Client, router: FakeRouter, signed_in: Callable[[str], httpx.Client]
) -> None:
    signed_in("ada").put(EVERY_GROUP, json={"input": "refuse", "kinds": ["phone"]})
    refused = ann.post("/v1/chat/completions", json=SECRET)
    assert refused.status_code == 400 and "phone" in refused.json()["error"]["message"] and PHONE not in refused.text
    assert router.requests == []


def test_a_chats_question_is_stored_as_it_was_masked(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    signed_in("ada").put(EVERY_GROUP, json={"input": "mask"})
    chat = ann.post("/api/v1/conversations", json={}).json()["id"]
    asked = ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": f"Who is {PHONE}?"})
    assert asked.json()["question"]["text"] == "Who is [PHONE]?" and asked.headers["Personal-Data"] == "phone"


def test_an_answer_is_masked_across_the_borders_of_deltas(
    ann: httpx.Client, router: FakeRouter, signed_in: Callable[[str], httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in("ada").put(EVERY_GROUP, json={"output": "mask"})
    text = f"It is {PHONE}. Bye"
    router.always = [Delta(text=one, tokens=n) for n, one in enumerate(text, 1)] + list(router.always)[-1:]
    whole = ann.post("/v1/chat/completions", json=SECRET).json()["choices"][0]["message"]["content"]
    assert whole == "It is [PHONE]. Bye"


def test_own_patterns_run_in_linear_time_and_a_wrong_one_is_refused(
    ann: httpx.Client, router: FakeRouter, signed_in: Callable[[str], httpx.Client]
) -> None:
    ada = signed_in("ada")
    put = ada.put(EVERY_GROUP, json={"input": "mask", "patterns": ["EMP-[0-9]{6}", "(a+)+$"]})
    if own_patterns.re2 is None:
        assert put.status_code == 422 and "google-re2" in put.text
        return
    ann.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "EMP-123456 " + "a" * 50_000 + "!"}]})
    assert router.requests[-1].messages[-1].content.startswith("[MASKED] aaa")
    for wrong in ("(", "a*", "(?=x)", "x" * 201):
        assert ada.put(EVERY_GROUP, json={"input": "mask", "patterns": [wrong]}).status_code == 422, wrong


def test_an_export_is_masked_for_a_group_that_masks(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    chat = ann.post("/api/v1/conversations", json={}).json()["id"]
    answer = ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": "Hi"}).json()["answer"]["id"]
    ada = signed_in("ada")
    while ann.put(f"/api/v1/messages/{answer}/feedback", json={"rating": -1, "comment": f"Call {PHONE}"}).status_code == 409:
        pass
    [rating] = ada.get("/api/v1/feedback").json()["items"]
    ada.patch(f"/api/v1/feedback/{rating['id']}", json={"note": f"Note {PHONE}"})
    exported = ada.get("/api/v1/feedback.csv").text
    assert "Call [PHONE]" in exported and f"Note {PHONE}" in exported, "what raters wrote is masked in any case"
    ada.put(EVERY_GROUP, json={"output": "mask"})
    exported = ada.get("/api/v1/feedback.csv").text
    assert "Note [PHONE]" in exported and PHONE not in exported


def test_token_ids_do_not_go_around_the_filter(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    signed_in("ada").put(EVERY_GROUP, json={"input": "mask"})
    refused = ann.post("/v1/completions", json={"prompt": [1, 2, 3]})
    assert refused.status_code == 400 and "token ids" in refused.text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (f'{{"to": "{PHONE}", "n": [1, true, null, 2.5]}}', '{"to": "[PHONE]", "n": [1, true, null, 2.5]}'),
        (f'{{"to": {PHONE}}}', '{"to": "[PHONE]"}'),
        ('{"ann@example.com": 1}', '{"[E-MAIL]": 1}'),
        (f"call {PHONE}", "call [PHONE]"),
        ('{"day": 5}', '{"day": 5}'),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_the_arguments_of_tool_calls_are_masked_and_stay_json(
    ann: httpx.Client, router: FakeRouter, signed_in: Callable[[str], httpx.Client], given: str, told: str
) -> None:
    signed_in("ada").put(EVERY_GROUP, json={"output": "mask"})
    router.always = [Delta(tokens=1, tool_calls=(ToolCall("1", "call", given),)), *list(router.always)[-1:]]
    tools = [{"type": "function", "function": {"name": "call", "parameters": {"type": "object"}}}]
    message = ann.post("/v1/chat/completions", json={**SECRET, "tools": tools}).json()["choices"][0]["message"]
    assert message["tool_calls"][0]["function"]["arguments"] == told


@pytest.mark.parametrize("format", ["markdown", "json", "html"])
def test_exports_of_chats_and_memories_are_masked(ann: httpx.Client, signed_in: Callable[[str], httpx.Client], format: str) -> None:
    chat = ann.post("/api/v1/conversations", json={"title": f"About {PHONE}"}).json()["id"]
    ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": f"Call {PHONE}"}).raise_for_status()
    ann.post("/api/v1/memories", json={"text": f"The user has the number {PHONE}."}).raise_for_status()
    addresses = (f"/api/v1/conversations/export?id={chat}&format={format}", "/api/v1/memories/export")
    assert all(PHONE in ann.get(each).text for each in addresses)
    signed_in("ada").put(EVERY_GROUP, json={"output": "mask"})
    for each in addresses:
        exported = ann.get(each)
        assert PHONE not in exported.text + exported.headers["content-disposition"] and "[PHONE]" in exported.text, each


def test_exports_of_tasks_are_masked(ann: httpx.Client, router: FakeRouter, signed_in: Callable[[str], httpx.Client]) -> None:
    router.next_answers.put(answer(f"Call {PHONE} now."))
    steps = [{"id": "s1", "kind": "write", "title": f"Call {PHONE}", "text": "Whom to call"}]
    task = ann.post("/api/v1/tasks", json={"request": "Calls", "steps": steps}).json()
    started = ann.post(f"/api/v1/tasks/{task['id']}/runs", json={"version": 1}).json()
    run = f"/api/v1/task-runs/{started['id']}"
    deadline = time.monotonic() + 60
    while (state := ann.get(run).json()["state"]) != "done":
        assert time.monotonic() < deadline and state != "failed"
        time.sleep(0.02)
    assert PHONE in ann.get(f"{run}/export?format=markdown").text
    signed_in("ada").put(EVERY_GROUP, json={"output": "mask"})
    for format in ("markdown", "html"):
        exported = ann.get(f"{run}/export?format={format}").text
        assert PHONE not in exported and exported.count("[PHONE]") == 2, exported
