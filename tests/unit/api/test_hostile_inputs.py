"""Every hostile request gets a refusal in JSON with one sentence: never a 500, never a hang."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from samples.fakes import FakePool, FakeRouter
from tests.unit.api.conftest import Server, client_of, open_portal
from tests.unit.api.portal.chat.test_conversations import new


@pytest.fixture(scope="module")
def address(server: Server, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield one portal for all of these: each leaves it as healthy as it was."""
    portal = open_portal(empty_home, tmp_path_factory.mktemp("hostile") / "home", FakeRouter(), FakePool())
    server.portal = portal
    yield server.address
    portal.close()


@pytest.fixture(scope="module")
def ann(address: str) -> Iterator[httpx.Client]:
    client = client_of(address, "ann")
    yield client
    client.close()


@pytest.fixture(scope="module")
def ada(address: str) -> Iterator[httpx.Client]:
    client = client_of(address, "ada")
    yield client
    client.close()


PATHS = [
    *("/api/v1/session", "/api/v1/conversations", "/v1/chat/completions", "/v1/embeddings", "/v1/rerank"),
    *("/v1/messages", "/v1/messages/count_tokens", "/v1/completions", "/v1/responses", "/v1/tokenize", "/v1/detokenize"),
]


def send(client: httpx.Client, path: str, body: bytes, kind: str = "application/json") -> httpx.Response:
    return client.post(path, content=body, headers={"Content-Type": kind})


def refused(response: httpx.Response, *statuses: int) -> str:
    assert response.status_code in statuses, response.text[:300]
    assert response.headers["content-type"] == "application/json"
    message = response.json()["error"]["message"]
    assert message.endswith(".")
    assert len(message) < 500
    return message


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [
        b"{", b"nonsense", b'{"a":}', b"\xff\xfe\x00", b'{"username": "\xe9"}', b"[]", b"1", b'"text"', b"[1, 2",
        b"[" * 100_000, b'{"a":' * 20_000, b'{"username": ' + b"9" * 5_000 + b"}",
        b'{"text": "a" "b"}', b"\x00", b"\xef\xbb\xbf{}x",
    ],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_bodies_that_are_not_a_json_object(ann: httpx.Client, path: str, body: bytes) -> None:
    refused(send(ann, path, body), 400, 422)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])
def test_only_json_is_taken_since_a_form_can_be_sent_by_another_site(ann: httpx.Client, path: str, kind: str) -> None:
    body = b'{"username": "ann", "password": "correct horse", "messages": [{"role": "user", "content": "x"}], "title": "t"}'
    refused(send(ann, path, body, kind), 400, 422)


def test_a_body_over_one_mebibyte(ann: httpx.Client) -> None:
    refused(send(ann, "/v1/embeddings", json.dumps({"input": "x" * 1_100_000}).encode()), 413)
    assert ann.get("/healthz").status_code == 200


def test_a_body_over_one_mebibyte_that_hides_its_length(ann: httpx.Client) -> None:
    parts = (b" " * 65_536 for _ in range(32))
    refused(ann.post("/api/v1/conversations", content=parts, headers={"Content-Type": "application/json"}), 413)


def test_a_body_just_under_one_mebibyte_is_read(ann: httpx.Client) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "x" * 1_000_000}]}).encode()
    assert send(ann, "/v1/chat/completions", body).status_code == 200


ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 1e308, 10**30, -(10**30), 10**310, -(10**310), 1e-320, float("nan"), float("inf"),
    "", "text", "\0", "\ud800", "a\x1bb", "x" * 5000,
    [], [None], [[]], {}, {"a": 1}, ["\ud800"], {"\ud800": "\ud800"},
]  # fmt: skip


def _odd_json(**body: Any) -> bytes:
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    "field",
    ["text", "request_id", "stream", "model", "thinking", "temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens", "stop",
     "seed", "typical_p", "presence_penalty", "frequency_penalty", "thinking_budget", "unknown", "\ud800"],
)  # fmt: skip
def test_odd_values_in_a_question(ann: httpx.Client, field: str) -> None:
    conversation = new(ann)
    for value in ODD:
        response = send(ann, f"/api/v1/conversations/{conversation}/messages", _odd_json(**{"text": "Hi", field: value}))
        assert response.status_code < 500, (field, value, response.text)
        if response.status_code != 200:
            refused(response, 404, 409, 422)


