"""Refusals and deletions leave audit events."""

from __future__ import annotations

import httpx

from bootstrap.portal import Portal
from core.people.audit_records import AuditFilter


def subjects(portal: Portal, action: str) -> list[str]:
    admin = portal.accounts.credentials("ada")
    assert admin is not None
    return [entry.event.subject for entry in portal.audit.find(admin.user, AuditFilter(action=action)).entries]


def test_a_refusal_is_recorded_once_a_minute_with_the_route_and_not_the_name(portal: Portal, ann: httpx.Client) -> None:
    for name in ("secret-project", "another"):
        assert ann.patch(f"/api/v1/people/{name}", json={"active": False}).status_code == 403
    assert ann.get("/api/v1/usage").status_code == 403
    assert subjects(portal, "access.refuse") == ["GET /api/v1/usage", "PATCH /api/v1/people/{name}"]


def test_a_deleted_chat_is_recorded_by_its_id(portal: Portal, ann: httpx.Client) -> None:
    chat = ann.post("/api/v1/conversations", json={"title": "Secret"}).json()["id"]
    assert ann.delete(f"/api/v1/conversations/{chat}").status_code in (200, 202, 204)
    assert subjects(portal, "conversation.delete") == [chat]
