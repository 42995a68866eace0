"""OpenAI's Responses on a fake model; every event and answer is read by the official client's own types."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from bootstrap.portal import Portal
from core.errors import Busy, ModelFailed
from core.inference.records import FinishReason, Timings, Usage
from core.inference.requests import Alternative, ChatMessage, Delta, Finished, GenerationEvent, TokenLogprob, Tool, ToolCall
from samples.fakes import FakeRouter, answer

RESPONSES = "/v1/responses"
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
FIND = {"type": "function", "name": "find", "description": "Finds.", "parameters": {"type": "object"}, "strict": True}
CALL = ToolCall("call_1", "find", '{"q": "rain"}')


def ask(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post(RESPONSES, json={"model": "fake", "input": "Hello", **body})


def unknown(value: Any) -> dict[str, Any]:
    """Return what the client's types have no field for."""
    if isinstance(value, list):
        return {name: one for each in value for name, one in unknown(each).items()}
    if not isinstance(value, BaseModel):
        return {}
    inner = {name: one for field in type(value).model_fields for name, one in unknown(getattr(value, field)).items()}
    return {**(value.model_extra or {}), **inner}


def whole(response: httpx.Response) -> Response:
    assert response.status_code == 200, response.text
    found = Response.model_validate(response.json(), strict=True)
    assert not unknown(found).keys() - {"store"}, unknown(found)
    return found


def events(text: str) -> list[Any]:
    """Return the events of a stream, each named as its type and numbered."""
    found = []
    for block in text.strip().split("\n\n"):
        lines = [line for line in block.split("\n") if not line.startswith(":")]
        if lines:
            head, data = lines
            event = EVENT.validate_python(json.loads(data.removeprefix("data: ")), strict=True)
            assert not unknown(event).keys() - {"store"}, unknown(event)
            assert head == f"event: {event.type}"
            found.append(event)
    assert [event.sequence_number for event in found] == list(range(len(found)))
    return found


def ended(*deltas: Delta, reason: FinishReason = FinishReason.STOP) -> list[GenerationEvent]:
    return [*deltas, Finished(reason, Usage(5, 9, 2), Timings(0.0, 0.1, 0.2))]


