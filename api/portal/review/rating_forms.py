"""Let people read the rating form, and those who set up review change it."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Line
from api.services import PortalHere
from core.review.records import RatingForm

router = APIRouter(prefix="/api/v1", tags=["feedback"])


class FormFields(Asked):
    version: int = Field(ge=0, description="The version that the change is based on.")
    good_reasons: list[Line] = Field(description="For good ratings; at most 12, of at most 40 characters.")
    poor_reasons: list[Line] = Field(description="For poor ratings; at most 12, of at most 40 characters.")
    asks_score: bool = True
    asks_passage: bool = True
    asks_comment: bool = True
    asks_better_answer: bool = True

    def form(self) -> RatingForm:
        return RatingForm(
            version=self.version, good_reasons=tuple(self.good_reasons), poor_reasons=tuple(self.poor_reasons), asks_score=self.asks_score,
            asks_passage=self.asks_passage, asks_comment=self.asks_comment, asks_better_answer=self.asks_better_answer,
        )  # fmt: skip


class FormOut(BaseModel):
    version: int = Field(description="0: the portal's own form, which nobody has changed.")
    good_reasons: list[str]
    poor_reasons: list[str]
    asks_score: bool
    asks_passage: bool
    asks_comment: bool
    asks_better_answer: bool
    saved_at: datetime | None

    @staticmethod
    def of(form: RatingForm) -> FormOut:
        return FormOut(
            version=form.version, good_reasons=list(form.good_reasons), poor_reasons=list(form.poor_reasons), asks_score=form.asks_score,
            asks_passage=form.asks_passage, asks_comment=form.asks_comment, asks_better_answer=form.asks_better_answer,
            saved_at=form.saved_at,
        )  # fmt: skip


class FormVersionOut(FormOut):
    saved_by: str | None

    @staticmethod
    def of(form: RatingForm) -> FormVersionOut:
        return FormVersionOut(**FormOut.of(form).model_dump(), saved_by=form.saved_by)


@router.get("/rating-form")
def current(portal: PortalHere, user: SignedIn) -> FormOut:
    """Return what raters are asked after the thumb."""
    return FormOut.of(portal.rating_forms.current(user))


@router.put("/rating-form")
def save(body: FormFields, portal: PortalHere, user: SignedIn) -> FormOut:
    """Save the next version of the form."""
    return FormOut.of(portal.rating_forms.save(user, body.form()))


@router.get("/rating-form/versions")
def versions(portal: PortalHere, user: SignedIn) -> list[FormVersionOut]:
    """List the saved versions, newest first."""
    return [FormVersionOut.of(each) for each in portal.rating_forms.versions(user)]
