"""The context that the model reads of a conversation, over REST."""

from __future__ import annotations

from dataclasses import replace

import httpx

from samples.fakes import MODEL, FakeRouter


def test_a_long_conversation_is_summarized_and_the_summary_edited(ann: httpx.Client, router: FakeRouter) -> None:
    router.available = [replace(MODEL, context=512)]
    chat = ann.post("/api/v1/conversations", json={}).json()["id"]
    for number in range(4):
        told = ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": f"Question {number}. " * 12}).json()["answer"]
        assert told["status"] == "done"
    assert told["context"]["summarized"] > 0 and told["context"]["left_out"] == [] and told["context"]["parts"] == []
    context = ann.get(f"/api/v1/conversations/{chat}/context").json()
    assert context["context"] == 512 and context["reserve"] == 128
    assert {part["kind"] for part in context["parts"]} == {"summary", "turns"}
    summary = context["summary"]
    edited = ann.put(f"/api/v1/conversations/{chat}/summary", json={"id": summary["id"], "text": "They asked often."})
    assert edited.status_code == 200 and edited.json()["edited_at"]
    assert ann.put(f"/api/v1/conversations/{chat}/summary", json={"id": "none", "text": "x"}).status_code == 404
    assert ann.put(f"/api/v1/messages/{told['id']}/pinned", json={"pinned": True}).json() == {"pinned": True}
    assert ann.get(f"/api/v1/conversations/{chat}/messages").json()["items"][-1]["pinned"] is True
