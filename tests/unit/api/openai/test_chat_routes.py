from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.answering.timings import TimingsOut
from bootstrap.portal import Portal
from core.errors import Busy, ModelFailed, NotFound, PromptTooLong, Unavailable
from core.inference.records import FinishReason
from core.inference.requests import Alternative, ChatMessage, Delta, Finished, Queued, TokenLogprob, Tool, ToolCall, ToolChoice
from samples.fakes import MODEL, FakeRouter, answer

COMPLETIONS = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello"}]


def complete(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post(COMPLETIONS, json={"messages": HELLO, **body})


def chunks(text: str) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in text.split("\n") if line.startswith("data: {")]


def test_the_models_are_listed_in_openais_shape(ann: httpx.Client) -> None:
    assert ann.get("/v1/models").json() == {
        "object": "list",
        "data": [
            {
                "id": "fake", "object": "model", "created": 0, "owned_by": "portal", "context_window": 4096, "kind": "chat", "parent": None,
                "capabilities": ["thinking", "tools"],
            }
        ],
    }
    assert ann.get("/v1/models/fake").json()["id"] == "fake"
    missing = ann.get("/v1/models/owner/none")
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "model_not_found"


def end_of(events: Sequence[object] | None) -> Finished:
    assert events is not None and isinstance(events[-1], Finished)
    return events[-1]


def test_the_adapters_of_a_model_are_listed_and_asked_as_models(ann: httpx.Client, router: FakeRouter) -> None:
    router.available = [replace(MODEL, adapters=("legal", "sql"))]
    listed = ann.get("/v1/models").json()["data"]
    assert [(each["id"], each["parent"]) for each in listed] == [("fake", None), ("fake:legal", "fake"), ("fake:sql", "fake")]
    assert ann.get("/v1/models/fake:sql").json()["parent"] == "fake"
    assert complete(ann, model="fake:sql").status_code == 200
    assert complete(ann, model="fake", adapter="legal").status_code == 200
    assert [(asked.model, asked.adapter) for asked in router.requests] == [("fake:sql", None), ("fake", "legal")]


def test_an_adapter_that_is_not_there_is_404_in_words(ann: httpx.Client, router: FakeRouter) -> None:
    router.refuse.append(NotFound("The model {model} has no adapter {adapter}.", model="fake", adapter="x"))
    refused = complete(ann, model="fake:x")
    assert refused.status_code == 404 and "has no adapter x" in refused.json()["error"]["message"]


def test_an_answer_comes_in_openais_shape(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = answer("The answer", reasoning="Let me think")
    body = complete(ann, model="fake").json()
    assert body["object"] == "chat.completion"
    assert body["id"].startswith("chatcmpl-")
    assert abs(body["created"] - time.time()) < 60
    assert body["model"] == "fake"
    choice = body["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": "The answer", "reasoning_content": "Let me think", "tool_calls": None}
    assert choice["finish_reason"] == "stop"
    assert choice["timings"] == TimingsOut.of(end_of(router.always).timings).model_dump()
    assert choice["timings"]["ttft_s"] == 0.1
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
    assert found[0]["choices"][0]["delta"] == {"role": "assistant", "content": None}
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in found[:-1]) == "one two"
    assert "".join(c["choices"][0]["delta"].get("reasoning_content", "") for c in found[:-1]) == "hm"
    assert found[-2]["choices"][0]["finish_reason"] == "stop"
    assert found[-2]["choices"][0]["timings"] == TimingsOut.of(end_of(router.always).timings).model_dump()
    assert not any("timings" in choice for chunk in found[:-2] for choice in chunk["choices"])
    assert found[-1]["choices"] == []
    assert found[-1]["usage"]["total_tokens"] == 8
    assert all(chunk["usage"] is None for chunk in found[:-1])


def test_a_stream_without_asking_has_no_usage(ann: httpx.Client) -> None:
    assert all("usage" not in chunk for chunk in chunks(complete(ann, stream=True).text))


def test_a_stream_that_waits_tells_its_position_in_comments(ann: httpx.Client, router: FakeRouter) -> None:
    router.hold()
    router.always = [Queued(2, 1.5), Queued(1, None), Queued(0, None), *answer("one two")]
    with ann.stream("POST", COMPLETIONS, json={"messages": HELLO, "stream": True}) as response:
        blocks = response.iter_text()
        next(blocks)
        for said in ('{"index":0,"place":2,"wait_s":1.5}', '{"index":0,"place":1,"wait_s":null}'):
            router.release(1)
            assert next(blocks) == f": queued {said}\n\n"
        router.release()
        assert "queued" not in "".join(blocks)
    assert complete(ann).json()["choices"][0]["message"]["content"] == "one two"


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
        ("modalities", ["text", "audio"]),
        ("functions", [{"name": "f"}]),
        ("web_search_options", {}),
    ],
)
def test_what_is_not_offered_is_refused_and_named(ann: httpx.Client, router: FakeRouter, field: str, value: object) -> None:
    refused = complete(ann, **{field: value})
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert error["param"] == field
    assert error["type"] == "invalid_request_error"
    assert "not supported" in error["message"]
    assert router.requests == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"n": 0}, "n"),
        ({"n": 9}, "n"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"frequency_penalty": 2.5}, "frequency_penalty"),
        ({"presence_penalty": -3}, "presence_penalty"),
        ({"typical_p": 2}, "typical_p"),
        ({"logit_bias": {"word": 1}}, "logit_bias"),
        ({"logit_bias": {"1": 200}}, "logit_bias"),
        ({"thinking_budget": -1}, "thinking_budget"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools.0.function.name"),
        ({"tools": [{"type": "retrieval"}]}, "tools.0.type"),
    ],
)
def test_what_is_out_of_range_is_refused_and_named(ann: httpx.Client, router: FakeRouter, body: dict[str, Any], param: str) -> None:
    refused = complete(ann, **body)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == param
    assert router.requests == []


