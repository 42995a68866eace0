from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.unit.api.portal.review.test_feedback import rated

SignIn = Callable[[str], httpx.Client]


@pytest.fixture
def ada(signed_in: SignIn) -> httpx.Client:
    return signed_in("ada")


def test_a_complaint_is_worked_and_its_rater_reads_the_outcome(ann: httpx.Client, ada: httpx.Client, signed_in: SignIn) -> None:
    answer = rated(ann, -1, "Last year's rate")
    rated(ann, 1)
    [case] = ada.get("/api/v1/cases?complaint=true&state=new&state=triaged").json()["items"]
    assert (case["state"], case["priority"], case["feedback"]["comment"], case["lock"]) == ("new", "normal", "Last year's rate", None)
    here = f"/api/v1/cases/{case['number']}"
    change = {
        "version": case["version"], "state": "in_review", "priority": "high", "assignee": "rita", "tags": ["Rates"], "note": "Check",
        "due_at": "2030-01-02T00:00:00Z",
    }  # fmt: skip
    changed = ada.patch(here, json=change).json()
    assert (changed["state"], changed["assignee_name"], changed["tags"], changed["version"]) == ("in_review", "rita", ["Rates"], 2)
    assert changed["lock"]["holder_name"] == "ada"
    assert ada.patch(here, json=change).status_code == 409
    rita = signed_in("rita")
    assert rita.patch(here, json={"version": 2, "note": "Mine"}).status_code == 409
    assert rita.put(f"{here}/lock", json={}).status_code == 409
    assert rita.put(f"{here}/lock", json={"take_over": True}).json()["lock"]["holder_name"] == "rita"
    closed = rita.patch(here, json={"version": 2, "state": "fixed", "fix": "Rates v4", "reply": "Thank you"}).json()
    assert (closed["state"], closed["fix"], closed["lock"]) == ("fixed", "Rates v4", None)
    kinds = [each["kind"] for each in ada.get(f"{here}/history").json()]
    assert kinds == ["opened", "state", "priority", "assignee", "tags", "due", "note", "taken_over", "state", "fix", "reply"]
    assert ada.get("/api/v1/cases/tags").json() == {"Rates": 1}
    assert rita.get("/api/v1/cases/progress").json() == {"open": 0, "touched": 1, "closed": 1}
    assert rita.get("/api/v1/cases?whose=mine").json()["total"] == 1

    own = ann.get("/api/v1/own-feedback?which=fixed").json()
    assert [(each["state"], each["fix"], each["reply"]) for each in own["items"]] == [("fixed", "Rates v4", "Thank you")]
    assert own["counts"] == {"all": 2, "open": 0, "fixed": 1, "good": 1} and "rita" not in str(own)
    assert ann.get("/api/v1/notices").json()["items"][0]["kind"] == "feedback_resolved"
    assert ann.delete(f"/api/v1/messages/{answer}/feedback").status_code == 204
    assert ann.delete(f"/api/v1/messages/{answer}/feedback").status_code == 404
    assert ada.get(here).status_code == 404


def test_many_cases_are_changed_at_once_and_listed_page_by_page(ann: httpx.Client, ada: httpx.Client) -> None:
    for n in range(3):
        rated(ann, -1, f"Comment {n}")
    items = ada.get("/api/v1/cases").json()["items"]
    cases = [{"number": each["number"], "version": each["version"]} for each in items[:2]] + [{"number": 99, "version": 1}]
    result = ada.post("/api/v1/cases/changes", json={"cases": cases, "state": "triaged", "add_tags": ["Batch"]}).json()
    assert result["changed"] == sorted(each["number"] for each in items[:2])
    assert [each["number"] for each in result["left"]] == [99] and "does not exist" in result["left"][0]["error"]
    assert ada.post("/api/v1/cases/changes", json={"cases": [cases[0], cases[0]], "state": "new"}).status_code == 422
    page = ada.get("/api/v1/cases?limit=2").json()
    rest = ada.get("/api/v1/cases", params={"limit": 2, "cursor": page["next_cursor"]}).json()
    assert [each["number"] for each in page["items"] + rest["items"]] == [each["number"] for each in items]
    assert rest["next_cursor"] is None and ada.get("/api/v1/cases?cursor=x").status_code == 422
    assert ada.get("/api/v1/cases?tag=Batch").json()["total"] == 2


