"""Anthropic's Messages on a fake model; every event and answer is read by the official client's own types."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from anthropic.types import BetaErrorResponse, Message, MessageTokensCount, RawMessageStreamEvent
from pydantic import BaseModel, TypeAdapter

from bootstrap.portal import Portal
from core.errors import Busy, ModelFailed, NotFound, PortalError, PromptTooLong, Unavailable
from core.inference.records import FinishReason, Timings, Usage
from core.inference.requests import ChatMessage, Delta, Finished, GenerationEvent, Queued, Tool, ToolCall
from samples.fakes import FakeRouter, answer

MESSAGES = "/v1/messages"
HELLO = [{"role": "user", "content": "Hello"}]
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
FIND = {"name": "find", "description": "Finds.", "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}}}


def ask(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post(MESSAGES, json={"model": "fake", "max_tokens": 50, "messages": HELLO, **body})


def exactly(shape: type[BaseModel], value: Any) -> Any:
    """Return the value as the client's type, which has a field for everything in it."""
    found = shape.model_validate(value, strict=True)
    assert not unknown(found), unknown(found)
    return found


def unknown(value: Any) -> dict[str, Any]:
    """Return what the client's types have no field for."""
    if isinstance(value, list):
        return {name: one for each in value for name, one in unknown(each).items()}
    if not isinstance(value, BaseModel):
        return {}
    inner = {name: one for field in type(value).model_fields for name, one in unknown(getattr(value, field)).items()}
    return {**(value.model_extra or {}), **inner}


def events(text: str) -> list[Any]:
    """Return the events of a stream but pings and errors, each named as its type."""
    found = []
    for block in text.strip().split("\n\n"):
        lines = [line for line in block.split("\n") if not line.startswith(":")]
        if not lines:
            continue
        head, data = lines
        value = json.loads(data.removeprefix("data: "))
        assert head == f"event: {value['type']}"
        if value["type"] not in ("ping", "error"):
            event = EVENT.validate_python(value, strict=True)
            assert not unknown(event), unknown(event)
            found.append(event)
    return found


def ended(*deltas: Delta, reason: FinishReason = FinishReason.STOP, stop: str | None = None) -> list[GenerationEvent | PortalError]:
    return [*deltas, Finished(reason, Usage(5, len(deltas), 2), Timings(0.0, 0.1, 0.2), stop=stop)]


CALL = ToolCall("call_1", "find", '{"q": "rain"}')


def test_a_message_comes_in_anthropics_shape(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = answer("The answer", reasoning="Let me think")
    response = ask(ann, thinking={"type": "enabled", "budget_tokens": 2000})
    message = exactly(Message, response.json())
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert (message.content[0].thinking, message.content[1].text) == ("Let me think", "The answer")
    assert message.content[0].signature
    assert (message.stop_reason, message.stop_sequence, message.model, message.role) == ("end_turn", None, "fake", "assistant")
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens, message.usage.output_tokens) == (3, 2, 3)
    assert message.id.startswith("msg_")
    assert response.headers["request-id"] == response.headers["X-Request-ID"]