def test_work_that_nobody_waits_for_is_marked(ann: httpx.Client, router: FakeRouter) -> None:
    for tier in (None, "auto", "flex"):
        complete(ann, service_tier=tier)
    assert [asked.batch for asked in router.requests] == [False, False, True]


def test_penalties_biases_and_formats_reach_the_model(ann: httpx.Client, router: FakeRouter) -> None:
    complete(
        ann, presence_penalty=0.5, frequency_penalty=-1, typical_p=0.9, logit_bias={"7": -100, "8": 2.5}, logprobs=True, top_logprobs=2,
        stop_token_ids=[5], thinking={"type": "enabled", "budget_tokens": 9}, response_format={"type": "json_object"},
        repetition_guard=False,
    )  # fmt: skip
    asked = router.requests[0]
    assert (asked.params.presence_penalty, asked.params.frequency_penalty, asked.params.typical_p) == (0.5, -1, 0.9)
    assert asked.params.logit_bias == ((7, -100), (8, 2.5))
    assert (asked.params.logprobs, asked.params.stop_tokens, asked.params.thinking_budget) == (2, (5,), 9)
    assert asked.params.json_schema == '{"type": "object"}'
    assert not asked.guard
    complete(ann, response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"const": "é"}}}, thinking_budget=3)
    assert router.requests[1].params.json_schema == '{"const": "é"}'
    assert (router.requests[1].params.thinking_budget, router.requests[1].guard) == (3, True)
    complete(ann, grammar="root ::= [a-z]+")
    assert router.requests[2].params.grammar == "root ::= [a-z]+"


WEATHER = {"type": "function", "function": {"name": "weather", "description": "Of a city", "parameters": {"type": "object"}}}


def test_tools_and_their_answers_reach_the_model(ann: httpx.Client, router: FakeRouter) -> None:
    messages = [
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Bonn"}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "Rain"},
    ]
    named = {"type": "function", "function": {"name": "weather"}}
    assert complete(ann, messages=messages, tools=[WEATHER], tool_choice=named).status_code == 200
    asked = router.requests[0]
    assert asked.tools == (Tool("weather", "Of a city", '{"type": "object"}'),)
    assert (asked.tool_choice, asked.required_tool) == (ToolChoice.REQUIRED, "weather")
    assert asked.messages[1].tool_calls == (ToolCall("c1", "weather", '{"city": "Bonn"}'),)
    assert asked.messages[2] == ChatMessage("tool", "Rain", tool_call_id="c1")


def test_a_tool_may_be_called_like_a_choice(ann: httpx.Client, router: FakeRouter) -> None:
    auto = {"type": "function", "function": {"name": "auto"}}
    assert complete(ann, tools=[auto], tool_choice=auto).status_code == 200
    assert (router.requests[0].tool_choice, router.requests[0].required_tool) == (ToolChoice.REQUIRED, "auto")


