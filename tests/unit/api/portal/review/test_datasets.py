"""Datasets over REST: consent, a preview, a build, its files, and what happens when a chat is deleted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import httpx
import pytest

from tests.unit.api.portal.review.test_feedback import rated

SignIn = Callable[[str], httpx.Client]
SETTINGS = {"format": "kto", "sources": ["good", "poor"]}


@pytest.fixture
def rita(signed_in: SignIn) -> httpx.Client:
    return signed_in("rita")


def built(client: httpx.Client, here: str, number: int) -> dict[str, Any]:
    assert client.post(f"{here}/versions").status_code == 202
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found: dict[str, Any] = client.get(here).json()
        if found["versions"] and found["versions"][0]["number"] == number:
            return dict(found["versions"][0])
        # The job may end after the versions were read and before its state is.
        assert found["build"]["state"] in ("waiting", "running", "done"), found["build"]
        time.sleep(0.05)
    raise AssertionError("the build did not end")


def test_a_dataset_is_built_read_and_loses_what_was_deleted(ann: httpx.Client, rita: httpx.Client) -> None:
    answer = rated(ann, 1, text="What is a bond?")
    rated(ann, -1, text="What is a share?")
    assert rita.post("/api/v1/datasets/preview", json=SETTINGS).json()["report"]["left_out"] == {"no_consent": 2}
    assert ann.get("/api/v1/training-consent").json() == {"agreed": False, "own": False}
    assert ann.put("/api/v1/training-consent", json={"agreed": True}).json() == {"agreed": True, "own": True}
    preview = rita.post("/api/v1/datasets/preview", json=SETTINGS).json()
    assert (preview["report"]["train"] + preview["report"]["holdout"], preview["read"], preview["total"]) == (2, 2, 2)
    assert json.loads(preview["examples"][0])["prompt"] == [{"role": "user", "content": "What is a share?"}]

    made = rita.post("/api/v1/datasets", json={"name": "Ratings", "settings": SETTINGS})
    assert made.status_code == 201 and made.json()["versions"] == []
    assert rita.post("/api/v1/datasets", json={"name": "ratings", "settings": SETTINGS}).status_code == 409
    assert rita.post("/api/v1/datasets/preview", json={**SETTINGS, "format": "sft"}).status_code == 422
    here = f"/api/v1/datasets/{made.json()['id']}"
    version = built(rita, here, 1)
    lines = []
    for file in version["files"]:
        download = rita.get(f"{here}/versions/1/files/{file['name']}")
        assert sha256(download.content).hexdigest() == file["sha256"] and len(download.content) == file["size_bytes"]
        assert file["name"] in download.headers["content-disposition"]
        lines += [json.loads(line) for line in download.text.splitlines()]
    assert {(each["prompt"][0]["content"], each["label"]) for each in lines} == {("What is a bond?", True), ("What is a share?", False)}
    assert "ann" not in {value for each in lines for value in each["provenance"].values()}

    conversation = next(each["provenance"]["conversation_id"] for each in lines if each["provenance"]["answer_id"] == answer)
    assert ann.delete(f"/api/v1/conversations/{conversation}").status_code == 204
    assert rita.get(f"{here}/versions/1").json()["gone"] == 1
    assert rita.patch(here, json={"name": "All ratings"}).json()["name"] == "All ratings"
    second = built(rita, here, 2)
    assert (second["gone"], second["report"]["left_out"]) == (0, {"chat_deleted": 1})
    assert rita.patch(f"{here}/versions/2", json={"used_by": "Adapter 1"}).json()["used_by"] == "Adapter 1"
    assert rita.delete(here).status_code == 409 and rita.delete(f"{here}/versions/1").status_code == 204
    rita.patch(f"{here}/versions/2", json={"used_by": ""})
    assert rita.delete(here).status_code == 204 and rita.get(here).status_code == 404


def test_the_default_of_a_group_counts_until_a_member_decides(signed_in: SignIn) -> None:
    ada, ann = signed_in("ada"), signed_in("ann")
    group = ada.post("/api/v1/groups", json={"name": "Research"}).json()
    assert group["improves_models"] is False
    ada.put(f"/api/v1/groups/{group['id']}/members/ann")
    assert ada.patch(f"/api/v1/groups/{group['id']}", json={"improves_models": True}).json()["improves_models"] is True
    assert ann.get("/api/v1/training-consent").json() == {"agreed": True, "own": False}
    assert ann.put("/api/v1/training-consent", json={"agreed": False}).json() == {"agreed": False, "own": True}
    assert ann.put("/api/v1/training-consent", json={"agreed": None}).json() == {"agreed": True, "own": False}
