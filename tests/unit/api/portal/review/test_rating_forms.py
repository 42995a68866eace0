from __future__ import annotations

import csv
import io
from collections.abc import Callable

import httpx

from tests.unit.api.portal.chat.test_conversations import ask, new

SignIn = Callable[[str], httpx.Client]


def test_an_admin_defines_the_form_and_a_rating_answers_it(ann: httpx.Client, signed_in: SignIn) -> None:
    ada = signed_in("ada")
    form = ann.get("/api/v1/rating-form").json()
    assert form["version"] == 0 and "Too long" in form["poor_reasons"]
    wanted = {"version": 0, "good_reasons": ["Clear"], "poor_reasons": ["Wrong number"], "asks_better_answer": False}
    assert ada.put("/api/v1/rating-form", json=wanted).json()["version"] == 1
    assert ada.put("/api/v1/rating-form", json=wanted).status_code == 409
    assert [(each["version"], each["saved_by"]) for each in ada.get("/api/v1/rating-form/versions").json()] == [(1, "ada")]

    answer = ask(ann, new(ann)).json()["answer"]["id"]
    here = f"/api/v1/messages/{answer}/feedback"
    refused = (
        {"reasons": ["Clear"]}, {"better_answer": "Better"}, {"passage": "Never said"}, {"score": 9}, {"form_version": 5, "score": 1},
    )  # fmt: skip
    for wrong in refused:
        assert ann.put(here, json={"rating": -1, **wrong}).status_code == 422, wrong
    said = {"reasons": ["Wrong number"], "score": 2, "passage": "from the fake"}
    assert ann.put(here, json={"rating": -1, **said}).status_code == 200
    details = {**said, "form_version": 1, "better_answer": ""}
    [row] = ada.get("/api/v1/feedback").json()["items"]
    assert row["details"] == details
    assert ann.get("/api/v1/own-feedback").json()["items"][0]["details"] == details
    [case] = ada.get("/api/v1/cases", params={"tag": "Wrong number"}).json()["items"]
    assert case["feedback"]["details"] == details
    [line] = csv.DictReader(io.StringIO(ada.get("/api/v1/feedback.csv").content.decode("utf-8-sig")))
    assert (line["reasons"], line["score"], line["passage"]) == ("Wrong number", "2", "from the fake")
