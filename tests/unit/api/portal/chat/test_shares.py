"""Read-only links to snapshots, over REST."""

from __future__ import annotations

import httpx

from tests.unit.api.portal.chat.test_conversations import NOBODYS, SignIn, ask, new


def test_a_link_is_made_listed_opened_and_revoked(ann: httpx.Client, signed_in: SignIn) -> None:
    chat = new(ann, "Plans")
    assert ask(ann, chat).status_code == 200
    made = ann.post(f"/api/v1/conversations/{chat}/shares", json={"days": 7, "masked": True})
    assert made.status_code == 201
    link = made.json()
    assert (link["path"], link["group"], link["masked"]) == (f"/shared?s={link['id']}", None, True)
    assert ann.get(f"/api/v1/conversations/{chat}/shares").json()["items"] == [link]
    bob = signed_in("bob")
    shown = bob.get(f"/api/v1/shares/{link['id']}").json()
    assert [each["text"] for each in shown["messages"]] == ["What is GLM?", "Hello from the fake model"]
    assert "conversation_id" not in shown
    assert bob.delete(f"/api/v1/shares/{link['id']}").status_code == 404
    assert ann.delete(f"/api/v1/shares/{link['id']}").status_code == 204
    revoked, unknown = bob.get(f"/api/v1/shares/{link['id']}"), bob.get(f"/api/v1/shares/{NOBODYS}")
    assert revoked.status_code == unknown.status_code == 404
    assert revoked.json()["error"]["message"] == unknown.json()["error"]["message"]


def test_a_link_for_an_unknown_group_is_refused(ann: httpx.Client) -> None:
    chat = new(ann)
    ask(ann, chat)
    assert ann.post(f"/api/v1/conversations/{chat}/shares", json={"group_id": NOBODYS}).status_code == 404
    assert ann.get("/api/v1/shares/groups").json() == {"items": []}
