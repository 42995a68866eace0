"""The result cache over REST, in every dialect."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bootstrap.portal import Portal, build_portal
from samples.fakes import FakePool, FakeRouter
from settings import Settings
from tests.unit.api.conftest import PlainHasher

HELLO = [{"role": "user", "content": "Hello?"}]
DIALECTS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": HELLO, "temperature": 0},
    "/v1/completions": {"prompt": "Hello?", "temperature": 0},
    "/v1/responses": {"input": "Hello, responses?", "temperature": 0, "store": False},
    "/v1/messages": {"messages": HELLO, "temperature": 0, "max_tokens": 50, "model": "fake"},
}


@pytest.fixture
def portal(tmp_path: Path, empty_home: Path, router: FakeRouter, pool: FakePool) -> Iterator[Portal]:
    shutil.copytree(empty_home, tmp_path / "home")
    settings = Settings(home=tmp_path / "home", model_titles=False, result_cache_mb=5)
    built = build_portal(settings, pool=pool, router=router, hasher=PlainHasher())
    yield built
    built.close()


def said(response: httpx.Response) -> str | None:
    assert response.status_code == 200, response.text
    return response.headers.get("x-portal-cache")


def test_every_dialect_says_whether_the_cache_answered_streamed_and_not(
    ann: httpx.Client, signed_in: Callable[[str], httpx.Client], router: FakeRouter
) -> None:
    for path, body in DIALECTS.items():
        first, again = ann.post(path, json=body), ann.post(path, json=body)
        assert (said(first), said(again)) == ("miss", "hit"), path
        streamed = ann.post(path, json={**body, "stream": True})
        assert said(streamed) == "hit" and "fake" in streamed.text, path
        assert said(ann.post(path, json=body, headers={"X-Portal-Cache": "bypass"})) == "miss", path
    assert said(ann.post("/v1/chat/completions", json={"messages": HELLO})) is None, "it may answer differently each time"
    assert said(signed_in("bob").post("/v1/chat/completions", json=DIALECTS["/v1/chat/completions"])) == "miss"
    ada = signed_in("ada")
    figures = ada.get("/api/v1/results").json()
    assert figures["stored"] >= 3 and figures["found"] == 8 and figures["most_bytes"] == 5_000_000
    assert ada.delete("/api/v1/results").json() == {"removed": figures["stored"]}
    assert said(ann.post("/v1/chat/completions", json=DIALECTS["/v1/chat/completions"])) == "miss"
    scraped = ada.get("/metrics").text
    assert "portal_result_cache_hits_total 8.0" in scraped


def test_a_chat_says_when_its_answer_was_written_and_a_group_may_share(
    ann: httpx.Client, signed_in: Callable[[str], httpx.Client], portal: Portal
) -> None:
    answers = []
    for _ in range(2):
        chat = ann.post("/api/v1/conversations", json={}).json()["id"]
        asked = ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": "Hello?", "temperature": 0})
        answers.append(asked.json()["answer"]["generation"])
    assert answers[0]["cached_at"] is None and answers[1]["cached_at"] is not None
    assert answers[1]["completion_tokens"] == 0, "it took no tokens"
    ada = signed_in("ada")
    group = ada.post("/api/v1/groups", json={"name": "Risk"}).json()
    assert group["shares_results"] is False
    changed = ada.patch(f"/api/v1/groups/{group['id']}", json={"shares_results": True})
    assert changed.json()["shares_results"] is True and changed.json()["withheld"] == []


def test_a_kept_answer_is_deleted_with_the_response_that_used_it_last(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    body = {"input": "Hello, stored?", "temperature": 0}
    made = ann.post("/v1/responses", json=body)
    assert said(made) == "miss"
    again = ann.post("/v1/responses", json=body)
    assert said(again) == "hit"
    ada = signed_in("ada")
    ann.delete(f"/v1/responses/{made.json()['id']}").raise_for_status()
    assert ada.get("/api/v1/results").json()["stored"] == 1, "the second response still holds the same answer"
    ann.delete(f"/v1/responses/{again.json()['id']}").raise_for_status()
    assert ada.get("/api/v1/results").json()["stored"] == 0
    assert said(ann.post("/v1/responses", json=body)) == "miss"