@pytest.mark.parametrize(
    "field",
    ["messages", "model", "stream", "stream_options", "temperature", "max_tokens", "max_completion_tokens", "stop", "seed", "n", "tools",
     "tool_choice", "logit_bias", "logprobs", "top_logprobs", "presence_penalty", "frequency_penalty", "typical_p", "stop_token_ids",
     "grammar", "thinking_budget", "repetition_guard", "metadata", "thinking", "reasoning_effort", "chat_template_kwargs",
     "response_format", "repetition_penalty", "n_predict", "min_p", "top_p", "top_k", "do_sample", "\ud800"],
)  # fmt: skip
def test_odd_values_in_a_completion(ann: httpx.Client, field: str) -> None:
    for value in ODD:
        response = send(ann, "/v1/chat/completions", _odd_json(**{"messages": [{"role": "user", "content": "Hi"}], field: value}))
        assert response.status_code < 500, (field, value, response.text)
        if response.status_code != 200:
            refused(response, 400, 404)


@pytest.mark.parametrize("depth", [100, 900, 5_000, 100_000])
def test_deep_schemas_do_not_exhaust_the_stack(ann: httpx.Client, depth: int) -> None:
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    tools = b'"tools":[{"type":"function","function":{"name":"f","parameters":%s}}]'
    form = b'"response_format":{"type":"json_schema","json_schema":{"schema":%s}}'
    for field in (tools, form):
        body = b'{"messages":[{"role":"user","content":"Hi"}],' + field % deep + b"}"
        answer = send(ann, "/v1/chat/completions", body, "application/json")
        assert answer.status_code in (200, 400)


@pytest.mark.parametrize("field", ["role", "content", "name", "reasoning_content", "tool_calls", "tool_call_id"])
def test_odd_values_in_a_message(ann: httpx.Client, field: str) -> None:
    for value in ODD:
        body = _odd_json(messages=[{"role": "user", "content": "Hi", field: value}])
        response = send(ann, "/v1/chat/completions", body)
        assert response.status_code in (200, 400), (field, value, response.text)


