"""Limits over REST: what is refused, and what every response reports about the rest."""

from __future__ import annotations

from collections.abc import Callable

import httpx

HELLO = {"messages": [{"role": "user", "content": "Hi"}]}
OCTETS = {"Content-Type": "application/octet-stream"}
DAY = {"holder": "everyone", "measure": "requests", "period": "day", "amount": 2}


def test_answers_say_what_is_left_and_the_next_one_is_refused(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    assert "RateLimit" not in ann.post("/v1/chat/completions", json=HELLO).headers
    signed_in("ada").put("/api/v1/limits", json=DAY)
    first = ann.post("/v1/chat/completions", json=HELLO)
    assert first.status_code == 200
    assert first.headers["RateLimit-Policy"] == '"everyone-requests-day";q=2;w=86400'
    assert first.headers["RateLimit"].startswith('"everyone-requests-day";r=1;t=')
    with ann.stream("POST", "/v1/chat/completions", json=HELLO | {"stream": True}) as streamed:
        assert streamed.headers["RateLimit"].startswith('"everyone-requests-day";r=0;t=')
        streamed.read()
    refused = ann.post("/v1/chat/completions", json=HELLO)
    assert refused.status_code == 429 and refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert 0 < int(refused.headers["Retry-After"]) <= 86400 and '";r=0;' in refused.headers["RateLimit"]


def test_a_chats_question_is_refused_before_it_is_stored(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    signed_in("ada").put("/api/v1/limits", json=DAY | {"amount": 1})
    assert ann.post("/v1/chat/completions", json=HELLO).status_code == 200
    conversation = ann.post("/api/v1/conversations", json={}).json()["id"]
    asked = ann.post(f"/api/v1/conversations/{conversation}/messages", json={"text": "Hi", "request_id": "r1"})
    assert asked.status_code == 429 and asked.json()["error"]["code"] == "limit_reached"
    assert asked.headers["RateLimit"].startswith('"everyone-requests-day";r=0;t=') and int(asked.headers["Retry-After"]) > 0
    assert ann.get(f"/api/v1/conversations/{conversation}/messages").json()["items"] == []


def test_uploads_have_a_limit_of_their_own(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    signed_in("ada").put("/api/v1/limits", json=DAY | {"measure": "uploads", "amount": 1})
    sent = [ann.post("/api/v1/files", params={"name": f"{n}.txt"}, content=b"text", headers=OCTETS) for n in range(2)]
    assert [each.status_code for each in sent] == [201, 429]
    refused = ann.post("/v1/files", files={"file": ("a.jsonl", b"{}")}, data={"purpose": "batch"})
    assert refused.status_code == 429 and ann.get("/v1/files").json()["data"] == []
    collection = ann.post("/api/v1/collections", json={"name": "Rates"}).json()["id"]
    documents = f"/api/v1/collections/{collection}/documents"
    assert ann.post(documents, params={"name": "a.txt"}, content=b"text", headers=OCTETS).status_code == 429
    assert ann.post("/v1/chat/completions", json=HELLO).status_code == 200


def test_everyone_sees_their_own_limits(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    signed_in("ada").put("/api/v1/limits", json=DAY)
    ann.post("/v1/chat/completions", json=HELLO)
    [own] = ann.get("/api/v1/limits/own").json()["items"]
    assert (own["amount"], own["used"], own["shared"]) == (2, 1, False)


def test_at_a_limit_with_another_model_only_questions_go_on(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    signed_in("ada").put("/api/v1/limits", json=DAY | {"amount": 1, "at_limit": "cheaper", "model": "fake"}).raise_for_status()
    assert [ann.post("/v1/embeddings", json={"input": "x"}).status_code for _ in range(2)] == [200, 429]
    assert ann.post("/v1/rerank", json={"query": "x", "documents": ["y"]}).status_code == 429
    assert ann.post("/v1/chat/completions", json=HELLO | {"model": "other"}).status_code == 200


def test_at_a_limit_without_its_other_model_a_question_is_refused_for_the_limit(
    ann: httpx.Client, signed_in: Callable[[str], httpx.Client]
) -> None:
    signed_in("ada").put("/api/v1/limits", json=DAY | {"amount": 1, "at_limit": "cheaper", "model": "gone"}).raise_for_status()
    assert ann.post("/v1/chat/completions", json=HELLO).status_code == 200
    refused = ann.post("/v1/chat/completions", json=HELLO)
    assert refused.status_code == 429 and "per day is reached" in refused.json()["error"]["message"]
