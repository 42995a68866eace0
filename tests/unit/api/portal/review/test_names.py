from __future__ import annotations

import re
from collections.abc import Callable

import httpx

from tests.unit.api.conftest import PASSWORD
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


def test_no_route_and_no_export_names_the_rater_and_only_who_said_why_reads_the_name(signed_in: SignIn) -> None:
    ada, rita = signed_in("ada"), signed_in("rita")
    person = {"name": "quillfeather", "full_name": "Quill Feather", "role": "analyst", "password": PASSWORD}
    assert ada.post("/api/v1/people", json=person).is_success
    quill = signed_in("quillfeather")
    answer = ask(quill, new(quill), text="I am Quill Feather, q@bank.example: which rate?").json()["answer"]["id"]
    said = {"rating": -1, "comment": "Wrong. Regards, Quill"}
    assert quill.put(f"/api/v1/messages/{answer}/feedback", json=said).is_success
    [case] = rita.get("/api/v1/cases").json()["items"]
    here, rating = f"/api/v1/cases/{case['number']}", f"/api/v1/feedback/{case['feedback']['id']}"
    lists = ("/api/v1/cases", "/api/v1/cases/progress", "/api/v1/feedback", "/api/v1/feedback.csv", "/api/v1/search?q=rate&kind=feedback")
    one = (here, f"{here}/history", f"{here}/judgements", rating)

    def named(reviewer: httpx.Client) -> list[str]:
        read = {path: reviewer.get(path) for path in (*lists, *one)}
        assert all(each.is_success for each in read.values()), read
        return [path for path, each in read.items() if re.search("quill|feather|q@bank", each.text, re.IGNORECASE)]

    assert named(rita) == [] and named(ada) == []
    assert rita.post(f"{here}/reveal", json=WHY).is_success
    assert set(named(rita)) == {here, rating}, "lists and exports never have names"
    assert named(ada) == [], "nobody else sees them"

    [look] = quill.get("/api/v1/own-feedback/looks").json()["items"]
    assert look["viewer_name"] == "rita" and (look["reason"], look["why"]) == ("check", "Which entity") and look["at"]
    [event] = [each for each in ada.get("/api/v1/audit").json()["items"] if each["action"] == "case.reveal"]
    assert event["actor_name"] == "rita" and event["details"] == {"reason": "check"} and event["subject"] == str(case["number"])
    assert quill.get("/api/v1/audit").status_code == 403