@pytest.mark.parametrize(
    ("asked", "total"),
    [
        ("rating=-1&state=new&state=closed&overdue=false&unanswered=true&since=2020-01-02T00:00:00Z&limit=5", 1),
        ("rating=1", 0),
        ("since=2999-01-01T00:00:00", 0),
        ("complaint=true&whose=mine", 0),
    ],
)
def test_the_queue_is_narrowed_in_the_url(ann: httpx.Client, ada: httpx.Client, asked: str, total: int) -> None:
    rated(ann, -1)
    assert ada.get(f"/api/v1/cases?{asked}").json()["total"] == total


@pytest.mark.parametrize(
    "asked", ["rating=2", "rating=good", "since=yesterday", "since=5", "until=1e9", "overdue=maybe", "state=old", "q=%00"]
)
def test_a_query_that_cannot_be_read_is_refused(ada: httpx.Client, asked: str) -> None:
    refused = ada.get(f"/api/v1/cases?{asked}")
    assert refused.status_code == 422 and asked.partition("=")[0] in refused.text


def test_a_lock_is_left_and_views_are_saved(ann: httpx.Client, ada: httpx.Client) -> None:
    rated(ann, -1)
    [case] = ada.get("/api/v1/cases").json()["items"]
    here = f"/api/v1/cases/{case['number']}/lock"
    assert ada.put(here, json={}).json()["lock"]["holder_name"] == "ada"
    assert ada.delete(here).status_code == 204
    assert ada.get(f"/api/v1/cases/{case['number']}").json()["lock"] is None
    query = {"state": ["new"], "rating": -1, "since": "2026-01-02T00:00:00Z", "q": "rates"}
    saved = ada.put("/api/v1/case-views/Poor rates", json=query).json()
    assert saved["name"] == "Poor rates" and {name: saved["query"][name] for name in query} == query
    assert ada.get("/api/v1/case-views").json() == {"items": [saved]}
    assert ada.put("/api/v1/case-views/x", json={"states": ["new"]}).status_code == 422
    assert ada.delete("/api/v1/case-views/Poor rates").status_code == 204
    assert ada.get("/api/v1/case-views").json() == {"items": []}


def test_a_question_is_asked_again_in_the_prompt_that_fixed_it(ann: httpx.Client, ada: httpx.Client) -> None:
    answer = rated(ann, -1, text="What is LIBOR?")
    [case] = ada.get("/api/v1/cases").json()["items"]
    here, prompt = f"/api/v1/cases/{case['number']}", {"title": "Rates", "text": "Answer with today's rates: [question]"}
    made = ada.post("/api/v1/prompts", json=prompt).json()["id"]
    many = ada.post("/api/v1/prompts", json={"title": "Two", "text": "[one] and [two]"}).json()["id"]
    change = {"version": case["version"], "state": "fixed", "fix": "Prompt Rates", "fix_prompt": f"{made}:1"}
    assert "Publish it" in ada.patch(here, json=change).json()["error"]["message"], "the rater cannot use it"
    for each in (made, many):
        assert ada.patch(f"/api/v1/prompts/{each}", json={"share": "everyone"}).status_code == 200
    for wrong in (f"{many}:1", f"{made}:2", made, "x:1"):
        assert ada.patch(here, json={**change, "fix_prompt": wrong}).status_code == 422, wrong
    assert ada.patch(here, json=change).json()["fix_prompt"] == f"{made}:1"
    ada.patch(f"/api/v1/prompts/{made}", json={"text": "Another text"})
    again = ann.post(f"/api/v1/messages/{answer}/feedback/again", json={}).json()["conversation_id"]
    assert ann.get(f"/api/v1/conversations/{again}/messages").json()["items"][0]["text"] == "Answer with today's rates: What is LIBOR?"
    fixed = ann.put(f"/api/v1/messages/{answer}/feedback/fix", json={"satisfied": True})
    assert fixed.status_code == 200 and ada.delete(f"/api/v1/prompts/{made}").status_code == 204
    assert ann.post(f"/api/v1/messages/{answer}/feedback/again", json={}).status_code == 422