def test_calls_of_tools_come_in_openais_shape(ann: httpx.Client, router: FakeRouter) -> None:
    call = ToolCall("c1", "weather", '{"city": "Bonn"}')
    end = answer("x")[-1]
    router.always = [Delta(tokens=5, tool_calls=(call,)), Delta(tokens=6, tool_calls=(ToolCall("c2", "weather", "{}"),)), end]
    choice = complete(ann, tools=[WEATHER]).json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    first, second = choice["message"]["tool_calls"]
    assert first == {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Bonn"}'}}
    found = chunks(complete(ann, tools=[WEATHER], stream=True).text)
    streamed = [one for chunk in found for one in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert streamed == [{"index": 0, **first}, {"index": 1, **second}]
    assert found[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_probabilities_come_in_openais_shape(ann: httpx.Client, router: FakeRouter) -> None:
    told = TokenLogprob("é".encode()[:1], -0.5, (Alternative(b"a", -0.25), Alternative(b"b", float("-inf"))))
    router.always = [Delta("é", tokens=1, logprobs=(told,)), answer("x")[-1]]
    expected = {
        "token": "\ufffd",
        "logprob": -0.5,
        "bytes": [195],
        "top_logprobs": [{"token": "a", "logprob": -0.25, "bytes": [97]}, {"token": "b", "logprob": -9999.0, "bytes": [98]}],
    }
    assert complete(ann, logprobs=True).json()["choices"][0]["logprobs"]["content"] == [expected]
    assert chunks(complete(ann, logprobs=True, stream=True).text)[1]["choices"][0]["logprobs"]["content"] == [expected]


def test_several_answers_have_a_seed_each_and_count_the_prompt_once(ann: httpx.Client, router: FakeRouter) -> None:
    for text in ("one", "two", "three"):
        router.next_answers.put(answer(text))
    body = complete(ann, n=3, seed=2**32 - 1).json()
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    assert {choice["message"]["content"] for choice in body["choices"]} == {"one", "two", "three"}
    assert sorted(request.params.seed or 0 for request in router.requests) == [0, 1, 2**32 - 1]
    assert (body["usage"]["prompt_tokens"], body["usage"]["completion_tokens"]) == (5, 3)


def test_several_answers_stream_side_by_side(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = answer("one two")
    text = complete(ann, n=2, stream=True, stream_options={"include_usage": True}).text
    found = chunks(text)
    for number in (0, 1):
        mine = [choice for chunk in found for choice in chunk["choices"] if choice["index"] == number]
        assert mine[0]["delta"]["role"] == "assistant"
        assert "".join(choice["delta"].get("content") or "" for choice in mine) == "one two"
        assert mine[-1]["finish_reason"] == "stop"
    assert found[-1]["usage"]["completion_tokens"] == 4
    assert text.endswith("[DONE]\n\n")


def test_the_other_answers_wait_until_the_prompt_is_read(ann: httpx.Client, router: FakeRouter) -> None:
    router.hold()
    with ann.stream("POST", COMPLETIONS, json={"messages": HELLO, "stream": True, "n": 3}) as response:
        blocks = response.iter_text()
        next(blocks)
        time.sleep(0.1)
        assert len(router.requests) == 1
        router.release()
        assert list(blocks)[-1].endswith("[DONE]\n\n")
    assert len(router.requests) == 3


def test_if_one_of_several_answers_fails_the_request_fails_and_the_others_end(ann: httpx.Client, router: FakeRouter) -> None:
    router.next_answers.put([ModelFailed("It broke.")])
    assert complete(ann, n=3).status_code == 502
    assert len(router.requests) == 1


def test_what_is_wrong_with_an_answer_is_noted(ann: httpx.Client, router: FakeRouter, portal: Portal) -> None:
    events = answer("one")
    assert isinstance(events[-1], Finished)
    router.always = [*events[:-1], replace(events[-1], note="It repeated itself.")]
    assert complete(ann).json()["choices"][0]["note"] == "It repeated itself."
    assert chunks(complete(ann, stream=True).text)[-1]["choices"][0]["note"] == "It repeated itself."
    chat = ann.post("/api/v1/conversations", json={}).json()["id"]
    turn = ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": "Hi"}).json()
    assert turn["status"] == "done"
    assert turn["answer"]["error"] is None
    assert turn["answer"]["generation"]["error"] == "It repeated itself."


def test_an_unknown_field_is_ignored_and_named(ann: httpx.Client) -> None:
    response = complete(ann, temprature=1)
    assert (response.status_code, response.headers["x-portal-ignored"]) == (200, "temprature")


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([], "messages"),
        ("Hello", "messages"),
        ([{"role": "king", "content": "x"}], "messages.0.role"),
        ([{"role": "user"}], "messages.0.content"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}], "messages.0.content.0.image_url"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,?"}}]}],
         "messages.0.content.0.image_url"),
        ([{"role": "user", "content": [{"type": "input_audio"}]}], "messages.0.content"),
        ([{"role": "assistant", "content": [{"type": "image_url", "image_url": "data:image/png;base64,AAAA"}]}], "messages.0.content"),
        ([{"role": "function", "content": "42", "name": "f"}], "messages.0.role"),
        ([{"role": "assistant", "content": None, "tool_calls": [{}]}], "messages.0.tool_calls.0.function"),
        ([{"role": "user", "content": "x", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}], "messages.0.tool_calls"),
        ([{"role": "user", "content": 5}], "messages.0.content"),
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
def test_a_client_that_goes_away_frees_the_engine(ann: httpx.Client, router: FakeRouter, portal: Portal, stream: bool) -> None:
    router.hold()
    with pytest.raises(httpx.ReadTimeout):
        ann.post(COMPLETIONS, json={"messages": HELLO, "stream": stream}, timeout=httpx.Timeout(60, read=0.3))
    deadline = time.monotonic() + 60
    while not router.generations and time.monotonic() < deadline:
        time.sleep(0.02)  # On a busy machine the answer begins after the client has gone.
    assert router.generations[0].cancelled.wait(60)


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