def stepwise(client: httpx.Client, router: FakeRouter, body: dict[str, Any]) -> str:
    """Return the stream of an answer that is held: each event is let go once the one before it has arrived."""
    text = ""
    with client.stream("POST", MESSAGES, json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        router.release(1)
        for part in response.iter_text():
            text += part
            if "content_block_delta" in part or "queued" in part:
                router.release(1)
    return text


def test_a_stream_has_anthropics_events_in_order(ann: httpx.Client, router: FakeRouter) -> None:
    router.hold()
    call = Delta(tool_calls=(CALL,), tokens=9)
    router.always = ended(Delta(reasoning="Hm", tokens=1), Delta("One ", tokens=2), Delta("two", tokens=3), call)
    body = {"max_tokens": 9, "messages": HELLO, "stream": True, "thinking": {"type": "adaptive"}}
    found = events(stepwise(ann, router, body))
    kinds = [event.type.removeprefix("content_block_") for event in found]
    assert kinds == ["message_start", *("start", "delta", "delta", "stop"), *("start", "delta", "delta", "stop"),
                     *("start", "delta", "stop"), "message_delta", "message_stop"]  # fmt: skip
    assert [event.index for event in found if hasattr(event, "index")] == [0] * 4 + [1] * 4 + [2] * 3
    deltas = [event.delta for event in found if event.type == "content_block_delta"]
    assert [one.type for one in deltas] == ["thinking_delta", "signature_delta", "text_delta", "text_delta", "input_json_delta"]
    assert json.loads(deltas[-1].partial_json) == {"q": "rain"}
    assert found[0].message.usage.input_tokens == 5
    assert found[-2].delta.stop_reason == "tool_use"
    assert (found[-2].usage.input_tokens, found[-2].usage.cache_read_input_tokens) == (3, 2)


def test_calls_of_tools_are_blocks(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = ended(Delta("Let me look.", tokens=1), Delta(tool_calls=(CALL, ToolCall("call_2", "find", "{}")), tokens=2))
    message = exactly(Message, ask(ann, tools=[FIND]).json())
    assert [block.type for block in message.content] == ["text", "tool_use", "tool_use"]
    assert (message.content[1].id, message.content[1].name, message.content[1].input) == ("toolu_1", "find", {"q": "rain"})
    assert message.stop_reason == "tool_use"


def test_a_call_that_was_cut_has_no_input_and_says_why(ann: httpx.Client, router: FakeRouter) -> None:
    cut = ToolCall("call_1", "find", '{"q": "ra')
    router.always = ended(Delta(tool_calls=(cut,), tokens=1), reason=FinishReason.LENGTH)
    message = exactly(Message, ask(ann, tools=[FIND], max_tokens=1).json())
    assert (message.content[0].input, message.stop_reason) == ({}, "max_tokens")
    assert exactly(Message, ask(ann, tools=[FIND], max_tokens=7).json()).stop_reason == "model_context_window_exceeded"


def test_the_stop_sequence_that_came_is_reported(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = ended(Delta("One", tokens=1), stop="two")
    message = exactly(Message, ask(ann, stop_sequences=["two", "", "three"]).json())
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "two")
    assert router.requests[-1].params.stop == ("two", "three")
    assert events(ask(ann, stream=True).text)[-2].delta.stop_sequence == "two"


def test_thoughts_can_be_left_out(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = answer("Yes", reasoning="Secret")
    hidden = {"thinking": {"type": "adaptive", "display": "omitted"}}
    assert exactly(Message, ask(ann, **hidden).json()).content[0].thinking == ""
    streamed = ask(ann, stream=True, **hidden).text
    assert "Secret" not in streamed and "signature_delta" in streamed


def test_several_turns_with_tools_reach_the_model(ann: httpx.Client, router: FakeRouter) -> None:
    turns = [
        {"role": "user", "content": [{"type": "text", "text": "Will it rain?", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "I look.", "signature": "x"}, {"type": "redacted_thinking", "data": "x"},
            {"type": "text", "text": "I look."}, {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {"q": "rain"}},
            {"type": "tool_use", "id": "toolu_2", "name": "find", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "Yes."}]},
            {"type": "tool_result", "tool_use_id": "toolu_2", "content": "Gone", "is_error": True},
            {"type": "text", "text": "And now?"},
            {"type": "document", "title": "Notes", "source": {"type": "text", "media_type": "text/plain", "data": "Dry."}},
        ]},
    ]  # fmt: skip
    body = {"system": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}], "tools": [FIND], "messages": turns}
    assert ask(ann, **body, tool_choice={"type": "tool", "name": "find"}).status_code == 200
    asked = router.requests[-1]
    assert asked.messages == (
        ChatMessage("system", "Be brief.\nBe kind."),
        ChatMessage("user", "Will it rain?"),
        ChatMessage(
            "assistant", "I look.", "I look.", (ToolCall("toolu_1", "find", '{"q": "rain"}'), ToolCall("toolu_2", "find", "{}"))
        ),
        ChatMessage("tool", "Yes.", tool_call_id="toolu_1"),
        ChatMessage("tool", "Error: Gone", tool_call_id="toolu_2"),
        ChatMessage("user", "And now?\nNotes\nDry."),
    )
    assert asked.tools == (Tool("find", "Finds.", json.dumps(FIND["input_schema"])),)
    assert (asked.tool_choice, asked.required_tool) == ("required", "find")
    assert not asked.continued


