from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

import bootstrap
from core.entities import FinishReason
from core.errors import Busy, ModelFailed, PromptTooLong, Unavailable
from core.generation import ChatMessage, Delta
from tests.fakes import MODEL, FakeRouter, answer

COMPLETIONS = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello"}]


def complete(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post(COMPLETIONS, json={"messages": HELLO, **body})


def chunks(text: str) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in text.split("\n") if line.startswith("data: {")]


def test_the_models_are_listed_in_openais_shape(ann: httpx.Client) -> None:
    assert ann.get("/v1/models").json() == {
        "object": "list",
        "data": [{"id": "fake", "object": "model", "created": 0, "owned_by": "portal", "context_window": 4096}],
    }
    assert ann.get("/v1/models/fake").json()["id"] == "fake"
    missing = ann.get("/v1/models/owner/none")
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "model_not_found"


def test_an_answer_comes_in_openais_shape(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = answer("The answer", reasoning="Let me think")
    body = complete(ann, model="fake").json()
    assert body["object"] == "chat.completion"
    assert body["id"].startswith("chatcmpl-")
    assert abs(body["created"] - time.time()) < 60
    assert body["model"] == "fake"
    choice = body["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": "The answer", "reasoning_content": "Let me think"}
    assert choice["finish_reason"] == "stop"
    assert body["usage"] == {
        "prompt_tokens": 5,
        "completion_tokens": 3,
        "total_tokens": 8,
        "prompt_tokens_details": {"cached_tokens": 2},
    }


def test_a_stream_gives_chunks_usage_and_done(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = answer("one two", reasoning="hm")
    text = complete(ann, stream=True, stream_options={"include_usage": True}).text
    assert text.endswith("data: [DONE]\n\n")
    found = chunks(text)
    assert len({chunk["id"] for chunk in found}) == 1
    assert {chunk["object"] for chunk in found} == {"chat.completion.chunk"}
    assert found[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in found[:-1]) == "one two"
    assert "".join(c["choices"][0]["delta"].get("reasoning_content", "") for c in found[:-1]) == "hm"
    assert found[-2]["choices"][0]["finish_reason"] == "stop"
    assert found[-1]["choices"] == []
    assert found[-1]["usage"]["total_tokens"] == 8
    assert all(chunk["usage"] is None for chunk in found[:-1])


def test_a_stream_without_asking_has_no_usage(ann: httpx.Client) -> None:
    assert all("usage" not in chunk for chunk in chunks(complete(ann, stream=True).text))


def test_tokens_come_as_they_are_made(ann: httpx.Client, router: FakeRouter) -> None:
    router.hold()
    with ann.stream("POST", COMPLETIONS, json={"messages": HELLO, "stream": True}) as response:
        blocks = response.iter_text()
        next(blocks)
        for word in ("Hello ", "from "):
            router.release(1)
            assert chunks(next(blocks))[0]["choices"][0]["delta"] == {"content": word}
        router.release()
        assert list(blocks)[-1].endswith("[DONE]\n\n")


def test_the_sampling_reaches_the_model(ann: httpx.Client, router: FakeRouter) -> None:
    complete(
        ann, temperature=0, top_p=0.5, max_tokens=3, max_completion_tokens=7, stop="END", seed=-1, top_k=4, min_p=0.1, repeat_penalty=1.1
    )
    params = router.requests[0].params
    assert (params.temperature, params.top_p, params.max_tokens, params.stop) == (0, 0.5, 7, ("END",))
    assert (params.seed, params.top_k, params.min_p, params.repeat_penalty) == (2**32 - 1, 4, 0.1, 1.1)
    complete(ann, stop=["a", "b"], max_tokens=3)
    assert router.requests[1].params.stop == ("a", "b")
    assert router.requests[1].params.max_tokens == 3


def test_messages_reach_the_model(ann: httpx.Client, router: FakeRouter) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "you"}], "name": "ann"},
        {"role": "assistant", "content": "Yes?", "reasoning_content": "A greeting.", "refusal": None},
        {"role": "user", "content": "你好"},
    ]
    assert complete(ann, messages=messages).status_code == 200
    assert router.requests[0].messages == (
        ChatMessage("system", "Be brief."),
        ChatMessage("system", "Be kind."),
        ChatMessage("user", "Hi\nyou"),
        ChatMessage("assistant", "Yes?", "A greeting."),
        ChatMessage("user", "你好"),
    )


@pytest.mark.parametrize(
    ("body", "thinks"),
    [
        ({}, True),
        ({"reasoning_effort": "high"}, True),
        ({"reasoning_effort": "none"}, False),
        ({"thinking": {"type": "disabled"}}, False),
        ({"chat_template_kwargs": {"enable_thinking": False}}, False),
    ],
)
def test_thinking_can_be_switched_off(ann: httpx.Client, router: FakeRouter, body: dict[str, Any], thinks: bool) -> None:
    complete(ann, **body)
    assert router.requests[0].thinking is thinks


