"""Search over own chats, for reviewers over feedback, for admins over the audit."""

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
    snippet: str = Field(description="HTML: found words stand in <mark>, everything else is escaped.")
    at: datetime
    files: list[str] = Field(description="The names of the files attached to a question.")

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
    items: list[FoundItemOut] = Field(description="Newest first. May be fewer than limit: what the store no longer has is left out.")
    total: int = Field(description="What the index counts in all, up to a bound.")
    total_is_at_least: bool = Field(description="True where there are more than total.")
    engine: str
    behind_seconds: float = Field(description="How long the oldest change has been waiting for the index; 0 if it has everything.")
    next_cursor: str | None = Field(description="Send it as cursor to read on; null at the end.")

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
    q: Annotated[Line, Query(description="Words that must all occur.")],
    kind: Annotated[DocumentKind | None, Query(description="Left out: own conversations and messages.")] = None,
    since: Annotated[Moment | None, Query(description="Included.")] = None,
    until: Annotated[Moment | None, Query(description="Not included.")] = None,
    model: Annotated[Line | None, Query(description="Only answers and ratings of this model.")] = None,
    rating: Annotated[Literal["1", "-1", "0"] | None, Query(description="Only answers and ratings so rated; 0: unrated answers.")] = None,
    folder: Annotated[FolderId | None, Query(description="The id of an own folder: only chats in it, and what was said in them.")] = None,
    has_file: Annotated[bool, Query(description="Only questions with files attached, and chats that have some.")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[Line | None, Query(description="next_cursor of the page before.")] = None,
) -> FoundOut:
    """Where all the words occur, newest first."""
    rated = int(rating) if rating else None
    found = portal.search.find(
        user, q, kind, since=since, until=until, model=model, rating=rated, folder=folder, has_file=has_file, limit=limit, cursor=cursor
    )  # fmt: skip
    return FoundOut.of(found)


def marked_html(snippet: str) -> str:
    return html.escape(snippet, quote=True).replace(MARK_START, "<mark>").replace(MARK_END, "</mark>")
