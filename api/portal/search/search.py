"""Search your chats; reviewers also search feedback, admins the audit log."""

from __future__ import annotations

import html
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import FolderId, Line, Moment
from api.services import PortalHere
from core.search.records import MARK_END, MARK_START, DocumentKind
from core.search.search import Found, FoundItem

router = APIRouter(prefix="/api/v1", tags=["search"])


class FoundItemOut(BaseModel):
    kind: DocumentKind
    id: str
    conversation_id: str | None
    message_id: str | None
    snippet: str = Field(description="HTML: matches are in <mark>, everything else is escaped.")
    at: datetime
    files: list[str] = Field(description="Names of the files attached to a question.")

    @staticmethod
    def of(item: FoundItem) -> FoundItemOut:
        return FoundItemOut(
            kind=item.kind,
            id=item.id,
            conversation_id=item.conversation_id,
            message_id=item.message_id,
            snippet=marked_html(item.snippet),
            at=item.at,
            files=list(item.files),
        )


class FoundOut(BaseModel):
    items: list[FoundItemOut] = Field(description="Newest first. May be fewer than limit: deleted items are left out.")
    total: int = Field(description="Total matches in the index, counted up to a limit.")
    total_is_at_least: bool = Field(description="true if there are more than total.")
    engine: str
    behind_seconds: float = Field(description="Age of the oldest change that the index has not received; 0 if it is up to date.")
    next_cursor: str | None = Field(description="Send it as cursor to get the next page; null at the end.")

    @staticmethod
    def of(found: Found) -> FoundOut:
        return FoundOut(
            items=[FoundItemOut.of(item) for item in found.items],
            total=found.total,
            total_is_at_least=found.total_is_at_least,
            engine=found.engine,
            behind_seconds=round(found.behind_seconds, 3),
            next_cursor=found.next_cursor,
        )


@router.get("/search")
def search(
    portal: PortalHere,
    user: SignedIn,
    q: Annotated[Line, Query(description="Words that must all match.")],
    kind: Annotated[DocumentKind | None, Query(description="Default: own conversations and messages.")] = None,
    since: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    until: Annotated[Moment | None, Query(description="Exclusive.")] = None,
    model: Annotated[Line | None, Query(description="Only answers and ratings of this model.")] = None,
    rating: Annotated[Literal["1", "-1", "0"] | None, Query(description=(
        "Only answers and ratings with this rating; 0 means unrated answers."
    ))] = None,
    folder: Annotated[FolderId | None, Query(description="Id of an own folder: search only the chats in it and their messages.")] = None,
    conversation: Annotated[FolderId | None, Query(description="Id of an own conversation: search only in it, in all versions.")] = None,
    has_file: Annotated[bool, Query(description="Only questions with attached files, and their chats.")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[Line | None, Query(description="next_cursor of the previous page.")] = None,
) -> FoundOut:
    """Find everything that contains all the words, newest first."""
    rated = int(rating) if rating else None
    found = portal.search.find(
        user, q, kind, since=since, until=until, model=model, rating=rated, folder=folder, conversation=conversation,
        has_file=has_file, limit=limit, cursor=cursor,
    )  # fmt: skip
    return FoundOut.of(found)


def marked_html(snippet: str) -> str:
    return html.escape(snippet, quote=True).replace(MARK_START, "<mark>").replace(MARK_END, "</mark>")
