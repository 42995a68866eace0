"""Let people rate their answers, and admins work the review queue."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from api.identity import SignedIn
from api.portal.shapes import Asked, Id, Line, Moment, Prose, at_least_one
from api.services import PortalHere
from core.review.records import Feedback, FeedbackFilter, RatingDetails, ReviewState
from core.usage.csv_cells import BOM, safe_cell

router = APIRouter(prefix="/api/v1", tags=["feedback"])

StateWord = Literal["new", "in_review", "resolved"]
CSV_COLUMNS = (
    "created_at", "user_name", "group", "model", "rating", "comment", "state", "note", "reviewer_name", "question", "answer", "id",
    "reasons", "score", "passage", "better_answer",
)  # fmt: skip
CSV_BLOCK = 200


class Rate(Asked):
    rating: int = Field(description="1 good, -1 poor, 0 withdraws the rating.")
    comment: Prose = Field(default="", description="At most 4,000 characters.")
    form_version: int | None = Field(default=None, ge=0, description="The version of the form that is answered; null for the newest.")
    reasons: list[Line] = Field(default_factory=list, description="Some of the reasons that the rating form offers for this rating.")
    score: int | None = Field(default=None, description="1 not usable at all, 5 usable as it is.")
    passage: Prose = Field(default="", description="The passage of the answer that you mean; at most 1,000 characters.")
    better_answer: Prose = Field(default="", description="At most 20,000 characters.")

    def details(self) -> RatingDetails:
        return RatingDetails(
            form_version=self.form_version, reasons=tuple(self.reasons), score=self.score, passage=self.passage,
            better_answer=self.better_answer,
        )  # fmt: skip


class Details(BaseModel):
    """What a rater answered in the rating form."""

    form_version: int | None = Field(default=None, description="null if the form was not answered.")
    reasons: list[str] = Field(default_factory=list)
    score: int | None = None
    passage: str = ""
    better_answer: str = ""

    @staticmethod
    def of(said: RatingDetails) -> Details:
        return Details(
            form_version=said.form_version, reasons=list(said.reasons), score=said.score, passage=said.passage,
            better_answer=said.better_answer,
        )  # fmt: skip


class Rated(BaseModel):
    message_id: str
    rating: int
    comment: str


class Review(Asked):
    state: StateWord | None = None
    note: Prose | None = Field(default=None, description="At most 4,000 characters.")


class FeedbackOut(BaseModel):
    id: str
    user_name: str | None = Field(description="null while names are hidden.")
    group: str
    conversation_id: str
    message_id: str
    model: str
    rating: int
    comment: str
    state: StateWord
    note: str
    reviewer_name: str | None
    question: str | None = Field(description="null once the owner deleted the chat.")
    answer: str | None
    details: Details
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def of(row: Feedback) -> FeedbackOut:
        return FeedbackOut(
            id=row.id, user_name=row.user_name or None, group=row.group, conversation_id=row.conversation_id, message_id=row.message_id,
            model=row.model, rating=row.rating, comment=row.comment, state=row.state.value, note=row.note, reviewer_name=row.reviewer_name,
            question=row.question, answer=row.answer, details=Details.of(row.details), created_at=row.created_at,
            updated_at=row.updated_at,
        )  # fmt: skip


class FeedbackPage(BaseModel):
    items: list[FeedbackOut]
    total: int = Field(description="Total number of matches.")


def asked_filter(
    rating: Annotated[Literal["1", "-1"] | None, Query(description="1 good, -1 poor.")] = None,
    model: Annotated[Line | None, Query()] = None,
    state: Annotated[StateWord | None, Query()] = None,
    since: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    until: Annotated[Moment | None, Query(description="Exclusive.")] = None,
) -> FeedbackFilter:
    return FeedbackFilter(
        rating=int(rating) if rating else None, model=model, state=ReviewState(state) if state else None, since=since, until=until
    )


FilterHere = Annotated[FeedbackFilter, Depends(asked_filter)]
WordsHere = Annotated[Line, Query(description="Words in question, answer, comment or note.")]


@router.put("/messages/{message_id}/feedback")
def rate(message_id: Id, body: Rate, portal: PortalHere, user: SignedIn) -> Rated:
    """Rate one of your answers. Rating again replaces everything that you said about it."""
    portal.feedback.rate(user, message_id, body.rating, body.comment, body.details())
    return Rated(message_id=message_id, rating=body.rating, comment=body.comment.strip() if body.rating else "")


@router.get("/feedback")
def listing(
    portal: PortalHere,
    user: SignedIn,
    filter: FilterHere,
    q: WordsHere = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> FeedbackPage:
    """List everyone's ratings, newest first."""
    rows, total = portal.feedback.find(user, filter, q, limit, offset)
    return FeedbackPage(items=[FeedbackOut.of(row) for row in rows], total=total)


@router.get("/feedback.csv", response_class=StreamingResponse, responses={200: {"content": {"text/csv": {}}}})
def export(portal: PortalHere, user: SignedIn, filter: FilterHere, q: WordsHere = "") -> StreamingResponse:
    """Export every match as CSV, UTF-8 with a byte order mark. Cells that a spreadsheet would run as a formula start with an apostrophe."""
    rows = portal.feedback.all(user, filter, q)
    # Read the first row here, so that an error becomes a proper response instead of a truncated file.
    first = list(next_block(rows))
    return StreamingResponse(
        csv_blocks(chain(first, rows)),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="feedback.csv"'},
    )


@router.get("/feedback/{feedback_id}")
def read(feedback_id: Id, portal: PortalHere, user: SignedIn) -> FeedbackOut:
    return FeedbackOut.of(portal.feedback.get(user, feedback_id))


@router.patch("/feedback/{feedback_id}")
def review(feedback_id: Id, body: Review, portal: PortalHere, user: SignedIn) -> FeedbackOut:
    """Change the state or the note."""
    at_least_one(state=body.state, note=body.note)
    state = ReviewState(body.state) if body.state else None
    return FeedbackOut.of(portal.case_work.change_rating(user, feedback_id, state=state, note=body.note).feedback)


def next_block(rows: Iterator[Feedback]) -> Iterator[Feedback]:
    for _ in range(CSV_BLOCK):
        row = next(rows, None)
        if row is None:
            return
        yield row


def csv_blocks(rows: Iterator[Feedback]) -> Iterator[str]:
    """Yield the ratings as blocks of CSV text, with a byte order mark and a header row first."""
    buffer = io.StringIO()
    buffer.write(BOM)
    writer = csv.writer(buffer)
    writer.writerow(CSV_COLUMNS)
    while True:
        block = list(next_block(rows))
        for row in block:
            shown = FeedbackOut.of(row).model_dump(mode="json")
            shown |= {**shown["details"], "reasons": ", ".join(row.details.reasons)}
            writer.writerow([safe_cell(shown[column]) for column in CSV_COLUMNS])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        if len(block) < CSV_BLOCK:
            return
