"""Requests as public clients send them: known fields take effect, others are ignored and named, and none causes a 500."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

import bootstrap
from core.inference.requests import ChatMessage, Delta, Tool, ToolCall
from samples.fakes import FakeRouter, answer
from tests.unit.api.conftest import Server

COMPLETIONS = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello"}]


def complete(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post(COMPLETIONS, json={"messages": HELLO, **body})


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        ({"repetition_penalty": 1.2}, "repeat_penalty", 1.2),
        ({"repetition_penalty": 1.2, "repeat_penalty": 1.3}, "repeat_penalty", 1.3),
        ({"do_sample": False, "temperature": 0.7}, "temperature", 0),
        ({"do_sample": True}, "temperature", None),
        ({"max_tokens": -1}, "max_tokens", None),
        ({"max_completion_tokens": -1, "max_tokens": 5}, "max_tokens", None),
        ({"max_tokens": 5.0}, "max_tokens", 5),
        ({"n_predict": 7}, "max_tokens", 7),
        ({"stop": ""}, "stop", ()),
        ({"stop": ["", "END"]}, "stop", ("END",)),
        ({"seed": 1.0}, "seed", 1),
        ({"top_k": 40.0}, "top_k", 40),
    ],
)
def test_fields_of_public_clients_are_taken(ann: httpx.Client, router: FakeRouter, body: dict[str, Any], field: str, value: Any) -> None:
    response = complete(ann, **body)
    assert response.status_code == 200, response.text
    assert getattr(router.requests[0].params, field) == value
    assert "x-portal-ignored" not in response.headers


def test_thinking_is_switched_by_the_names_that_others_use(ann: httpx.Client, router: FakeRouter) -> None:
    complete(ann, enable_thinking=False)
    complete(ann, enable_thinking=True)
    assert [asked.thinking for asked in router.requests] == [False, True]


@pytest.mark.parametrize("stream", [False, True])
def test_fields_without_a_meaning_are_ignored_and_named(ann: httpx.Client, stream: bool) -> None:
    response = complete(ann, stream=stream, user_id="u", temprature=1, mirostat=0, audio=None, stream_options={"include_usage": None})
    assert response.status_code == 200
    assert response.headers["x-portal-ignored"] == "mirostat, temprature, user_id"


def test_odd_names_fit_into_a_header(ann: httpx.Client) -> None:
    body = {"messages": HELLO, "a\r\nX-Evil: 1": 1, "名": 2, "x" * 5_000: 3}
    response = ann.post(COMPLETIONS, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert response.status_code == 200
    assert "x-evil" not in response.headers
    assert len(response.headers["x-portal-ignored"]) <= 2_000


def test_conditions_of_a_schema_that_no_grammar_follows_are_named_too(ann: httpx.Client, router: FakeRouter) -> None:
    router.ignored = ("schema.tags.uniqueItems",)
    assert complete(ann, zzz=1).headers["x-portal-ignored"] == "zzz, schema.tags.uniqueItems"


@pytest.mark.parametrize("arguments", ["", None, "   ", "null", {"city": "Bonn"}])
def test_a_call_is_taken_back_whatever_its_arguments(ann: httpx.Client, router: FakeRouter, arguments: Any) -> None:
    call = {"id": None, "type": "function", "function": {"name": "weather", "arguments": arguments}}
    messages = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": None, "content": None},
    ]
    response = complete(ann, messages=messages)
    assert response.status_code == 200, response.text
    (taken,) = router.requests[0].messages[1].tool_calls
    assert json.loads(taken.arguments) == (arguments if isinstance(arguments, dict) else {})
    assert router.requests[0].messages[2] == ChatMessage("tool", "")


def test_a_call_without_arguments_is_one(ann: httpx.Client, router: FakeRouter) -> None:
    complete(ann, messages=[*HELLO, {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "now"}}]}, *HELLO])
    assert router.requests[0].messages[1].tool_calls == (ToolCall("1", "now", "{}"),)


def test_a_refusal_in_the_history_is_what_the_assistant_said(ann: httpx.Client, router: FakeRouter) -> None:
    messages = [
        *HELLO,
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "I will not."}]},
        *HELLO,
        {"role": "assistant", "content": None, "refusal": "Nor this."},
        *HELLO,
    ]
    assert complete(ann, messages=messages).status_code == 200
    assert [message.content for message in router.requests[0].messages if message.role == "assistant"] == ["I will not.", "Nor this."]


def test_a_format_with_a_schema_follows_the_schema(ann: httpx.Client, router: FakeRouter) -> None:
    complete(ann, response_format={"type": "json_object", "schema": {"type": "array"}})
    complete(ann, response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "array"}, "strict": True}})
    complete(ann, response_format={"type": "json_object", "schema": None})
    assert [asked.params.json_schema for asked in router.requests] == ['{"type": "array"}', '{"type": "array"}', '{"type": "object"}']
    assert [asked.params.strict_schema for asked in router.requests] == [False, True, False]


def test_strict_tools_are_strict(ann: httpx.Client, router: FakeRouter) -> None:
    tools = [{"type": "function", "function": {"name": name, "strict": strict}} for name, strict in (("a", True), ("b", None))]
    complete(ann, tools=tools)
    assert [tool.strict for tool in router.requests[0].tools] == [True, False]
    assert isinstance(router.requests[0].tools[0], Tool)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]}, "messages.0.content.0.text"),
        ({"stop": 5}, "stop"),
        ({"stop": [5]}, "stop.0"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"tools": [{"type": "function", "function": {"name": "x", "parameters": 3}}]}, "tools.0.function.parameters"),
        ({"seed": 1.5}, "seed"),
    ],
)
def test_an_error_names_the_field_as_it_was_sent(ann: httpx.Client, body: dict[str, Any], param: str) -> None:
    error = complete(ann, **body).json()["error"]
    assert error["param"] == param
    assert error["message"].startswith(param)


def test_an_answer_says_what_made_it(ann: httpx.Client) -> None:
    whole = complete(ann).json()["system_fingerprint"]
    assert whole.startswith("fp_")
    chunks = [line for line in complete(ann, stream=True).text.split("\n") if line.startswith("data: {")]
    assert {json.loads(chunk[6:])["system_fingerprint"] for chunk in chunks} == {whole}


@pytest.mark.parametrize("path", ["/v1/chat/completions/", "/v1/chat/completions//"])
def test_a_slash_at_the_end_changes_nothing(ann: httpx.Client, path: str) -> None:
    assert ann.post(path, json={"messages": HELLO}).status_code == 200
    assert ann.get("/v1/models/").status_code == 200


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("x-gzip", gzip.compress)])
def test_a_compressed_body_is_read(ann: httpx.Client, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    body = pack(json.dumps({"messages": HELLO}).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    assert ann.post(COMPLETIONS, content=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (gzip.compress(b" " * 40_000_000), "gzip", 413),
        (gzip.compress(gzip.compress(b" " * 10_000_000)), "gzip", 400),
        (b"no gzip", "gzip", 400),
        (gzip.compress(b"{}" * 1000)[:-20], "gzip", 400),
        (b"{}", "br", 415),
    ],
    ids=["a bomb", "a bomb in a bomb", "none", "cut", "unknown"],
)
def test_a_compressed_body_that_is_none_or_too_large_is_refused(ann: httpx.Client, body: bytes, encoding: str, status: int) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    refused = ann.post(COMPLETIONS, content=body, headers=headers)
    assert refused.status_code == status, refused.text
    assert refused.json()["error"]["message"].endswith(".")


def test_line_ends_of_unicode_are_escaped_in_events(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = [Delta("a\u2028b\u2029c\x85d", tokens=1), answer("x")[-1]]
    text = complete(ann, stream=True).text
    assert not set(text) & set("\u2028\u2029\x85")
    assert "a\\u2028b\\u2029c\\u0085d" in text


@pytest.mark.parametrize("path", ["/health", "/healthz", "/readyz"])
def test_health_can_be_asked_for_its_head(client: httpx.Client, path: str) -> None:
    head = client.head(path)
    assert head.status_code == client.get(path).status_code == 200
    assert head.content == b""


PAGE = "https://tools.example"


@pytest.fixture
def shared(ann: httpx.Client, server: Server, portal: bootstrap.Portal) -> None:
    server.portal = replace(portal, settings=replace(portal.settings, cors_origins=f"{PAGE}/, https://other.example"))


def test_a_page_of_a_chosen_origin_may_use_the_api_with_a_key(ann: httpx.Client, shared: None) -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, x-stainless-os"}
    allowed = ann.options(COMPLETIONS, headers=asked)
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == PAGE
    assert "x-stainless-os" in allowed.headers["access-control-allow-headers"]
    answered = ann.post(COMPLETIONS, json={"messages": HELLO}, headers={"Origin": PAGE})
    assert (answered.status_code, answered.headers["access-control-allow-origin"]) == (200, PAGE)
    assert "x-portal-ignored" in answered.headers["access-control-expose-headers"].lower()
    assert "access-control-allow-credentials" not in answered.headers


@pytest.mark.parametrize(("origin", "path"), [("https://evil.example", "/v1/models"), (PAGE, "/api/v1/session"), (PAGE, "/healthz")])
def test_nothing_else_is_shared(ann: httpx.Client, shared: None, origin: str, path: str) -> None:
    assert "access-control-allow-origin" not in ann.get(path, headers={"Origin": origin}).headers


def test_nothing_is_shared_by_default(ann: httpx.Client) -> None:
    assert "access-control-allow-origin" not in ann.get("/v1/models", headers={"Origin": PAGE}).headers


def test_vectors_take_the_fields_of_others_too(ann: httpx.Client) -> None:
    embedded = ann.post("/v1/embeddings", json={"input": "a", "task": "retrieval", "user": "u", "dimensions": 2.0})
    ranked = ann.post("/v1/rerank", json={"query": "q", "documents": ["a", "bb"], "rank_fields": ["x"], "top_n": 1.0})
    named = [(each.status_code, each.headers["x-portal-ignored"]) for each in (embedded, ranked)]
    assert named == [(200, "task, user"), (200, "rank_fields")]
