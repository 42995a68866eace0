"""Serve answers of several models side by side, and the votes on them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import uuid4

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.answering.starting import begun
from api.identity import SignedIn
from api.portal.shapes import Asked, FileId, FolderId, Id, Line, Sampling
from api.services import PortalHere
from core.chat.records import NewQuestion, TurnOptions
from core.chat.turns import MAX_LANES
from core.documents.records import MAX_CHOSEN
from core.inference.records import Source
from core.review.records import Comparison, Vote

router = APIRouter(prefix="/api/v1", tags=["conversations"])


class SameQuestion(Sampling):
    text: str = Field(description="The question. May be empty if files are attached.")
    models: list[Line] = Field(min_length=2, max_length=MAX_LANES, description="Names from /v1/models; each gives an answer.")
    files: list[FileId] = Field(default_factory=list, max_length=100)
    thinking: bool = True
    separate: bool = Field(default=False, description="Each model reads its own earlier answers of such questions, not those of the first.")
    collections: list[FolderId] = Field(default_factory=list, max_length=MAX_CHOSEN, description="Collections to answer from.")
    request_id: str = Field(default_factory=lambda: uuid4().hex, description="Sending the same id again asks nothing new.")


class VoteIn(Asked):
    vote: Literal["one", "alike", "poor"]
    preferred_id: FolderId | None = Field(default=None, description="The best answer, with vote one.")


class LaneOut(BaseModel):
    turn_id: str
    answer_id: str
    model: str


class ComparisonOut(BaseModel):
    question_id: str
    conversation_id: str
    lanes: list[LaneOut]
    vote: str | None
    preferred_id: str | None
    created_at: datetime
    separate: bool
    voted_at: datetime | None

    @staticmethod
    def of(found: Comparison) -> ComparisonOut:
        return ComparisonOut(
            question_id=found.question_id,
            conversation_id=found.conversation_id,
            lanes=[LaneOut(turn_id=each.turn_id, answer_id=each.answer_id, model=each.model) for each in found.lanes],
            vote=found.vote.value if found.vote else None,
            preferred_id=found.preferred_id,
            created_at=found.created_at,
            separate=found.separate,
            voted_at=found.voted_at,
        )


@router.post("/conversations/{conversation_id}/side-by-side", status_code=202)
async def ask(conversation_id: Id, body: SameQuestion, portal: PortalHere, user: SignedIn) -> ComparisonOut:
    """Ask two to four models the same question. Returns at once; the answers are versions of one another."""
    new = NewQuestion(
        conversation_id=conversation_id,
        text=body.text,
        options=[
            TurnOptions(
                model=model, thinking=body.thinking, params=body.params(), own_thread=body.separate, collections=tuple(body.collections)
            )
            for model in body.models
        ],
        request_id=body.request_id,
        files=body.files,
    )
    made = await begun(lambda: portal.side_by_side.ask(user, new, source=Source.API))
    return ComparisonOut.of(made)


@router.put("/messages/{message_id}/vote")
def vote(message_id: Id, body: VoteIn, portal: PortalHere, user: SignedIn) -> ComparisonOut:
    """Vote on the answers side by side to this question."""
    return ComparisonOut.of(portal.side_by_side.vote(user, message_id, Vote(body.vote), body.preferred_id))
