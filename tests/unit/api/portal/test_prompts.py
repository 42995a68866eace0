"""The library of prompts over REST."""

from __future__ import annotations

from collections.abc import Callable

import httpx


def test_a_prompt_is_written_changed_restored_published_and_removed(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    made = ann.post("/api/v1/prompts", json={"title": "Meeting", "text": "Summarize the meeting with [client]."})
    assert made.status_code == 201 and made.json()["blanks"] == ["client"], made.text
    path = f"/api/v1/prompts/{made.json()['id']}"
    assert ann.patch(path, json={"text": "Summarize."}).json()["version"] == 2
    assert [each["number"] for each in ann.get(f"{path}/versions").json()["items"]] == [2, 1]
    assert ann.post(f"{path}/versions/1/restore").json()["blanks"] == ["client"]
    assert ann.patch(path, json={"share": "everyone"}).status_code == 403
    assert ann.patch(path, json={}).status_code == 422
    ada = signed_in("ada")
    theirs = ada.post("/api/v1/prompts", json={"title": "Style", "text": "Rewrite."}).json()["id"]
    published = ada.patch(f"/api/v1/prompts/{theirs}", json={"share": "everyone", "starter": True}).json()
    assert (published["share"], published["starter"]) == ("everyone", True)
    assert [each["title"] for each in ann.get("/api/v1/prompts").json()["items"]] == ["Meeting", "Style"]
    assert ada.get(path).status_code == 404, "nobody reads what is not shared"
    assert ann.delete(f"/api/v1/prompts/{theirs}").status_code == 403
    assert ann.delete(path).status_code == 204 and ann.get(path).status_code == 404
