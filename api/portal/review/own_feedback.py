"""Let people read what became of their ratings, and take ratings back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import uuid4

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.review.case_shapes import CaseStateWord
from api.portal.review.feedback import Details
from api.portal.shapes import Asked, Id, Line
from api.services import PortalHere
from core.review.names import Look
from core.review.own_feedback import OwnRating, OwnRatings

router = APIRouter(prefix="/api/v1", tags=["feedback"])


class OwnRatingOut(BaseModel):
    number: int = Field(description="The number of the case.")
    message_id: str
    conversation_id: str | None = Field(description="null if the chat was deleted, or for an image.")
    question: str | None
    rating: int
    comment: str
    model: str
    rated_at: datetime
    state: CaseStateWord
    changed_at: datetime
    fix: str = Field(description="What fixed it.")
    reply: str
    replied_at: datetime | None
    details: Details
    again_id: str | None = Field(description="The conversation in which you asked again after the fix.")
    satisfied: bool | None = Field(description="Whether you said that the fix helped; null for nothing yet.")

    @staticmethod
    def of(own: OwnRating) -> OwnRatingOut:
        return OwnRatingOut(
            number=own.number, message_id=own.message_id, conversation_id=own.conversation_id, question=own.question, rating=own.rating,
            comment=own.comment, model=own.model, rated_at=own.rated_at, state=own.state.value, changed_at=own.changed_at, fix=own.fix,
            reply=own.reply, replied_at=own.replied_at, details=Details.of(own.details),
            again_id=own.again_id, satisfied=own.satisfied,
        )  # fmt: skip


class OwnPageOut(BaseModel):
    items: list[OwnRatingOut]
    counts: dict[str, int] = Field(description="How many ratings each value of `which` has.")
    poor: int
    next_cursor: str | None = Field(description="null on the last page.")


@router.get("/own-feedback")
def listing(
    portal: PortalHere,
    user: SignedIn,
    which: Annotated[Literal["all", "open", "fixed", "good"], Query()] = "all",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[Line | None, Query(description="`next_cursor` of the page before.")] = None,
) -> OwnPageOut:
    """List your ratings and what became of them, newest first."""
    page = portal.own_feedback.find(user, OwnRatings(which), limit, cursor)
    counts = {each.value: n for each, n in page.counts.items()}
    return OwnPageOut(items=[OwnRatingOut.of(each) for each in page.ratings], counts=counts, poor=page.poor, next_cursor=page.next_cursor)


class LookOut(BaseModel):
    number: int = Field(description="The number of the case.")
    question: str | None
    viewer_name: str
    at: datetime
    reason: Literal["ask_back", "check", "incident", "other"]
    why: str

    @staticmethod
    def of(look: Look) -> LookOut:
        return LookOut(
            number=look.number, question=look.question, viewer_name=look.viewer_name, at=look.at, reason=look.reason.value, why=look.why
        )


class LooksOut(BaseModel):
    names_hidden: bool = Field(description="Whether this portal hides the names of raters from reviewers.")
    items: list[LookOut]


@router.get("/own-feedback/looks")
def looks(portal: PortalHere, user: SignedIn) -> LooksOut:
    """List which reviewers saw your name, when and why, newest first; at most 100."""
    return LooksOut(names_hidden=portal.review_names.hidden, items=[LookOut.of(each) for each in portal.review_names.looks(user)])


class AskAgain(Asked):
    request_id: str = Field(default_factory=lambda: uuid4().hex, description="Sending the same id again asks nothing new.")


class AskedAgain(BaseModel):
    conversation_id: str


@router.post("/messages/{message_id}/feedback/again", status_code=201)
def ask_again(message_id: Id, portal: PortalHere, user: SignedIn, body: AskAgain | None = None) -> AskedAgain:
    """Ask the question of your rating again after its fix, in a new conversation."""
    return AskedAgain(conversation_id=portal.asking_again.ask(user, message_id, (body or AskAgain()).request_id))


class FixJudged(Asked):
    satisfied: bool = Field(description="Whether the fix helped. false opens the case again.")


@router.put("/messages/{message_id}/feedback/fix")
def judge_fix(message_id: Id, body: FixJudged, portal: PortalHere, user: SignedIn) -> OwnRatingOut:
    """Say whether the fix of your rating helped."""
    return OwnRatingOut.of(portal.own_feedback.judge_fix(user, message_id, satisfied=body.satisfied))


@router.delete("/messages/{message_id}/feedback", status_code=204)
def take_back(message_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Take your rating of an answer back, also after the chat was deleted."""
    portal.own_feedback.take_back(user, message_id)
