from __future__ import annotations

from collections.abc import Callable

import httpx

from tests.unit.api.portal.review.test_feedback import rated

SignIn = Callable[[str], httpx.Client]


def test_two_reviewers_judge_blind_and_a_question_stays_as_it_was_asked(ann: httpx.Client, signed_in: SignIn) -> None:
    ada, rita = signed_in("ada"), signed_in("rita")
    rated(ann, -1, "Last year's rate")
    [case] = rita.get("/api/v1/cases?judging=open").json()["items"]
    here = f"/api/v1/cases/{case['number']}"
    assert rita.put(f"{here}/second", json={"wanted": True}).json()["second"]
    assert rita.put(f"{here}/judgement", json={"answers": {"cause": "style"}}).status_code == 422
    judged = rita.put(f"{here}/judgement", json={"answers": {"cause": "wrong_fact", "severity": 3}}).json()
    assert (judged["own"]["answers"], judged["result"], judged["seat"]) == ({"cause": "wrong_fact", "severity": "3"}, {}, "first")
    blind = ada.get(f"{here}/judgements").json()
    assert (blind["shown"], blind["hidden"], blind["seat"]) == ([], True, "second") and "wrong_fact" not in ada.get(f"{here}/history").text

    questions = ada.get("/api/v1/review-questions").json()["questions"]
    new = {"label": "Parts", "kind": "several", "choices": [{"label": "Start"}, {"label": "End"}]}
    saved = ada.put("/api/v1/review-questions", json={"questions": [questions[0], new], "based_on": 0}).json()
    assert saved["version"] == 1 and len(saved["questions"][1]["choices"][0]["id"]) == 32
    assert (
        ada.put(
            "/api/v1/review-questions", json={"questions": [{**questions[0], "kind": "text", "choices": []}], "based_on": 1}
        ).status_code
        == 409
    )
    assert ada.get("/api/v1/review-questions/versions/1").json() == ada.get("/api/v1/review-questions/versions").json()["items"][0] == saved

    both = ada.put(f"{here}/judgement", json={"answers": {"cause": "style", "severity": 3}}).json()
    assert both["questions"]["version"] == 0 and len(both["shown"]) == 2
    differing = [each for each in both["compared"] if each["first"] != each["second"]]
    assert differing == [{"question": "cause", "first": "wrong_fact", "second": "style", "decided": None}]
    assert ada.put(f"{here}/decision", json={"answers": {"cause": "style"}}).status_code == 409
    assert ada.get(here).json()["judging"] == "decision" and ada.get("/api/v1/cases?judging=decision").json()["total"] == 1
