"""Embeddings and rankings over REST, with a fake model."""

from __future__ import annotations

import base64
import json
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bootstrap.portal import Portal
from core.errors import Busy, InvalidInput, ModelFailed, NotFound
from core.inference.records import FinishReason
from core.inference.vectors import EmbeddingRequest, InputTooLong, RerankRequest
from core.models.records import ModelKind
from core.usage.records import RatedGeneration
from data.unit_of_work import SqlUnitOfWork
from samples.fakes import MODEL, FakeRouter
from tests.unit.api.test_hostile_inputs import ODD, refused


def rows(portal: Portal) -> list[RatedGeneration]:
    now = datetime.now(UTC)
    with SqlUnitOfWork(portal.database) as work:
        return list(work.generations.rated(now - timedelta(days=1), now + timedelta(days=1), None, None))


def embed(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post("/v1/embeddings", content=json.dumps(body), headers={"Content-Type": "application/json"})


def rerank(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post("/v1/rerank", content=json.dumps(body), headers={"Content-Type": "application/json"})


def asked(router: FakeRouter) -> EmbeddingRequest:
    request = router.vector_requests[-1]
    assert isinstance(request, EmbeddingRequest)
    return request


def test_each_text_gets_a_vector_in_order(ann: httpx.Client, router: FakeRouter) -> None:
    answer = embed(ann, input=["a", "bbb", "cc"], model="m", dimensions=2, user="x")
    assert answer.json() == {
        "object": "list",
        "model": "fake-vectors",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [1, 1]},
            {"object": "embedding", "index": 1, "embedding": [3, 1]},
            {"object": "embedding", "index": 2, "embedding": [2, 1]},
        ],
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }
    assert asked(router).inputs == ("a", "bbb", "cc")
    assert (asked(router).model, asked(router).dimensions, asked(router).truncate) == ("m", 2, False)


@pytest.mark.parametrize(
    ("sent", "inputs"),
    [("text", ("text",)), ("", ("",)), (["a", ""], ("a", "")), ([1, 2, 3], ((1, 2, 3),)), ([[1], [2, 3]], ((1,), (2, 3)))],
)
def test_a_text_texts_and_tokens_are_taken(ann: httpx.Client, router: FakeRouter, sent: Any, inputs: Any) -> None:
    assert embed(ann, input=sent, truncate=True).status_code == 200
    assert asked(router).inputs == inputs
    assert asked(router).truncate and asked(router).model is None


def test_base64_holds_the_same_numbers(ann: httpx.Client) -> None:
    body = {"input": ["x" * 7, "y"]}
    plain, packed = (embed(ann, **body, encoding_format=form).json()["data"] for form in ("float", "base64"))
    for one, other in zip(plain, packed, strict=True):
        raw = base64.b64decode(other["embedding"])
        assert list(struct.unpack(f"<{len(raw) // 4}f", raw)) == one["embedding"]


def test_numbers_keep_all_their_digits(ann: httpx.Client, router: FakeRouter) -> None:
    values = [0.1, -1 / 3, 1e-30, 3.4e38, 0.0, 16777217.0]
    router.rows = [values]
    single = struct.unpack("6f", struct.pack("6f", *values))
    assert struct.unpack("6f", struct.pack("6f", *embed(ann, input="x").json()["data"][0]["embedding"])) == single


def test_the_usage_report_gets_a_row_that_is_no_answer(
    ann: httpx.Client, portal: Portal, signed_in: Callable[[str], httpx.Client]
) -> None:
    embed(ann, input=["a", "b"])
    rerank(ann, query="q", documents=["a"])
    assert sorted((row.source, row.prompt_tokens, row.completion_tokens, row.finish_reason) for row in rows(portal)) == [
        ("embedding", 2, 0, FinishReason.STOP),
        ("rerank", 1, 0, FinishReason.STOP),
    ]
    counted = signed_in("max").get("/api/v1/usage").json()["total"]
    assert (counted["answers"], counted["people"], counted["prompt_tokens"]) == (0, 1, 3)


