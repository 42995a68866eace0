"""Serve a person's notices."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, FolderId
from api.services import PortalHere
from core.notices.records import Notice, NoticeChoices, NoticeKind
from core.notices.service import MAX_LISTED

router = APIRouter(prefix="/api/v1/notices", tags=["notices"])


class NoticeOut(BaseModel):
    id: str
    kind: NoticeKind
    subject: str = Field(description="The title of a chat, or the kind of a job.")
    target: str = Field(description="The id of the conversation, link or job; empty if it is gone.")
    created_at: datetime
    read_at: datetime | None

    @staticmethod
    def of(notice: Notice) -> NoticeOut:
        return NoticeOut(
            id=notice.id, kind=notice.kind, subject=notice.subject, target=notice.target, created_at=notice.created_at,
            read_at=notice.read_at,
        )  # fmt: skip


class NoticesOut(BaseModel):
    items: list[NoticeOut]
    unread: int


class ChoicesOut(BaseModel):
    browser: bool
    titles: bool


class PutChoices(Asked):
    browser: bool = Field(description="Browsers show notices, where the person allows it there too.")
    titles: bool = Field(default=True, description="They show the titles of chats.")


@router.get("")
def listing(
    portal: PortalHere,
    user: SignedIn,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 20,
    before: Annotated[datetime | None, Query(description="Only older ones: created_at of the last that was listed.")] = None,
) -> NoticesOut:
    """List your notices, newest first, and count the unread ones."""
    found = portal.notices.list(user, limit, before)
    return NoticesOut(items=[NoticeOut.of(each) for each in found], unread=portal.notices.unread(user).count)


@router.post("/read", status_code=204)
def mark_all_read(portal: PortalHere, user: SignedIn) -> None:
    """Mark all your notices as read."""
    portal.notices.mark_all_read(user)


@router.get("/settings")
def choices(portal: PortalHere, user: SignedIn) -> ChoicesOut:
    found = portal.notices.choices(user)
    return ChoicesOut(browser=found.browser, titles=found.titles)


@router.put("/settings")
def choose(body: PutChoices, portal: PortalHere, user: SignedIn) -> ChoicesOut:
    """Choose what your browsers show."""
    portal.notices.choose(user, NoticeChoices(browser=body.browser, titles=body.titles))
    return ChoicesOut(browser=body.browser, titles=body.titles)


@router.post("/{notice_id}/read", status_code=204)
def mark_read(notice_id: FolderId, portal: PortalHere, user: SignedIn) -> None:
    """Mark one of your notices as read."""
    portal.notices.mark_read(user, notice_id)
