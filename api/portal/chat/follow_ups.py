"""Serve the question that waits for the running answer of a conversation."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.chat.conversations import Question
from api.portal.shapes import Id
from api.services import PortalHere
from core.chat.follow_ups.records import FollowUp
from core.chat.follow_ups.service import NOT_QUEUED
from core.errors import NotFound

router = APIRouter(prefix="/api/v1", tags=["conversations"])


class NextQuestion(Question):
    """A question that waits; request_id and stream have no effect."""


class FollowUpOut(BaseModel):
    id: str
    text: str
    model: str | None
    files: list[str]
    created_at: datetime
    error: str | None = Field(description="Why it could not be sent. It then waits until it is taken back or sent again.")

    @staticmethod
    def of(follow_up: FollowUp) -> FollowUpOut:
        return FollowUpOut(
            id=follow_up.id,
            text=follow_up.text,
            model=follow_up.options.model,
            files=list(follow_up.files),
            created_at=follow_up.created_at,
            error=str(follow_up.error) if follow_up.error else None,
        )


@router.get("/conversations/{conversation_id}/follow-up")
def read(conversation_id: Id, portal: PortalHere, user: SignedIn) -> FollowUpOut:
    found = portal.follow_ups.get(user, conversation_id)
    if found is None:
        raise NotFound(NOT_QUEUED)
    return FollowUpOut.of(found)


@router.put("/conversations/{conversation_id}/follow-up", status_code=202)
def put(conversation_id: Id, body: NextQuestion, portal: PortalHere, user: SignedIn) -> FollowUpOut:
    """Queue the next question; without a running answer it is sent at once."""
    return FollowUpOut.of(portal.follow_ups.put(user, conversation_id, body.text, body.options(), body.files))


@router.delete("/conversations/{conversation_id}/follow-up")
def take_back(conversation_id: Id, portal: PortalHere, user: SignedIn) -> FollowUpOut:
    return FollowUpOut.of(portal.follow_ups.take_back(user, conversation_id))