@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("POST", "/api/v1/session", ["username", "password", "other"]),
        ("POST", "/api/v1/session/ticket", ["ticket"]),
        ("POST", "/api/v1/conversations", ["title", "folder_id"]),
        ("PATCH", f"/api/v1/conversations/{'0' * 32}", ["title", "folder_id"]),
        ("POST", "/api/v1/folders", ["name", "other"]),
        ("PATCH", f"/api/v1/folders/{'0' * 32}", ["name"]),
        ("POST", "/api/v1/people", ["name", "role", "password", "full_name", "group"]),
        ("PATCH", "/api/v1/people/bob", ["full_name", "group", "password"]),
        ("POST", "/api/v1/models/load", ["path", "slots", "gpu_layers", "kv_type", "threads", "streams", "gpu_shares", "default"]),
        ("PUT", f"/api/v1/messages/{'0' * 32}/feedback", ["rating", "comment"]),
        ("PUT", "/api/v1/retention/rules", ["kind", "group", "days"]),
        ("PUT", "/api/v1/retention/holds/bob", ["reason"]),
        ("POST", "/api/v1/store/backups", ["passphrase"]),
        ("POST", "/api/v1/index/parked/retry", ["number"]),
        ("POST", "/v1/messages/count_tokens", ["messages", "model", "system", "tools", "tool_choice", "thinking", "output_config"]),
        ("POST", "/v1/embeddings", ["input", "model", "dimensions", "encoding_format", "truncate"]),
        ("POST", "/v1/rerank", ["query", "documents", "model", "top_n", "return_documents"]),
        ("PATCH", f"/api/v1/feedback/{'0' * 32}", ["state", "note"]),
    ],
)  # fmt: skip
def test_odd_values_anywhere_else(ada: httpx.Client, method: str, path: str, fields: list[str]) -> None:
    usual = {"username": "x", "password": "long enough", "name": "carl", "role": "analyst", "path": "x.gguf", "rating": 1}
    for field in fields:
        for value in ODD:
            body = {key: usual[key] for key in fields if key in usual} | {field: value}
            response = ada.request(method, path, content=_odd_json(**body), headers={"Content-Type": "application/json"})
            assert response.status_code < 500, (field, value, response.text)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/conversations/%00", "/api/v1/conversations/..%2f..%2fetc", "/api/v1/conversations/%ff%fe",
        "/api/v1/conversations/" + "a" * 5000, "/api/v1/conversations/' OR 1=1 --", "/api/v1/conversations/" + "A" * 32,
        "/api/v1/feedback/%00", "/api/v1/conversations/", "/api/v1/folders/", "/api/v1/",
        "/api", "/v1/audio/speech", "/api/v2/session", "/api/v1/docs", "/docs", "/v1/models/%00",
    ],
)  # fmt: skip
def test_paths_that_name_nothing(ada: httpx.Client, path: str) -> None:
    response = ada.get(path)
    assert response.status_code == 404
    refused(response, 404)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_methods_that_a_path_does_not_know(ann: httpx.Client, method: str) -> None:
    response = ann.request(method, "/v1/models")
    refused(response, 405)
    assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/v1/conversations", "limit=0"),
        ("/api/v1/conversations", "limit=501"),
        ("/api/v1/conversations", "limit=x"),
        ("/api/v1/conversations", "before=yesterday"),
        ("/api/v1/conversations", "before=0001-01-01T00:00:00%2B14:00"),
        ("/api/v1/conversations", "q=%00"),
        ("/api/v1/conversations", "folder="),
        ("/api/v1/conversations", "folder=%00"),
        ("/api/v1/conversations", "folder=' OR 1=1 --"),
        ("/api/v1/conversations", "folder=none&q=bond"),
        ("/api/v1/conversations", "q=" + "x" * 501),
        ("/api/v1/feedback", "rating=2"),
        ("/api/v1/feedback", "state=odd"),
        ("/api/v1/feedback", "model=%00"),
        ("/api/v1/feedback", "offset=-1"),
        ("/api/v1/feedback.csv", "since=9999-12-31T23:59:59-14:00"),
        ("/api/v1/usage", "first=0001-01-01"),
        ("/api/v1/usage", "last=9999-12-31"),
        ("/api/v1/usage", "first=2026-02-02&last=2026-02-01"),
        ("/api/v1/usage", "first=2000-01-01&last=2100-01-01"),
        ("/api/v1/usage", "group=%00"),
    ],
)
def test_queries_out_of_range(ada: httpx.Client, path: str, query: str) -> None:
    refused(ada.get(f"{path}?{query}"), 422)


@pytest.mark.parametrize("words", ['"', "a*", "NEAR(a b)", "a AND", "()", "-x", "title:x", "' --", "%", "你好", "\u202e", "a" * 500])
def test_search_words_are_only_words(ada: httpx.Client, words: str) -> None:
    for path in ("/api/v1/conversations", "/api/v1/feedback", "/api/v1/feedback.csv"):
        response = ada.get(path, params={"q": words})
        assert response.status_code in (200, 422), response.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer"}, {"Authorization": "Bearer " + "x" * 10_000}, {"Authorization": b"Bearer \xff\xfe"},
        {"Authorization": "Basic YTpi"}, {"Cookie": "glm_portal_session="}, {"Cookie": b"glm_portal_session=\xff"},
        {"Cookie": "glm_portal_session=" + "x" * 10_000},
    ],
)  # fmt: skip
def test_tokens_that_are_none(client: httpx.Client, headers: Any) -> None:
    refused(client.get("/api/v1/session", headers=headers), 401)


def test_a_refusal_does_not_repeat_what_was_sent(client: httpx.Client) -> None:
    response = client.post("/api/v1/session", json={"username": "ann", "password": ["secret-horse"]})
    assert "secret-horse" not in response.text


NUMBERS = [10**310, -(10**310)]


def test_numbers_of_any_length_in_a_query(ada: httpx.Client) -> None:
    for path in ("conversations?limit", "feedback?offset", "feedback?limit", "search?limit", "audit?limit", "index/parked?limit"):
        for number in NUMBERS:
            assert ada.get(f"/api/v1/{path}={number}").status_code in (404, 422), path


