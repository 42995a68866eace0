"""Let reviewers find cases, change them, and say who works on which."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.review.case_shapes import CaseOut, ChangedFields, EventOut, Number, QueryFields, QueryHere
from api.portal.shapes import Asked, Line, Prose
from api.services import PortalHere
from core.errors import InvalidInput
from core.review.cases.records import SavedView
from core.review.names import RevealReason

router = APIRouter(prefix="/api/v1", tags=["feedback"])


class CasePageOut(BaseModel):
    items: list[CaseOut]
    total: int = Field(description="Total number of matches.")
    next_cursor: str | None = Field(description="null on the last page.")


class ProgressOut(BaseModel):
    open: int = Field(description="Open complaints of all groups.")
    touched: int = Field(description="Cases that you changed today (UTC).")
    closed: int = Field(description="Cases that you closed today.")


class Change(ChangedFields):
    version: int = Field(description="The version that the change is based on.")
    note: Prose | None = Field(default=None, description="For reviewers only; at most 4,000 characters.")
    reply: Prose | None = Field(default=None, description="The rater reads it on My feedback, without your name; at most 2,000 characters.")
    correction: Prose | None = Field(default=None, description="The answer as it should have been; at most 20,000 characters.")


class OneOfMany(Asked):
    number: int
    version: int


class ChangeMany(ChangedFields):
    cases: list[OneOfMany] = Field(description="At most 200.")
    add_tags: list[Line] = Field(default_factory=list, description="Tags to add to those that each case has.")


class Left(BaseModel):
    number: int
    error: str


class ManyChangedOut(BaseModel):
    changed: list[int]
    left: list[Left] = Field(description="Cases that could not be changed, and why.")


class Work(Asked):
    take_over: bool = Field(default=False, description="true: also if another reviewer works on the case.")


class Reveal(Asked):
    reason: Literal["ask_back", "check", "incident", "other"]
    why: Line = Field(description="In a few words, at most 200 characters. The rater reads it.")


class Revealed(BaseModel):
    until: datetime


class ViewOut(BaseModel):
    name: str
    query: QueryFields
    shared: bool = Field(description="Whether all reviewers see it.")
    owner_name: str = Field(description="Who shares it; empty for your own.")

    @staticmethod
    def of(view: SavedView) -> ViewOut:
        return ViewOut(name=view.name, query=QueryFields.of(view.query), shared=view.shared, owner_name=view.owner_name)


class Views(BaseModel):
    items: list[ViewOut]


@router.get("/cases")
def listing(
    portal: PortalHere,
    user: SignedIn,
    query: QueryHere,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[Line | None, Query(description="`next_cursor` of the page before.")] = None,
) -> CasePageOut:
    """List cases, the highest priority first, then the newest."""
    page = portal.case_queue.find(user, query, limit, cursor)
    return CasePageOut(items=[CaseOut.of(each) for each in page.cases], total=page.total, next_cursor=page.next_cursor)


@router.get("/cases/progress")
def progress(portal: PortalHere, user: SignedIn) -> ProgressOut:
    """Return the number of open complaints, and what you did today."""
    found = portal.case_queue.progress(user)
    return ProgressOut(open=found.open, touched=found.touched, closed=found.closed)


@router.get("/cases/tags")
def tags(portal: PortalHere, user: SignedIn) -> dict[str, int]:
    """Return the tags in use, with the number of their cases."""
    return dict(portal.case_queue.tags(user))


@router.post("/cases/changes")
def change_many(body: ChangeMany, portal: PortalHere, user: SignedIn) -> ManyChangedOut:
    """Change many cases alike."""
    versions = {each.number: each.version for each in body.cases}
    if len(versions) < len(body.cases):
        raise InvalidInput("A case is named twice.")
    result = portal.case_work.change_many(user, versions, body.change(add_tags=tuple(body.add_tags)))
    return ManyChangedOut(changed=list(result.changed), left=[Left(number=n, error=str(why)) for n, why in result.left.items()])


@router.get("/cases/{number}")
def read(number: Number, portal: PortalHere, user: SignedIn) -> CaseOut:
    return CaseOut.of(portal.case_queue.get(user, number))


@router.get("/cases/{number}/history")
def history(number: Number, portal: PortalHere, user: SignedIn) -> list[EventOut]:
    """List what happened to the case, oldest first."""
    return [EventOut.of(each) for each in portal.case_queue.history(user, number)]


@router.patch("/cases/{number}")
def change(number: Number, body: Change, portal: PortalHere, user: SignedIn) -> CaseOut:
    """Change a case, reply to the rater, or close it with an outcome."""
    wanted = body.change(note=body.note, reply=body.reply, correction=body.correction)
    return CaseOut.of(portal.case_work.change(user, number, body.version, wanted))


@router.post("/cases/{number}/close-alike")
def close_alike(number: Number, portal: PortalHere, user: SignedIn) -> ManyChangedOut:
    """Close the open cases with the same question as this closed case."""
    result = portal.case_work.close_alike(user, number)
    return ManyChangedOut(changed=list(result.changed), left=[Left(number=n, error=str(why)) for n, why in result.left.items()])


@router.put("/cases/{number}/lock")
def start(number: Number, body: Work, portal: PortalHere, user: SignedIn) -> CaseOut:
    """Say that you work on the case; repeat it to keep it."""
    return CaseOut.of(portal.case_work.start(user, number, take_over=body.take_over))


@router.delete("/cases/{number}/lock", status_code=204)
def leave(number: Number, portal: PortalHere, user: SignedIn) -> None:
    """Say that you no longer work on the case."""
    portal.case_work.leave(user, number)


@router.post("/cases/{number}/reveal")
def reveal(number: Number, body: Reveal, portal: PortalHere, user: SignedIn) -> Revealed:
    """See the names in the case for 30 minutes. The rater reads who looked, when and why. API keys cannot."""
    return Revealed(until=portal.review_names.reveal(user, number, RevealReason(body.reason), body.why))


@router.get("/case-views")
def views(portal: PortalHere, user: SignedIn) -> Views:
    """List your saved views of the queue, and those that others share."""
    return Views(items=[ViewOut.of(each) for each in portal.case_views.list(user)])


@router.put("/case-views/{name}")
def save_view(
    name: Line, body: QueryFields, portal: PortalHere, user: SignedIn,
    shared: Annotated[bool, Query(description="true: all reviewers see it.")] = False,
) -> ViewOut:  # fmt: skip
    """Save a view, or replace the one of this name."""
    return ViewOut.of(portal.case_views.save(user, name, body.query(), shared=shared))


@router.delete("/case-views/{name}", status_code=204)
def remove_view(name: Line, portal: PortalHere, user: SignedIn) -> None:
    """Delete one of your views."""
    portal.case_views.remove(user, name)