@pytest.mark.parametrize(
    ("choice", "asked"),
    [(None, "auto"), ({"type": "auto"}, "auto"), ({"type": "any"}, "required"), ({"type": "none"}, "none")],
)
def test_the_choice_of_a_tool_reaches_the_model(ann: httpx.Client, router: FakeRouter, choice: Any, asked: str) -> None:
    assert ask(ann, tools=[FIND], tool_choice=choice).status_code == 200
    assert router.requests[-1].tool_choice == asked


@pytest.mark.parametrize(
    ("thinking", "thinks", "budget"),
    [(None, False, None), ({"type": "disabled"}, False, None), ({"type": "adaptive"}, True, None),
     ({"type": "enabled", "budget_tokens": 1024}, True, 1024)],
)  # fmt: skip
def test_the_model_thinks_if_asked_to(ann: httpx.Client, router: FakeRouter, thinking: Any, thinks: bool, budget: int | None) -> None:
    assert ask(ann, thinking=thinking).status_code == 200
    assert (router.requests[-1].thinking, router.requests[-1].params.thinking_budget) == (thinks, budget)


def test_the_sampling_and_the_format_reach_the_model(ann: httpx.Client, router: FakeRouter) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    form = {"type": "json_schema", "schema": schema}
    assert ask(ann, temperature=1, top_p=0.5, top_k=3, output_config={"format": form}).status_code == 200
    params = router.requests[-1].params
    assert (params.temperature, params.top_p, params.top_k, params.max_tokens) == (1, 0.5, 3, 50)
    assert json.loads(params.json_schema or "") == schema
    assert ask(ann, output_format=form).status_code == 200
    assert json.loads(router.requests[-1].params.json_schema or "") == schema


def test_a_last_message_of_the_assistant_is_continued(ann: httpx.Client, router: FakeRouter) -> None:
    assert ask(ann, messages=[*HELLO, {"role": "assistant", "content": "The best answer is ("}]).status_code == 200
    assert router.requests[-1].continued


def test_what_changes_nothing_is_named(ann: httpx.Client, router: FakeRouter) -> None:
    router.ignored = ("schema.a",)
    tools = {"tools": [FIND], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    response = ask(ann, metadata={"user_id": "x"}, odd=1, output_config={"effort": "low"}, **tools)
    assert response.headers["X-Portal-Ignored"] == "odd, tool_choice.disable_parallel_tool_use, output_config.effort, schema.a"


def test_the_tokens_of_a_prompt_are_counted_and_nothing_is_asked(ann: httpx.Client, router: FakeRouter) -> None:
    response = ann.post(f"{MESSAGES}/count_tokens", json={"model": "fake", "messages": HELLO, "system": "Be brief."})
    assert exactly(MessageTokensCount, response.json()).input_tokens == len("Be brief.Hello")
    assert router.generations == []


def test_the_key_may_come_as_x_api_key(client: httpx.Client, ann: httpx.Client) -> None:
    token = ann.headers["Authorization"].removeprefix("Bearer ")
    assert client.post(MESSAGES, json={"max_tokens": 5, "messages": HELLO}, headers={"x-api-key": token}).status_code == 200
    assert client.get("/v1/models", headers={"x-api-key": token}).status_code == 200
    foreign = {"x-api-key": "none", "Origin": "https://other.example"}
    assert client.post(MESSAGES, json={"max_tokens": 5, "messages": HELLO}, headers=foreign).status_code == 401


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "base64"}}]}]}, "messages.0.content.source"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x"}]}]}, "messages.0.content.0.tool_use_id"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text is missing"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f"}] * 2}]}, "another tool_use"),
        ({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "name": "f"}]}]}, "messages.0.content.0.id is missing"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools.0"),
        ({"tools": [{"name": "find"}]}, "tools.0.input_schema is missing"),
        ({"tools": [FIND, FIND]}, "same name"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"tools": [FIND], "tool_choice": {"type": "tool", "name": "lose"}}, "lose"),
        ({"tools": [FIND], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"mcp_servers": [{"name": "x"}]}, "mcp_servers is not supported"),
        ({"temperature": 9}, "temperature"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_anthropics_shape(ann: httpx.Client, body: dict[str, Any], says: str) -> None:
    response = ask(ann, **body)
    assert response.status_code == 400
    problem = exactly(BetaErrorResponse, response.json())
    assert (problem.type, problem.error.type) == ("error", "invalid_request_error")
    assert says in problem.error.message
    assert problem.request_id == response.headers["request-id"]


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (Busy("Busy.", retry_after=3), 429, "rate_limit_error"),
        (Unavailable("Away."), 503, "api_error"),
        (NotFound("No model."), 404, "not_found_error"),
        (PromptTooLong(900, 511), 400, "invalid_request_error"),
    ],
)
def test_what_the_model_refuses_has_a_status(ann: httpx.Client, router: FakeRouter, error: PortalError, status: int, kind: str) -> None:
    router.refuse.append(error)
    response = ask(ann)
    assert (response.status_code, exactly(BetaErrorResponse, response.json()).error.type) == (status, kind)
    if status == 400:
        assert "prompt is too long: 900 tokens > 511 maximum" in response.json()["error"]["message"]
    if status == 429:
        assert response.headers["Retry-After"] == "3"


