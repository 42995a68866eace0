from __future__ import annotations

from collections.abc import Callable

import httpx

from tests.unit.api.portal.chat.test_conversations import ask, new

SignIn = Callable[[str], httpx.Client]
WHY = {"reason": "check", "why": "Which entity"}


def test_a_reviewer_reveals_a_name_and_the_rater_reads_who_looked(ann: httpx.Client, signed_in: SignIn) -> None:
    rita = signed_in("rita")
    answer = ask(ann, new(ann), text="Write to ann@bank.example").json()["answer"]["id"]
    ann.put(f"/api/v1/messages/{answer}/feedback", json={"rating": -1})
    [case] = rita.get("/api/v1/cases").json()["items"]
    here = f"/api/v1/cases/{case['number']}"
    assert (case["feedback"]["user_name"], case["names_until"]) == (None, None)
    assert case["feedback"]["question"] == "Write to [E-MAIL]"
    assert "ann" not in rita.get("/api/v1/feedback.csv").text
    assert ann.get("/api/v1/own-feedback/looks").json() == {"names_hidden": True, "items": []}

    assert rita.post(f"{here}/reveal", json={"reason": "check", "why": " "}).status_code == 422
    until = rita.post(f"{here}/reveal", json=WHY).json()["until"]
    shown = rita.get(here).json()
    assert shown["names_until"] == until
    assert (shown["feedback"]["user_name"], shown["feedback"]["question"]) == ("ann", "Write to ann@bank.example")
    assert rita.get("/api/v1/cases").json()["items"][0]["feedback"]["user_name"] is None
    assert signed_in("ada").get(here).json()["feedback"]["user_name"] is None
    assert [(each["kind"], each["before"]) for each in rita.get(f"{here}/history").json()][-1] == ("revealed", "check")
    [look] = ann.get("/api/v1/own-feedback/looks").json()["items"]
    assert (look["viewer_name"], look["reason"], look["why"]) == ("rita", "check", "Which entity")
