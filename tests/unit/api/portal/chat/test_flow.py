"""Queued questions, answers side by side and imports, over REST."""

from __future__ import annotations

import json
import time

import httpx

from samples.fakes import FakeRouter
from tests.unit.api.portal.chat.test_conversations import NOBODYS, SignIn, ask, new, until


def test_a_question_is_queued_read_taken_back_and_sent(ann: httpx.Client, router: FakeRouter) -> None:
    chat = new(ann)
    here = f"/api/v1/conversations/{chat}"
    router.hold()
    ann.post(f"{here}/side-by-side", json={"text": "Which?", "models": ["fake", "fake"]})
    queued = ann.put(f"{here}/follow-up", json={"text": "And then?", "temperature": 0.5})
    assert (queued.status_code, queued.json()["text"]) == (202, "And then?")
    assert ann.get(f"{here}/follow-up").json() == queued.json()
    assert ann.put(f"{here}/follow-up", json={"text": "Third"}).status_code == 409
    assert ann.delete(f"{here}/follow-up").json()["text"] == "And then?"
    assert ann.get(f"{here}/follow-up").status_code == 404
    ann.put(f"{here}/follow-up", json={"text": "Last"})
    router.release()
    until(lambda: [each["text"] for each in ann.get(f"{here}/messages").json()["items"]][2:3] == ["Last"])


def test_models_answer_side_by_side_and_the_vote_is_kept(ann: httpx.Client, signed_in: SignIn) -> None:
    chat = new(ann)
    made = ann.post(f"/api/v1/conversations/{chat}/side-by-side", json={"text": "Which?", "models": ["fake", "fake"]})
    assert made.status_code == 202
    asked, best = made.json()["question_id"], made.json()["lanes"][1]["answer_id"]
    vote = {"vote": "one", "preferred_id": best}
    until(lambda: ann.put(f"/api/v1/messages/{asked}/vote", json=vote).status_code == 200)
    last = ann.get(f"/api/v1/conversations/{chat}/messages").json()["items"][-1]
    assert (last["id"], last["rating"], len(last["versions"])) == (best, 1, 2)
    assert signed_in("bob").put(f"/api/v1/messages/{asked}/vote", json=vote).status_code == 404
    kept = {"text": "And then?", "models": ["fake", "fake"], "separate": True}
    assert (made.json()["separate"], ann.post(f"/api/v1/conversations/{chat}/side-by-side", json=kept).json()["separate"]) == (False, True)
    assert ann.post(f"/api/v1/conversations/{chat}/side-by-side", json={"text": "x", "models": ["fake"]}).status_code == 422
    until(lambda: ask(ann, chat).status_code == 200)


def test_an_export_is_imported_with_a_report(ann: httpx.Client) -> None:
    chat = {"conversationId": "l1", "title": "Rates", "messages": [{"messageId": "1", "isCreatedByUser": True, "text": "Rates?"}]}
    form = {"file": ("export.json", json.dumps(chat).encode())}
    file = ann.post("/v1/files", data={"purpose": "batch"}, files=form).json()["id"]
    started = ann.post("/api/v1/chat-imports", json={"file_id": file})
    assert started.status_code == 202
    deadline = time.monotonic() + 60
    while (job := ann.get("/api/v1/chat-imports").json()["items"][0])["state"] in ("waiting", "running"):
        assert time.monotonic() < deadline, "the import never ended"
        time.sleep(0.05)
    assert job["result"] == {"from": "LibreChat", "chats": 1, "messages": 1, "lost": {}}
    assert [each["title"] for each in ann.get("/api/v1/conversations").json()["items"]] == ["Rates"]
    assert ann.post("/api/v1/chat-imports", json={"file_id": NOBODYS}).status_code == 404
