from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bootstrap.portal import Portal
from core.usage.csv_cells import safe_cell
from samples.fakes import FakeRouter
from tests.unit.api.portal.chat.test_conversations import ask, new

SignIn = Callable[[str], httpx.Client]


@pytest.fixture
def ada(signed_in: SignIn) -> httpx.Client:
    return signed_in("ada")


def rated(client: httpx.Client, rating: int, comment: str = "", text: str = "What is GLM?") -> str:
    answer = ask(client, new(client), text=text).json()["answer"]["id"]
    response = client.put(f"/api/v1/messages/{answer}/feedback", json={"rating": rating, "comment": comment})
    assert response.json() == {"message_id": answer, "rating": rating, "comment": comment}
    return answer


def test_a_rating_reaches_the_queue_with_question_and_answer(ann: httpx.Client, ada: httpx.Client) -> None:
    answer = rated(ann, -1, "Wrong year")
    page = ada.get("/api/v1/feedback").json()
    assert page["total"] == 1
    row = page["items"][0]
    assert (row["message_id"], row["rating"], row["comment"], row["state"]) == (answer, -1, "Wrong year", "new")
    assert (row["user_name"], row["question"], row["answer"]) == (None, "What is GLM?", "Hello from the fake model")
    assert ada.get(f"/api/v1/feedback/{row['id']}").json() == row


def test_rating_again_replaces_and_zero_takes_it_back(ann: httpx.Client, ada: httpx.Client) -> None:
    answer = rated(ann, 1)
    here = f"/api/v1/messages/{answer}/feedback"
    ann.put(here, json={"rating": -1, "comment": "After all no"})
    assert [row["rating"] for row in ada.get("/api/v1/feedback").json()["items"]] == [-1]
    ann.put(here, json={"rating": 0})
    assert ada.get("/api/v1/feedback").json() == {"items": [], "total": 0}


def test_the_rating_shows_in_the_transcript(ann: httpx.Client) -> None:
    conversation = new(ann)
    answer = ask(ann, conversation).json()["answer"]["id"]
    ann.put(f"/api/v1/messages/{answer}/feedback", json={"rating": 1, "comment": "Good"})
    shown = ann.get(f"/api/v1/conversations/{conversation}/messages").json()["items"][1]
    assert (shown["rating"], shown["comment"]) == (1, "Good")


def test_the_queue_is_filtered_searched_and_paged(ann: httpx.Client, ada: httpx.Client, portal: Portal) -> None:
    rated(ann, 1, "Helpful")
    rated(ann, -1, "Wrong year")
    rated(ann, -1, "Too long")
    assert portal.index_worker.drain(5)
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    counts: list[tuple[dict[str, Any], int]] = [
        ({}, 3), ({"rating": "-1"}, 2), ({"rating": 1}, 1), ({"model": "fake"}, 3), ({"model": "other"}, 0), ({"state": "new"}, 3),
        ({"state": "resolved"}, 0), ({"since": "2020-01-01"}, 3), ({"since": soon}, 0), ({"until": soon}, 3), ({"until": "2020-01-01"}, 0),
        ({"q": "wrong"}, 1), ({"q": "wrong", "rating": 1}, 0),
    ]  # fmt: skip
    for query, expected in counts:
        assert ada.get("/api/v1/feedback", params=query).json()["total"] == expected, query
    page = ada.get("/api/v1/feedback", params={"limit": 1, "offset": 1}).json()
    assert [row["comment"] for row in page["items"]] == ["Wrong year"]
    assert page["total"] == 3


def test_a_reviewer_changes_state_and_note(ann: httpx.Client, ada: httpx.Client) -> None:
    rated(ann, -1)
    here = f"/api/v1/feedback/{ada.get('/api/v1/feedback').json()['items'][0]['id']}"
    changed = ada.patch(here, json={"state": "in_review", "note": "Checking"}).json()
    assert (changed["state"], changed["note"], changed["reviewer_name"]) == ("in_review", "Checking", "ada")
    assert ada.patch(here, json={"note": "Done"}).json()["state"] == "in_review"
    assert ada.get(here).json()["note"] == "Done"
    assert ada.patch(here, json={}).status_code == 422


def test_the_export_cannot_run_as_formulas(ann: httpx.Client, ada: httpx.Client, router: FakeRouter) -> None:
    rated(ann, -1, '=HYPERLINK("http://evil","x")', text="+1+1, or\nnot?")
    response = ada.get("/api/v1/feedback.csv", params={"rating": "-1"})
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="feedback.csv"' in response.headers["content-disposition"]
    assert response.content.startswith(b"\xef\xbb\xbf"), "a spreadsheet would not take it for Unicode"
    (row,) = csv.DictReader(io.StringIO(response.content.decode("utf-8-sig")))
    assert row["comment"] == '\'=HYPERLINK("http://evil","x")'
    assert row["question"] == "'+1+1, or\nnot?"
    assert row["rating"] == "-1"


def test_the_export_holds_every_row(ann: httpx.Client, ada: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.portal.review.feedback.CSV_BLOCK", 2)
    for count in (1, 2, 3, 4):
        rated(ann, 1, f"comment {count}")
        rows = list(csv.DictReader(io.StringIO(ada.get("/api/v1/feedback.csv").content.decode("utf-8-sig"))))
        assert [row["comment"] for row in rows] == [f"comment {n}" for n in range(count, 0, -1)]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", " =1", "＝1", "\ufeff=1", "\u200b@x", "\u3000+1"])
def test_a_cell_that_starts_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("value", ["a=1", "", "42", "'=1", 1, -1, None])
def test_other_cells_stay_as_they_are(value: object) -> None:
    assert safe_cell(value) == value