@pytest.mark.parametrize("value", NUMBERS, ids=["above", "below"])
def test_numbers_of_any_length_within_lists_and_objects(ada: httpx.Client, value: int) -> None:
    hello = [{"role": "user", "content": "Hi"}]
    for body in (
        {"logit_bias": {"1": value}}, {"stop_token_ids": [value]}, {"thinking": {"type": "enabled", "budget_tokens": value}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "integer", "minimum": value}}}},
    ):  # fmt: skip
        response = send(ada, "/v1/chat/completions", _odd_json(messages=hello, **body))
        assert response.status_code in (200, 400), response.text
    for body in ({"input": [value]}, {"input": [[value]]}):
        refused(send(ada, "/v1/embeddings", _odd_json(**body)), 400)
    shares = {"path": "x.gguf", "gpu_shares": [value], "adapters": [{"name": "a", "path": "a.gguf", "scale": value}]}
    assert send(ada, "/api/v1/models/load", _odd_json(**shares)).status_code < 500


HALF = "half \ud83d of a pair"


def test_half_a_character_is_refused_and_not_stored(ada: httpx.Client) -> None:
    """Each of these has something to change, so that nothing but the text is wrong."""
    conversation = new(ada)
    turn = send(ada, f"/api/v1/conversations/{conversation}/messages", _odd_json(text="Hi")).json()
    answer = turn["answer"]["id"]
    assert ada.put(f"/api/v1/messages/{answer}/feedback", json={"rating": -1}).status_code == 200
    case = ada.get("/api/v1/feedback").json()["items"][0]["id"]
    folder = ada.post("/api/v1/folders", json={"name": "Folder"}).json()["id"]
    attempts: list[tuple[str, str, dict[str, Any]]] = [
        ("PUT", f"/api/v1/messages/{answer}/feedback", {"rating": -1, "comment": HALF}),
        ("PATCH", f"/api/v1/feedback/{case}", {"note": HALF}),
        ("PATCH", f"/api/v1/conversations/{conversation}", {"title": HALF}),
        ("POST", "/api/v1/conversations", {"title": HALF}),
        ("POST", f"/api/v1/conversations/{conversation}/messages", {"text": HALF}),
        ("POST", f"/api/v1/conversations/{conversation}/messages", {"text": "x", "stop": [HALF]}),
        ("POST", f"/api/v1/conversations/{conversation}/messages", {"text": "x", "model": HALF}),
        ("PATCH", f"/api/v1/folders/{folder}", {"name": HALF}),
        ("POST", "/api/v1/folders", {"name": HALF}),
        ("POST", "/api/v1/people", {"name": "dora", "role": "analyst", "password": "long enough 1", "full_name": HALF}),
        ("POST", "/api/v1/people", {"name": "dora", "role": "analyst", "password": HALF}),
        ("PATCH", "/api/v1/people/bob", {"full_name": HALF}),
        ("PATCH", "/api/v1/people/bob", {"password": HALF}),
        ("PUT", "/api/v1/retention/holds/bob", {"reason": HALF}),
        ("PUT", "/api/v1/retention/rules", {"kind": "chats", "group": HALF, "days": 9}),
        ("POST", "/api/v1/store/backups", {"passphrase": HALF}),
        ("POST", "/api/v1/models/load", {"path": HALF}),
    ]
    before = len(ada.get("/api/v1/conversations").json()["items"])
    for method, path, body in attempts:
        response = ada.request(method, path, content=_odd_json(**body), headers={"Content-Type": "application/json"})
        assert response.status_code == 422, (path, body, response.text)
    assert len(ada.get("/api/v1/conversations").json()["items"]) == before
    kept = ada.get(f"/api/v1/feedback/{case}").json()
    assert (kept["comment"], kept["note"]) == ("", "")
    assert "\ufffd" not in ada.get("/api/v1/people").text + ada.get("/api/v1/folders").text + ada.get("/api/v1/retention").text


def test_half_a_character_in_what_is_not_stored_is_answered(ada: httpx.Client) -> None:
    body = _odd_json(query="x", documents=[HALF], return_documents=True)
    assert send(ada, "/v1/rerank", body).json()["results"][0]["document"]["text"] == "half ? of a pair"
    assert send(ada, "/v1/embeddings", _odd_json(input=HALF)).status_code == 200
    assert send(ada, "/v1/chat/completions", _odd_json(messages=[{"role": "user", "content": HALF}])).status_code == 200