def test_fields_that_change_nothing_are_ignored(ann: httpx.Client) -> None:
    harmless = {
        "user": "u1", "metadata": {"a": "b"}, "store": True, "n": 1, "logprobs": False, "tools": [], "tool_choice": "none",
        "response_format": {"type": "text"}, "frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {}, "service_tier": "auto",
        "parallel_tool_calls": True, "top_logprobs": None, "audio": None,
    }  # fmt: skip
    assert complete(ann, **harmless).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tools", [{"type": "function", "function": {"name": "f"}}]),
        ("response_format", {"type": "json_object"}),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("n", 2),
        ("n", 0),
        ("frequency_penalty", 0.5),
        ("logit_bias", {"1": 5}),
        ("modalities", ["text", "audio"]),
        ("functions", [{"name": "f"}]),
        ("tool_choice", "required"),
    ],
)
def test_what_is_not_offered_is_refused_and_named(ann: httpx.Client, router: FakeRouter, field: str, value: object) -> None:
    refused = complete(ann, **{field: value})
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert error["param"] == field
    assert error["type"] == "invalid_request_error"
    assert "offered" in error["message"]
    assert router.requests == []


def test_an_unknown_field_is_refused_and_named(ann: httpx.Client) -> None:
    error = complete(ann, temprature=1).json()["error"]
    assert error["param"] == "temprature"
    assert error["message"] == "temprature is not a field of this request. Leave it out."


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([], "messages"),
        ("Hello", "messages"),
        ([{"role": "king", "content": "x"}], "messages.0.role"),
        ([{"role": "user"}], "messages.0.content"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}], "messages.0.content"),
        ([{"role": "tool", "content": "42", "tool_call_id": "1"}], "messages.0"),
        ([{"role": "assistant", "content": None, "tool_calls": [{}]}], "messages.0"),
        ([{"role": "user", "content": 5}], "messages.0.content.str"),
    ],
)
def test_messages_that_cannot_be_answered_are_refused_and_named(ann: httpx.Client, messages: object, param: str) -> None:
    refused = complete(ann, messages=messages)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == param


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (PromptTooLong(9000, 4096), 400, "context_length_exceeded"),
        (Unavailable("No model is loaded."), 503, "unavailable"),
        (Busy("All places are taken.", retry_after=2.2), 429, "rate_limit_exceeded"),
        (ModelFailed("It broke."), 502, "model_failed"),
    ],
)
def test_what_the_model_refuses_has_a_status(ann: httpx.Client, router: FakeRouter, error: Exception, status: int, code: str) -> None:
    router.refuse.append(error)  # type: ignore[arg-type]
    refused = complete(ann)
    assert refused.status_code == status
    assert refused.json()["error"]["code"] == code
    assert refused.json()["error"]["message"] == str(error)
    assert refused.headers.get("Retry-After") == ("3" if status == 429 else None)


def test_an_unknown_model_is_not_found(ann: httpx.Client) -> None:
    refused = complete(ann, model="gpt-9")
    assert refused.status_code == 404
    assert refused.json()["error"]["code"] == "model_not_found"


def test_a_failure_in_the_middle_is_an_error_in_the_stream_and_a_status_without(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = [Delta("Half", tokens=1), ModelFailed("The model stopped.")]
    assert complete(ann).status_code == 502
    text = complete(ann, stream=True).text
    assert chunks(text)[-1]["error"]["message"] == "The model stopped."
    assert "[DONE]" not in text


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_frees_the_engine(ann: httpx.Client, router: FakeRouter, portal: bootstrap.Portal, stream: bool) -> None:
    router.hold()
    with pytest.raises(httpx.ReadTimeout):
        ann.post(COMPLETIONS, json={"messages": HELLO, "stream": stream}, timeout=0.3)
    assert router.generations[0].cancelled.wait(2)


def test_each_completion_leaves_a_usage_row_and_no_chat(
    ann: httpx.Client, signed_in: Callable[[str], httpx.Client], router: FakeRouter
) -> None:
    complete(ann)
    complete(ann, stream=True)
    total = signed_in("max").get("/api/v1/usage").json()["total"]
    assert (total["answers"], total["people"], total["chats"]) == (2, 1, 0)
    assert ann.get("/api/v1/conversations").json()["items"] == []


def test_an_answer_cut_at_max_tokens_says_length(ann: httpx.Client, router: FakeRouter) -> None:
    events = answer("one")
    events[-1] = type(events[-1])(FinishReason.LENGTH, events[-1].usage, events[-1].timings)  # type: ignore[union-attr]
    router.always = events
    assert complete(ann).json()["choices"][0]["finish_reason"] == "length"


def test_only_what_can_be_asked_is_listed(ann: httpx.Client, router: FakeRouter) -> None:
    assert MODEL.name in ann.get("/v1/models").text
    router.available.clear()
    assert ann.get("/v1/models").json()["data"] == []
