"""A reviewer of some groups gets nothing of the others: on no route, in no count, and with no id."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bootstrap.portal import Portal
from core.people.permissions import reviewed_groups
from tests.security.things import done, until
from tests.unit.api.portal.review.test_feedback import rated
from tests.unit.api.test_permissions import ROUTES

SignIn = Callable[[str], httpx.Client]
MARK = "quagga"
MISSING = {"number": "999999", "feedback_id": "0" * 32, "dataset_id": "0" * 32, "name": "train.jsonl"}
KTO = {"format": "kto", "sources": ["good", "poor"]}
ROUTES_OF_REVIEWERS = [(method, path, body) for method, path, body, who, _ in ROUTES if "reviewer" in who]
WITH_IDS = [
    each for each in ROUTES_OF_REVIEWERS
    if re.match(r"/api/v1/(cases|feedback|datasets)", each[1]) and ("{" in each[1] or each[1].endswith("/changes"))
]  # fmt: skip


@pytest.fixture
def foreign(portal: Portal, signed_in: SignIn) -> dict[str, str]:
    """Make rita a reviewer of Legal alone, with one case of Legal and one of Treasury; return the ids of the latter."""
    ada = signed_in("ada")
    for name, group in (("ann", "Treasury"), ("bob", "Legal")):
        done(ada.patch(f"/api/v1/people/{name}", json={"group": group}))
        signed_in(name).put("/api/v1/training-consent", json={"agreed": True})
    rated(signed_in("ann"), -1, f"The {MARK} is wrong")
    rated(signed_in("bob"), -1, "The zebra is wrong")
    cases = {each["feedback"]["group"]: each for each in done(ada.get("/api/v1/cases"))["items"]}
    case = cases["Treasury"]
    tagged = {"version": case["version"], "tags": [MARK], "state": "fixed", "fix": MARK}
    case = done(ada.patch(f"/api/v1/cases/{case['number']}", json=tagged))
    dataset = done(ada.post("/api/v1/datasets", json={"name": MARK, "settings": KTO}))["id"]
    done(ada.post(f"/api/v1/datasets/{dataset}/versions"))
    until(lambda: done(ada.get(f"/api/v1/datasets/{dataset}"))["versions"])
    until(lambda: done(ada.get(f"/api/v1/search?kind=feedback&q={MARK}"))["total"])
    done(ada.patch("/api/v1/people/rita", json={"review_groups": ["Legal"]}))
    name = done(ada.get(f"/api/v1/datasets/{dataset}"))["versions"][0]["files"][0]["name"]
    return {
        "number": str(case["number"]), "feedback_id": case["feedback"]["id"], "dataset_id": dataset, "name": name,
        "own": str(cases["Legal"]["number"]),
    }  # fmt: skip


def asked(client: httpx.Client, method: str, path: str, body: Any, ids: dict[str, str]) -> httpx.Response:
    if "dataset_id" in path:
        ids = {**ids, "number": "1"}
    if path.endswith("/changes"):
        body = {**body, "cases": [{"number": int(ids["number"]), "version": 1}]}
    where = path.format_map({**dict.fromkeys(re.findall(r"{(\w+)}", path), "0" * 32), **ids})
    return client.request(method, where, json=body) if body is not None else client.request(method, where)


def test_no_answer_to_a_reviewer_of_one_group_shows_another(foreign: dict[str, str], signed_in: SignIn) -> None:
    rita, ada = signed_in("rita"), signed_in("ada")
    read = [path for method, path, _ in ROUTES_OF_REVIEWERS if method == "GET" and not path.endswith("/openapi.json")]
    shown = {path: asked(rita, "GET", path, None, foreign).text for path in read}
    assert len(shown) > 60 and MARK in asked(ada, "GET", "/api/v1/cases", None, foreign).text
    assert [path for path, text in shown.items() if MARK in text or "Treasury" in text] == []


def test_an_id_of_another_group_is_answered_like_a_missing_one(foreign: dict[str, str], signed_in: SignIn) -> None:
    rita, ada = signed_in("rita"), signed_in("ada")
    before = done(ada.get(f"/api/v1/cases/{foreign['number']}/history"))
    assert len(WITH_IDS) > 20
    for method, path, body in WITH_IDS:
        got, missing = asked(rita, method, path, body, foreign), asked(rita, method, path, body, MISSING)
        plain = got.text.replace(foreign["number"], MISSING["number"]) if path.endswith("/changes") else got.text
        assert (got.status_code, plain) == (missing.status_code, missing.text), (method, path)
    case = done(ada.get(f"/api/v1/cases/{foreign['number']}"))
    assert (case["state"], case["fix"], case["lock"]) == ("fixed", MARK, None)
    assert done(ada.get(f"/api/v1/cases/{foreign['number']}/history")) == before
    assert done(ada.get(f"/api/v1/datasets/{foreign['dataset_id']}"))["versions"]


def test_counts_search_and_cases_alike_tell_nothing_of_other_groups(foreign: dict[str, str], signed_in: SignIn) -> None:
    rita, ada = signed_in("rita"), signed_in("ada")
    assert done(rita.get("/api/v1/cases"))["total"] == done(rita.get("/api/v1/feedback"))["total"] == 1
    assert done(ada.get("/api/v1/cases"))["total"] == 2 and done(rita.get("/api/v1/cases/tags")) == {}
    assert done(rita.get("/api/v1/cases?rating=-1&group=Legal"))["total"] == 1
    own, all_of_them = (done(each.get(f"/api/v1/cases/{foreign['own']}")) for each in (rita, ada))
    assert (own["alike"], all_of_them["alike"]) == (0, 1), "both people asked the same question"
    progress, whole = (done(each.get("/api/v1/review-progress?days=30")) for each in (rita, ada))
    assert (progress["opened"], progress["closed"], whole["opened"], whole["closed"]) == (1, 0, 2, 1)
    for kind in ("/api/v1/search?kind=feedback&q=", "/api/v1/cases?q=", "/api/v1/feedback?q="):
        assert (done(rita.get(kind + MARK))["total"], done(rita.get(f"{kind}zebra"))["total"]) == (0, 1), kind
    assert done(rita.get("/api/v1/search?kind=feedback&q=wrong&limit=1"))["total"] == 1


def test_a_reviewer_of_one_group_makes_datasets_of_it_alone(foreign: dict[str, str], signed_in: SignIn) -> None:
    rita, ada = signed_in("rita"), signed_in("ada")
    for group in (None, "Treasury"):
        assert rita.post("/api/v1/datasets/preview", json={**KTO, "group": group}).status_code == 422
        assert rita.post("/api/v1/datasets", json={"name": "Mine", "settings": {**KTO, "group": group}}).status_code == 422
    made = done(rita.post("/api/v1/datasets", json={"name": "Mine", "settings": {**KTO, "group": "Legal"}}))["id"]
    assert [each["id"] for each in done(rita.get("/api/v1/datasets"))["items"]] == [made]
    done(ada.patch(f"/api/v1/datasets/{made}", json={"settings": KTO}))
    assert rita.get(f"/api/v1/datasets/{made}").status_code == 404 and rita.post(f"/api/v1/datasets/{made}/versions").status_code == 404


def test_a_limit_follows_a_new_name_binds_assignments_and_spares_those_who_manage_people(
    foreign: dict[str, str], portal: Portal, signed_in: SignIn
) -> None:
    rita, ada = signed_in("rita"), signed_in("ada")
    group = next(each for each in done(ada.get("/api/v1/groups"))["items"] if each["name"] == "Legal")
    done(ada.patch(f"/api/v1/groups/{group['id']}", json={"name": "Law"}))
    assert done(rita.get("/api/v1/cases"))["total"] == 1
    assert done(ada.get("/api/v1/people"))["items"][-1]["review_groups"] == ["Law"]
    case = done(ada.get(f"/api/v1/cases/{foreign['number']}"))
    assert ada.patch(f"/api/v1/cases/{case['number']}", json={"version": case["version"], "assignee": "rita"}).status_code == 422
    assert ada.patch("/api/v1/people/rita", json={"review_groups": ["Nobody"]}).status_code == 404
    assert ada.patch("/api/v1/people/ada", json={"review_groups": ["Law"]}).status_code == 409
    assert rita.patch("/api/v1/people/rita", json={"review_groups": "all"}).status_code == 403
    done(ada.patch("/api/v1/people/rita", json={"role": "admin"}))
    assert reviewed_groups(portal.accounts.people(None)[-1]) is None, "an admin could lift the limit"
    done(ada.patch("/api/v1/people/rita", json={"role": "reviewer", "review_groups": "all"}))
    assert done(rita.get("/api/v1/cases"))["total"] == 2