def test_the_best_document_comes_first(ann: httpx.Client, router: FakeRouter) -> None:
    documents = ["a", {"text": "long enough"}, "bcd"]
    answer = rerank(ann, query="q", documents=documents, model="r", top_n=2, return_documents=True).json()
    assert [(one["index"], one["document"]["text"]) for one in answer["results"]] == [(1, "long enough"), (2, "bcd")]
    assert answer["results"][0]["relevance_score"] > answer["results"][1]["relevance_score"]
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3} and answer["model"] == "fake-vectors"
    request = router.vector_requests[-1]
    assert isinstance(request, RerankRequest) and request.documents == ("a", "long enough", "bcd")
    plain = rerank(ann, query="q", documents=documents).json()
    assert len(plain["results"]) == 3 and all(set(one) == {"index", "relevance_score"} for one in plain["results"])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "input is missing"),
        ({"input": []}, "input must have 1 to 2,048 texts"),
        ({"input": [[1], []]}, "input.1 is empty"),
        ({"input": [[]]}, "input.0 is empty"),
        ({"input": [-1]}, "not a token id"),
        ({"input": [2**31]}, "not a token id"),
        ({"input": [10**40]}, "not a token id"),
        ({"input": ["a"] * 100_000}, "At most 2,048 texts"),
        ({"input": ["a", 1]}, "It must be a text"),
        ({"input": [[1], "a"]}, "It must be a text"),
        ({"input": [[1.5]]}, "It must be a text"),
        ({"input": [True]}, "It must be a text"),
        ({"input": {"a": 1}}, "It must be a text"),
        ({"input": None}, "It must be a text"),
        ({"input": "a", "dimensions": 0}, "dimensions must be at least 1"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
    ],
)
def test_what_cannot_be_embedded_is_refused_in_words(ann: httpx.Client, body: dict[str, Any], says: str) -> None:
    assert says in refused(embed(ann, **body), 400)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"query": "q"}, "documents is missing"),
        ({"query": "", "documents": ["a"]}, "query is empty"),
        ({"query": "q", "documents": []}, "documents must have 1 to 2,048 texts"),
        ({"query": "q", "documents": ["a"] * 100_000}, "documents"),
        ({"query": "q", "documents": [1]}, "documents"),
        ({"query": "q", "documents": "a"}, "documents"),
        ({"query": "q", "documents": ["a"], "top_n": 0}, "top_n"),
        ({"query": ["q"], "documents": ["a"]}, "query"),
    ],
)
def test_what_cannot_be_ranked_is_refused_in_words(ann: httpx.Client, body: dict[str, Any], says: str) -> None:
    assert says in refused(rerank(ann, **body), 400)


@pytest.mark.parametrize("field", ["input", "model", "encoding_format", "dimensions", "truncate", "user", "\ud800"])
def test_odd_values_in_embeddings(ann: httpx.Client, field: str) -> None:
    for value in ODD:
        response = embed(ann, **{"input": "Hi", field: value})
        assert response.status_code in (200, 400), (field, value, response.text)


@pytest.mark.parametrize("field", ["query", "documents", "model", "top_n", "return_documents", "truncate", "\ud800"])
def test_odd_values_in_a_ranking(ann: httpx.Client, field: str) -> None:
    for value in ODD:
        response = rerank(ann, **{"query": "Hi", "documents": ["a", "\ud800"], "return_documents": True, field: value})
        assert response.status_code in (200, 400), (field, value, response.text)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Busy("Try again in {seconds} s.", seconds=3, retry_after=2.5), 429, "rate_limit_exceeded"),
        (InputTooLong("input.3", 600, 512), 400, "context_length_exceeded"),
        (NotFound("There is no model {model}.", model="x"), 404, "model_not_found"),
        (InvalidInput("The model x cannot."), 400, "invalid_input"),
    ],
)
def test_refusals_of_the_model_have_openais_shape(ann: httpx.Client, router: FakeRouter, error: Any, status: int, code: str) -> None:
    router.refuse = [error]
    response = embed(ann, input="x")
    assert response.status_code == status and response.json()["error"]["code"] == code
    if status == 429:
        assert response.headers["Retry-After"] == "3"


def test_a_model_that_fails_is_reported_and_noted(ann: httpx.Client, router: FakeRouter, portal: Portal) -> None:
    router.vector_error = ModelFailed("The model broke.")
    assert refused(embed(ann, input="x"), 502) == "The model broke."
    assert [row.finish_reason for row in rows(portal)] == [FinishReason.ERROR]


def test_a_client_that_goes_away_stops_the_work(ann: httpx.Client, router: FakeRouter, portal: Portal) -> None:
    router.hold()
    with pytest.raises(httpx.ReadTimeout):
        ann.post("/v1/embeddings", json={"input": "x"}, timeout=httpx.Timeout(60, read=0.3))
    deadline = time.monotonic() + 60
    while not router.vectors and time.monotonic() < deadline:
        time.sleep(0.02)  # On a busy machine the work begins after the client has gone.
    assert router.vectors[0].cancelled.wait(60)
    while not rows(portal) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [row.finish_reason for row in rows(portal)] == [FinishReason.CANCELLED]


def test_fifty_that_wait_leave_the_other_routes_free(ann: httpx.Client, router: FakeRouter) -> None:
    router.hold()
    threads = [threading.Thread(target=embed, args=(ann,), kwargs={"input": "x"}) for _ in range(50)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while len(router.vectors) < 50 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(router.vectors) == 50
    assert ann.get("/v1/models").status_code == 200
    router.release(50)
    for thread in threads:
        thread.join(60)


def test_models_tell_their_kind(ann: httpx.Client, router: FakeRouter) -> None:
    router.available.append(replace(MODEL, name="vec", default=False, file=replace(MODEL.file, kind=ModelKind.EMBEDDING)))
    assert [(one["id"], one["kind"]) for one in ann.get("/v1/models").json()["data"]] == [("fake", "chat"), ("vec", "embedding")]
    assert ann.get("/v1/models/vec").json()["kind"] == "embedding"