def test_a_response_comes_in_openais_shape(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = answer("The answer", reasoning="Let me think")
    found = whole(ask(ann, instructions="Be brief.", metadata={"a": "b"}, temperature=0.5))
    assert [item.type for item in found.output] == ["reasoning", "message"]
    assert (found.output[0].content[0].text, found.output_text) == ("Let me think", "The answer")  # type: ignore[union-attr,index]
    assert (found.status, found.model, found.instructions, found.metadata) == ("completed", "fake", "Be brief.", {"a": "b"})
    assert found.usage is not None and found.usage.input_tokens_details.cached_tokens == 2
    assert found.usage.output_tokens_details.reasoning_tokens == 1
    assert router.requests[-1].messages == (ChatMessage("system", "Be brief."), ChatMessage("user", "Hello"))


def test_a_stream_has_typed_events_in_order(ann: httpx.Client, router: FakeRouter) -> None:
    call = Delta(tool_calls=(CALL,), tokens=9)
    router.always = ended(Delta(reasoning="Hm", tokens=1), Delta("One ", tokens=2), Delta("two", tokens=3), call)
    found = events(ask(ann, stream=True, tools=[FIND]).text)
    kinds = [event.type.removeprefix("response.") for event in found]
    part = ["output_item.added", "content_part.added"]
    assert kinds == [
        *("created", "in_progress"),
        *(*part, "reasoning_text.delta", "reasoning_text.done", "content_part.done", "output_item.done"),
        *(*part, *["output_text.delta"] * kinds.count("output_text.delta"), "output_text.done", "content_part.done", "output_item.done"),
        *("output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done"),
        "completed",
    ]
    assert sorted({event.output_index for event in found if hasattr(event, "output_index")}) == [0, 1, 2]
    assert "".join(event.delta for event in found if event.type == "response.output_text.delta") == "One two"
    last = found[-1].response
    assert [item.type for item in last.output] == ["reasoning", "message", "function_call"]
    assert [event.item for event in found if event.type == "response.output_item.done"] == last.output
    assert (last.output[2].call_id, last.output[2].arguments) == ("call_1", '{"q": "rain"}')
    assert last.id == found[0].response.id and last.usage.output_tokens == 9


def test_a_call_before_a_text_stays_before_it(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = ended(Delta(tool_calls=(CALL,), tokens=1), Delta("Then this.", tokens=2))
    assert [item.type for item in whole(ask(ann, tools=[FIND])).output] == ["function_call", "message"]


def test_an_answer_that_was_cut_is_incomplete(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = ended(Delta("One", tokens=1), reason=FinishReason.LENGTH)
    found = whole(ask(ann, max_output_tokens=1))
    assert (found.status, found.incomplete_details.reason) == ("incomplete", "max_output_tokens")  # type: ignore[union-attr]
    assert found.output[0].status == "incomplete"  # type: ignore[union-attr]
    assert events(ask(ann, stream=True).text)[-1].type == "response.incomplete"


def test_several_turns_with_functions_reach_the_model(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = ended(Delta(reasoning="I look.", tokens=1), Delta("Let me look.", tokens=2), Delta(tool_calls=(CALL,), tokens=3))
    before = ask(ann, tools=[FIND]).json()["output"]
    turns = [
        {"role": "developer", "content": "Be kind."}, {"role": "user", "content": [{"type": "input_text", "text": "Rain?"}]}, *before,
        {"type": "function_call_output", "call_id": "call_1", "output": "Yes."}, {"type": "message", "role": "user", "content": "And now?"},
    ]  # fmt: skip
    whole(ask(ann, input=turns, tools=[FIND], tool_choice={"type": "function", "name": "find"}))
    asked = router.requests[-1]
    assert asked.messages == (
        ChatMessage("system", "Be kind."),
        ChatMessage("user", "Rain?"),
        ChatMessage("assistant", "Let me look.", "I look.", (CALL,)),
        ChatMessage("tool", "Yes.", tool_call_id="call_1"),
        ChatMessage("user", "And now?"),
    )
    assert asked.tools == (Tool("find", "Finds.", '{"type": "object"}', strict=True),)
    assert (asked.tool_choice, asked.required_tool) == ("required", "find")


def test_the_sampling_and_the_format_reach_the_model(ann: httpx.Client, router: FakeRouter) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    form = {"type": "json_schema", "name": "x", "schema": schema, "strict": True}
    found = whole(ask(ann, temperature=1, top_p=0.5, max_output_tokens=7, text={"format": form}, reasoning={"effort": "none"}))
    params = router.requests[-1].params
    assert (params.temperature, params.top_p, params.max_tokens, params.strict_schema) == (1, 0.5, 7, True)
    assert json.loads(params.json_schema or "") == schema
    assert not router.requests[-1].thinking
    assert found.text is not None and found.text.format.type == "json_schema"  # type: ignore[union-attr]


def test_probabilities_come_with_the_text(ann: httpx.Client, router: FakeRouter) -> None:
    token = TokenLogprob(b"Yes", -0.5, (Alternative(b"Yes", -0.5), Alternative(b"No", float("-inf"))))
    router.always = ended(Delta("Yes", tokens=1, logprobs=(token,)))
    found = whole(ask(ann, include=["message.output_text.logprobs"], top_logprobs=2))
    told = found.output[0].content[0].logprobs[0]  # type: ignore[union-attr,index]
    assert (told.token, told.bytes, told.top_logprobs[1].logprob) == ("Yes", list(b"Yes"), -9999.0)
    assert router.requests[-1].params.logprobs == 2
    streamed = [event for event in events(ask(ann, top_logprobs=2, stream=True).text) if event.type == "response.output_text.delta"]
    assert streamed[0].logprobs[0].top_logprobs[0].token == "Yes"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"), ({"background": True, "store": False}, "background"),
        ({"background": True, "stream": True}, "stream"),
        ({"conversation": "x"}, "conversation"), ({"input": []}, "input"), ({"input": None}, "input"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input.0"), ({"input": [{"content": "x"}]}, "input.0.role"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input.0.content.0.image_url"),
        ({"input": [{"type": "function_call_output", "call_id": "x", "output": "y"}]}, "input.0.call_id"),
        ({"input": [{"type": "function_call", "call_id": "x", "name": "f", "arguments": ""}] * 2}, "input.1.call_id"),
        ({"tools": [{"type": "web_search"}]}, "tools.0"), ({"tool_choice": "required"}, "tool_choice"),
        ({"truncation": "auto"}, "truncation"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_and_named(ann: httpx.Client, router: FakeRouter, body: dict[str, Any], param: str) -> None:
    response = ask(ann, **body)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param), response.text
    assert router.requests == []


def test_a_failure_in_the_middle_is_reported_twice_and_a_status_without_a_stream(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = [Delta("One", tokens=1), ModelFailed("The model failed.")]
    found = events(ask(ann, stream=True).text)
    assert [event.type for event in found[-2:]] == ["error", "response.failed"]
    assert found[-1].response.error.code == "server_error" and found[-2].message == "The model failed."
    assert ask(ann).status_code == 502
    router.refuse.append(Busy("Busy.", retry_after=3))
    assert ask(ann, stream=True).status_code == 429


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_goes_away_frees_the_engine(ann: httpx.Client, router: FakeRouter, portal: Portal, stream: bool) -> None:
    router.hold()
    with pytest.raises(httpx.ReadTimeout):
        ann.post(RESPONSES, json={"input": "Hi", "stream": stream}, timeout=httpx.Timeout(60, read=0.3))
    deadline = time.monotonic() + 60
    while not router.generations and time.monotonic() < deadline:
        time.sleep(0.02)  # On a busy machine the answer begins after the client has gone.
    assert router.generations[0].cancelled.wait(60)


def test_each_response_leaves_a_usage_row(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    ask(ann)
    ask(ann, stream=True)
    assert signed_in("max").get("/api/v1/usage").json()["total"]["answers"] == 2


def test_a_json_object_with_a_schema_follows_the_schema(ann: httpx.Client, router: FakeRouter) -> None:
    ask(ann, text={"format": {"type": "json_object", "schema": {"type": "object", "required": ["a"]}}})
    assert json.loads(router.requests[-1].params.json_schema or "") == {"type": "object", "required": ["a"]}
