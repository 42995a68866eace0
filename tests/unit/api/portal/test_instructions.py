"""Instructions over REST."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from samples.fakes import FakeRouter


def test_instructions_go_with_chats_and_not_with_requests_of_programs(
    ann: httpx.Client, signed_in: Callable[[str], httpx.Client], router: FakeRouter
) -> None:
    changed = ann.put("/api/v1/instructions", json={"text": "Answer briefly."})
    assert changed.status_code == 200 and changed.json()["applying"][0]["holder"] == "person", changed.text
    chat = ann.post("/api/v1/conversations", json={}).json()
    assert chat["instructions"] is True
    asked = f"/api/v1/conversations/{chat['id']}/messages"
    answer = ann.post(asked, json={"text": "Hello?"}).json()["answer"]
    assert [each["holder"] for each in answer["context"]["instructions"]] == ["person"]
    assert ann.patch(f"/api/v1/conversations/{chat['id']}", json={"instructions": False}).json()["instructions"] is False
    assert ann.post(asked, json={"text": "And now?"}).json()["answer"]["context"] is None

    ann.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "Hi"}]})
    assert [each.role for each in router.requests[-1].messages] == ["user"]
    assert ann.put("/api/v1/instructions", json={"text": "x" * 4_001}).status_code == 422
    assert ann.put("/api/v1/instructions", json={"text": ""}).json() == {"text": "", "applying": []}

    ada = signed_in("ada")
    group = ada.post("/api/v1/groups", json={"name": "Risk"}).json()["id"]
    path = f"/api/v1/groups/{group}/instructions"
    assert ada.put(path, json={"text": "Quote no prices."}).json() == ada.get(path).json() == {"text": "Quote no prices."}
    assert ann.get(path).status_code == 404
