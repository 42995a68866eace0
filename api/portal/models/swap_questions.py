"""Serve canary questions and replay questions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Id, Line, Prose
from api.services import PortalHere
from core.models.swaps.records import CanaryQuestion, ReplayQuestion
from core.models.swaps.swaps import MAX_QUESTION_LENGTH

router = APIRouter(prefix="/api/v1", tags=["models"])


class CanaryIn(Asked):
    question: Prose = Field(min_length=1, max_length=MAX_QUESTION_LENGTH)
    model: Line = Field(default="", description="Default: every model.")
    language: Literal["", "en", "zh"] = Field(default="", description="The language of the answer. Default: any.")
    pattern: Line = Field(default="", description="A regular expression that must be found in the answer.")


class CanaryOut(CanaryIn):
    id: str

    @staticmethod
    def of(one: CanaryQuestion) -> CanaryOut:
        language: Literal["", "en", "zh"] = "en" if one.language == "en" else "zh" if one.language == "zh" else ""
        return CanaryOut(id=one.id, question=one.question, model=one.model, language=language, pattern=one.pattern)


class CanariesOut(BaseModel):
    items: list[CanaryOut]


class ReplayIn(Asked):
    model: Line = Field(min_length=1)
    question: Prose = Field(min_length=1, max_length=MAX_QUESTION_LENGTH)
    accepted: Prose = Field(min_length=1, max_length=10 * MAX_QUESTION_LENGTH, description="The answer that was accepted.")


class ReplayOut(ReplayIn):
    id: str
    created_at: datetime

    @staticmethod
    def of(one: ReplayQuestion) -> ReplayOut:
        return ReplayOut(id=one.id, model=one.model, question=one.question, accepted=one.accepted, created_at=one.created_at)


class ReplaysOut(BaseModel):
    items: list[ReplayOut]


@router.get("/canary-questions")
def canaries(portal: PortalHere, user: SignedIn) -> CanariesOut:
    """List the questions that a new version must answer correctly before it serves."""
    return CanariesOut(items=[CanaryOut.of(one) for one in portal.swaps.canaries(user)])


@router.post("/canary-questions", status_code=201)
def add_canary(body: CanaryIn, portal: PortalHere, user: SignedIn) -> CanaryOut:
    added = portal.swaps.add_canary(user, body.question, model=body.model, language=body.language, pattern=body.pattern)
    return CanaryOut.of(added)


@router.delete("/canary-questions/{canary_id}", status_code=204)
def remove_canary(canary_id: Id, portal: PortalHere, user: SignedIn) -> None:
    portal.swaps.remove_canary(user, canary_id)


@router.get("/replay-questions")
def replays(portal: PortalHere, user: SignedIn, model: Annotated[Line | None, Query()] = None) -> ReplaysOut:
    """List the questions with accepted answers that a new version is compared with."""
    return ReplaysOut(items=[ReplayOut.of(one) for one in portal.swaps.replays(user, model)])


@router.post("/replay-questions", status_code=201)
def add_replay(body: ReplayIn, portal: PortalHere, user: SignedIn) -> ReplayOut:
    return ReplayOut.of(portal.swaps.add_replay(user, body.model, body.question, body.accepted))


@router.post("/messages/{message_id}/replay-question", status_code=201)
def accept(message_id: Id, portal: PortalHere, user: SignedIn) -> ReplayOut:
    """Store one of your answers and its question as a replay question."""
    return ReplayOut.of(portal.accepted_answers.accept(user, message_id))


@router.post("/feedback/{feedback_id}/replay-question", status_code=201)
def accept_case(feedback_id: Id, portal: PortalHere, user: SignedIn) -> ReplayOut:
    """Store the answer of a review case and its question as a replay question."""
    return ReplayOut.of(portal.accepted_answers.accept_case(user, feedback_id))


@router.delete("/replay-questions/{replay_id}", status_code=204)
def remove_replay(replay_id: Id, portal: PortalHere, user: SignedIn) -> None:
    portal.swaps.remove_replay(user, replay_id)
