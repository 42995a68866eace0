"""Memories over REST."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from samples.fakes import FakeRouter


def test_memories_go_with_chats_of_their_person_and_not_with_requests_of_programs(
    ann: httpx.Client, signed_in: Callable[[str], httpx.Client], router: FakeRouter
) -> None:
    path = "/api/v1/memories"
    assert ann.get(path).json() == {"available": True, "on": False, "proposed": [], "items": []}
    fact = ann.post(path, json={"text": "The user trades bonds."}).json()
    assert ann.put(f"{path}/use", json={"on": True}).json() == {"available": True, "on": True}
    chat = ann.post("/api/v1/conversations", json={}).json()
    assert chat["memory"] is True
    asked = f"/api/v1/conversations/{chat['id']}/messages"
    answer = ann.post(asked, json={"text": "Hello?"}).json()["answer"]
    assert [each["id"] for each in answer["context"]["memories"]] == [fact["id"]]
    assert "The user trades bonds." in router.requests[-1].messages[0].content
    assert ann.patch(f"/api/v1/conversations/{chat['id']}", json={"memory": False}).json()["memory"] is False
    assert ann.post(asked, json={"text": "And now?"}).json()["answer"]["context"] is None

    ann.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "Hi"}]})
    assert [each.role for each in router.requests[-1].messages] == ["user"]
    assert signed_in("ada").get(path).json()["items"] == [], "admins do not read them either"
    assert ann.patch(f"{path}/{fact['id']}", json={"text": "The user trades swaps."}).json()["text"] == "The user trades swaps."
    assert ann.post(path, json={"text": "The user trades swaps"}).status_code == 409
    exported = ann.get(f"{path}/export")
    assert exported.headers["content-disposition"] == "attachment; filename*=UTF-8''memories.json"
    assert [each["text"] for each in exported.json()["memories"]] == ["The user trades swaps."]
    assert ann.delete(f"{path}/{fact['id']}").status_code == 204
    assert ann.delete(path).json() == {"deleted": 0}
