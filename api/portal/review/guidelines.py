"""Let reviewers read the guidelines, and let those who set up the review write them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Prose
from api.services import PortalHere
from core.review.judging.records import Guidelines

router = APIRouter(prefix="/api/v1", tags=["feedback"])
Version = Annotated[int, Path(ge=1, le=999_999_999, description="The number of a version.")]


class GuidelinesOut(BaseModel):
    version: int = Field(description="0 before the first version.")
    text: str = Field(description="Markdown.")
    author_name: str | None
    saved_at: datetime | None

    @staticmethod
    def of(found: Guidelines | None) -> GuidelinesOut:
        if found is None:
            return GuidelinesOut(version=0, text="", author_name=None, saved_at=None)
        return GuidelinesOut(version=found.version, text=found.text, author_name=found.author_name, saved_at=found.saved_at)


class GuidelinesVersions(BaseModel):
    items: list[GuidelinesOut]


class NewGuidelines(Asked):
    text: Prose = Field(description="Markdown, at most 20,000 characters; empty withdraws the guidelines.")
    based_on: int = Field(ge=0, description="The version that was edited; 0 for none.")


@router.get("/review-guidelines")
def current(portal: PortalHere, user: SignedIn) -> GuidelinesOut:
    """Return the newest version."""
    return GuidelinesOut.of(portal.review_guidelines.current(user))


@router.put("/review-guidelines")
def save(body: NewGuidelines, portal: PortalHere, user: SignedIn) -> GuidelinesOut:
    """Save a new version."""
    return GuidelinesOut.of(portal.review_guidelines.save(user, body.text, body.based_on))


@router.get("/review-guidelines/versions")
def versions(portal: PortalHere, user: SignedIn) -> GuidelinesVersions:
    """List the newest 50 versions, newest first."""
    return GuidelinesVersions(items=[GuidelinesOut.of(each) for each in portal.review_guidelines.versions(user)])


@router.get("/review-guidelines/versions/{number}")
def version(number: Version, portal: PortalHere, user: SignedIn) -> GuidelinesOut:
    """Return one version."""
    return GuidelinesOut.of(portal.review_guidelines.version(user, number))
