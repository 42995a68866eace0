"""Serve the context that the model reads of a conversation: its use, the summary, pinned turns."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Id, Line
from api.services import PortalHere
from core.chat.context.records import MAX_SUMMARY_LENGTH, Summary

router = APIRouter(prefix="/api/v1", tags=["conversations"])


class SummaryOut(BaseModel):
    id: str
    turns: int = Field(description="It stands for turns 1 to this one.")
    text: str
    model: str = Field(description="The model that wrote it.")
    created_at: datetime
    edited_at: datetime | None = Field(description="When the person changed it.")

    @staticmethod
    def of(summary: Summary) -> SummaryOut:
        return SummaryOut(
            id=summary.id, turns=summary.turns, text=summary.text, model=summary.model, created_at=summary.created_at,
            edited_at=summary.edited_at,
        )  # fmt: skip


class PartOut(BaseModel):
    kind: Literal["instructions", "memory", "tools", "summary", "files", "images", "turns"]
    tokens: int


class ContextUseOut(BaseModel):
    model: str | None = Field(description="null if no model can be asked.")
    tokens: int = Field(description="What the last prompt and its answer took.")
    context: int = Field(description="Tokens that prompt and answer share.")
    reserve: int = Field(description="Tokens kept free for the answer.")
    cut: int = Field(description="Turns 1 to this one no longer fit: the next answer reads a summary in their place. 0: all fit.")
    parts: list[PartOut]
    summary: SummaryOut | None = Field(description="What the last answer read in place of the first turns; null if it read them.")


class EditedSummary(Asked):
    id: str = Field(max_length=64)
    text: str = Field(max_length=4 * MAX_SUMMARY_LENGTH, description=f"1 to {MAX_SUMMARY_LENGTH:,} characters.")


class Pinned(Asked):
    pinned: bool


class PinnedOut(BaseModel):
    pinned: bool


@router.get("/conversations/{conversation_id}/context")
def read(
    conversation_id: Id, portal: PortalHere, user: SignedIn, model: Annotated[Line, Query(description="Default: the default model.")] = ""
) -> ContextUseOut:
    """Return how full the context of a conversation is, and what fills it."""
    summary = portal.context.summary(user, conversation_id)
    shown = None if summary is None else SummaryOut.of(summary)
    use = portal.context.use(user, conversation_id, model or None, parts=True)
    if use is None:
        return ContextUseOut(model=None, tokens=0, context=0, reserve=0, cut=0, parts=[], summary=shown)
    parts = [PartOut(kind=part.kind.value, tokens=part.tokens) for part in use.parts]
    return ContextUseOut(
        model=use.model, tokens=use.tokens, context=use.context, reserve=use.reserve, cut=use.cut, parts=parts, summary=shown
    )  # fmt: skip


@router.put("/conversations/{conversation_id}/summary")
def edit(conversation_id: Id, body: EditedSummary, portal: PortalHere, user: SignedIn) -> SummaryOut:
    """Change the summary that the model reads in place of the first turns."""
    return SummaryOut.of(portal.context.edit_summary(user, conversation_id, body.id, body.text))


@router.put("/messages/{message_id}/pinned")
def pin(message_id: Id, body: Pinned, portal: PortalHere, user: SignedIn) -> PinnedOut:
    """Pin or unpin a turn. The model always reads a pinned turn in full."""
    return PinnedOut(pinned=portal.context.pin(user, message_id, body.pinned).pinned)
