"""Stored responses: continued, read, deleted, answered in the background; read by the official client's own types."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from openai.types.responses import Response
from openai.types.responses.response_item import ResponseItem
from pydantic import TypeAdapter

from bootstrap.portal import Portal
from core.errors import ModelFailed, NotSignedIn, Unavailable
from core.inference.requests import Delta, ToolCall
from core.programs.responses import ANSWER, StorageRules
from core.tasks.handlers import Report
from core.tasks.records import JobFilter
from samples.fakes import FakeRouter, answer

RESPONSES = "/v1/responses"
FIND = {"type": "function", "name": "find", "parameters": {"type": "object"}}
WAIT_S = 60.0


def ask(client: httpx.Client, says: Any = "Hello", **body: Any) -> dict[str, Any]:
    response = client.post(RESPONSES, json={"model": "fake", "input": says, **body})
    assert response.status_code == 200, response.text
    Response.model_validate(response.json(), strict=True)
    return response.json()  # type: ignore[no-any-return]


def said(router: FakeRouter) -> list[tuple[str, str]]:
    return [(message.role.value, message.content) for message in router.requests[-1].messages]


def until(client: httpx.Client, response_id: str, *wanted: str) -> dict[str, Any]:
    ends = time.monotonic() + WAIT_S
    while time.monotonic() < ends:
        found = client.get(f"{RESPONSES}/{response_id}").json()
        Response.model_validate(found, strict=True)
        if found["status"] in wanted:
            return found  # type: ignore[no-any-return]
        time.sleep(0.02)
    raise AssertionError(f"the response never was {wanted}: {found}")


def test_a_response_is_stored_and_read_again(ann: httpx.Client) -> None:
    made = ask(ann, instructions="Be brief.", metadata={"a": "b"})
    assert made["store"] is True
    assert ann.get(f"{RESPONSES}/{made['id']}").json() == made


@pytest.mark.parametrize("stream", [False, True])
def test_a_response_continues_those_before_it(ann: httpx.Client, router: FakeRouter, stream: bool) -> None:
    first = ask(ann, "One", instructions="Be brief.")
    second = ask(ann, [{"role": "user", "content": "Two"}], previous_response_id=first["id"])
    assert second["previous_response_id"] == first["id"]
    ann.post(RESPONSES, json={"input": "Three", "previous_response_id": second["id"], "stream": stream})
    hello = ("assistant", "Hello from the fake model")
    assert said(router) == [("user", "One"), hello, ("user", "Two"), hello, ("user", "Three")]


def test_a_stream_is_stored_before_its_last_event(ann: httpx.Client) -> None:
    with ann.stream("POST", RESPONSES, json={"input": "One", "stream": True}) as response:
        text = "".join(response.iter_text())
    response_id = text.partition('"id":"')[2].partition('"')[0]
    assert ann.get(f"{RESPONSES}/{response_id}").json()["output"][0]["content"][0]["text"] == "Hello from the fake model"


def test_an_output_of_a_function_may_follow_alone(ann: httpx.Client, router: FakeRouter) -> None:
    called = Delta(tool_calls=(ToolCall("call_1", "find", '{"q": 1}'),), tokens=2)
    router.next_answers.put([Delta(reasoning="Hm.", tokens=1), called, answer("")[-1]])
    first = ask(ann, tools=[FIND])
    ask(ann, [{"type": "function_call_output", "call_id": "call_1", "output": "rain"}], tools=[FIND], previous_response_id=first["id"])
    asked, call, result = router.requests[-1].messages
    assert (call.reasoning, call.tool_calls) == ("Hm.", (ToolCall("call_1", "find", '{"q": 1}'),))
    assert (asked.content, result.content, result.tool_call_id) == ("Hello", "rain", "call_1")


def test_the_items_of_an_input_are_listed(ann: httpx.Client) -> None:
    made = ask(ann, [{"role": "user", "content": "One"}, {"role": "assistant", "content": "Two"}, {"role": "user", "content": "Three"}])
    listed = ann.get(f"{RESPONSES}/{made['id']}/input_items").json()
    oldest_first = ann.get(f"{RESPONSES}/{made['id']}/input_items?order=asc").json()["data"]
    items = [TypeAdapter(ResponseItem).validate_python(item) for item in oldest_first]
    assert [item.content[0].text for item in items] == ["One", "Two", "Three"]
    assert (listed["first_id"], listed["last_id"]) == (items[2].id, items[0].id)


def test_what_is_deleted_is_gone_and_cannot_be_continued(ann: httpx.Client) -> None:
    first = ask(ann)
    second = ask(ann, previous_response_id=first["id"])
    assert ann.delete(f"{RESPONSES}/{first['id']}").json() == {"id": first["id"], "object": "response", "deleted": True}
    error = ann.get(f"{RESPONSES}/{first['id']}").json()["error"]
    assert (error["code"], error["param"]) == ("not_found", None)
    assert ann.get(f"{RESPONSES}/{second['id']}").status_code == 200
    refused = ann.post(RESPONSES, json={"input": "x", "previous_response_id": second["id"]})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "previous_response_id")


def test_nobody_else_sees_continues_or_deletes_it(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    made = ask(ann)
    for other in (signed_in("bob"), signed_in("ada")):
        assert other.get(f"{RESPONSES}/{made['id']}").status_code == other.delete(f"{RESPONSES}/{made['id']}").status_code == 404
        assert other.get(f"{RESPONSES}/{made['id']}/input_items").status_code == 404
        assert other.post(RESPONSES, json={"input": "x", "previous_response_id": made["id"]}).status_code == 400
    assert ann.get(f"{RESPONSES}/{made['id']}").status_code == 200


def test_a_legal_hold_keeps_it(ann: httpx.Client, signed_in: Callable[[str], httpx.Client], portal: Portal) -> None:
    made = ask(ann)
    signed_in("ada").put("/api/v1/retention/holds/ann", json={"reason": "case"}).raise_for_status()
    assert ann.delete(f"{RESPONSES}/{made['id']}").status_code == 409
    portal.responses.rules = StorageRules(days=-1)
    assert portal.responses.expire() == 0
    signed_in("ada").delete("/api/v1/retention/holds/ann").raise_for_status()
    assert portal.responses.expire() == 1
    assert ann.get(f"{RESPONSES}/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("rules", "asked", "stored"),
    [
        ({}, {}, True), ({}, {"store": False}, False), ({"days": 0}, {}, False),
        ({"by_default": False}, {}, False), ({"by_default": False}, {"store": True}, True),
    ],
)  # fmt: skip
def test_the_request_says_whether_to_store_and_else_a_setting(
    ann: httpx.Client, portal: Portal, rules: dict[str, Any], asked: dict[str, Any], stored: bool
) -> None:
    portal.responses.rules = StorageRules(**rules)
    made = ask(ann, **asked)
    assert made["store"] is stored
    assert ann.get(f"{RESPONSES}/{made['id']}").status_code == (200 if stored else 404)


def test_where_nothing_is_stored_it_cannot_be_asked_for(ann: httpx.Client, portal: Portal) -> None:
    portal.responses.rules = StorageRules(days=0)
    for asked, param in (({"store": True}, "store"), ({"background": True}, "background")):
        refused = ann.post(RESPONSES, json={"input": "x", **asked})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


def test_an_answer_that_cannot_be_stored_says_so(ann: httpx.Client, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise Unavailable("The disk is full.")

    monkeypatch.setattr(portal.responses, "keep", full)
    assert ask(ann)["store"] is False


def test_a_response_in_the_background_is_queued_then_complete(ann: httpx.Client, router: FakeRouter) -> None:
    router.hold()
    queued = ask(ann, background=True, text={"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}}})
    assert (queued["status"], queued["output"], queued["background"]) == ("queued", [], True)
    until(ann, queued["id"], "in_progress")
    router.release()
    done = until(ann, queued["id"], "completed")
    assert done["output"][0]["content"][0]["text"] == "Hello from the fake model"
    assert (done["id"], done["created_at"]) == (queued["id"], pytest.approx(queued["created_at"], abs=60))
    assert router.requests[-1].params.json_schema == '{"type": "object"}'
    ask(ann, "And?", previous_response_id=queued["id"])
    assert said(router)[1] == ("assistant", "Hello from the fake model")


def test_a_response_in_the_background_can_be_cancelled(ann: httpx.Client, router: FakeRouter) -> None:
    router.hold()
    queued = ask(ann, background=True)
    until(ann, queued["id"], "in_progress")
    refused = ann.post(RESPONSES, json={"input": "x", "previous_response_id": queued["id"]})
    assert "still being answered" in refused.json()["error"]["message"]
    assert ann.post(f"{RESPONSES}/{queued['id']}/cancel").json()["status"] == "cancelled"
    assert router.generations[0].cancelled.wait(WAIT_S)
    assert until(ann, queued["id"], "cancelled")["output"] == []


def test_a_response_in_the_background_that_fails_says_why(ann: httpx.Client, router: FakeRouter) -> None:
    router.next_answers.put([Delta("One", tokens=1), ModelFailed("The model failed.")])
    failed = until(ann, ask(ann, background=True)["id"], "failed")
    assert failed["error"] == {"code": "server_error", "message": "The model failed."}


def test_a_response_that_was_answered_at_once_cannot_be_cancelled(ann: httpx.Client) -> None:
    refused = ann.post(f"{RESPONSES}/{ask(ann)['id']}/cancel")
    assert (refused.status_code, "background" in refused.json()["error"]["message"]) == (400, True)


def test_a_disabled_account_is_not_answered_in_the_background(
    ann: httpx.Client, signed_in: Callable[[str], httpx.Client], router: FakeRouter, portal: Portal
) -> None:
    portal.job_worker.close()
    queued = ask(ann, background=True)
    (job,) = portal.jobs.list(next(each for each in portal.accounts.people(None) if each.name == "ann"), JobFilter(kinds=(ANSWER,)))
    signed_in("ada").patch("/api/v1/people/ann", json={"active": False}).raise_for_status()
    run = next(kind.run for kind in portal.responses.job_kinds() if kind.name == ANSWER)
    with pytest.raises(NotSignedIn):
        run(job, Report(threading.Event()))
    assert (queued["status"], router.requests) == ("queued", [])