@pytest.mark.parametrize(
    ("path", "method", "headers", "status", "kind"),
    [(MESSAGES, "POST", {"Authorization": "Bearer none"}, 401, "authentication_error"), (MESSAGES, "GET", {}, 405, "invalid_request_error"),
     (f"{MESSAGES}/batches", "POST", {}, 404, "not_found_error")],
)  # fmt: skip
def test_other_refusals_have_the_shape_too(
    ann: httpx.Client, path: str, method: str, headers: dict[str, str], status: int, kind: str
) -> None:
    response = ann.request(method, path, json={"max_tokens": 5, "messages": HELLO}, headers=headers)
    assert (response.status_code, exactly(BetaErrorResponse, response.json()).error.type) == (status, kind)


def test_a_failure_in_the_middle_is_an_event_or_a_status(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = [Delta("One", tokens=1), ModelFailed("The model failed.")]
    text = ask(ann, stream=True).text
    assert text.rstrip().split("\n\n")[-1].startswith("event: error\n")
    assert exactly(BetaErrorResponse, json.loads(text.rstrip().rpartition("data: ")[2])).error.type == "api_error"
    assert "message_stop" not in text
    assert ask(ann).status_code == 502


def test_a_stream_that_waits_tells_its_position_in_comments(ann: httpx.Client, router: FakeRouter) -> None:
    router.hold()
    router.always = [Queued(2, 1.5), *answer("Yes")]
    text = stepwise(ann, router, {"max_tokens": 9, "messages": HELLO, "stream": True})
    assert ': queued {"index":0,"place":2,"wait_s":1.5}\n\n' in text
    assert events(text)[-1].type == "message_stop"


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_goes_away_frees_the_engine(ann: httpx.Client, router: FakeRouter, portal: Portal, stream: bool) -> None:
    router.hold()
    with pytest.raises(httpx.ReadTimeout):
        ann.post(MESSAGES, json={"max_tokens": 9, "messages": HELLO, "stream": stream}, timeout=httpx.Timeout(60, read=0.3))
    deadline = time.monotonic() + 60
    while not router.generations and time.monotonic() < deadline:
        time.sleep(0.02)  # On a busy machine the answer begins after the client has gone.
    assert router.generations[0].cancelled.wait(60)


def test_each_message_leaves_a_usage_row(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    ask(ann)
    ask(ann, stream=True)
    assert signed_in("max").get("/api/v1/usage").json()["total"]["answers"] == 2
