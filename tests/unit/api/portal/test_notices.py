"""Notices over REST."""

from __future__ import annotations

from collections.abc import Callable

import httpx


def test_an_answer_is_listed_and_marked_as_read(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    chat = ann.post("/api/v1/conversations", json={"title": "Rates"}).json()["id"]
    ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": "How much?", "stream": True}).read()
    [notice] = ann.get("/api/v1/notices").json()["items"]
    assert (notice["kind"], notice["subject"], notice["target"], notice["read_at"]) == ("answer_ready", "Rates", chat, None)
    assert signed_in("bob").post(f"/api/v1/notices/{notice['id']}/read").status_code == 404
    assert ann.post(f"/api/v1/notices/{notice['id']}/read").status_code == 204
    assert ann.get("/api/v1/notices").json()["items"][0]["read_at"] is not None
    assert ann.post("/api/v1/notices/read").status_code == 204
    assert ann.get("/api/v1/notices", params={"before": notice["created_at"]}).json() == {"items": [], "unread": 0}


def test_what_browsers_show_is_chosen(ann: httpx.Client) -> None:
    assert ann.get("/api/v1/notices/settings").json() == {"browser": False, "titles": True}
    assert ann.put("/api/v1/notices/settings", json={"browser": True, "titles": False}).json() == {"browser": True, "titles": False}
    assert ann.get("/api/v1/notices/settings").json() == {"browser": True, "titles": False}
