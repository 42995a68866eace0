"""Let reviewers judge cases, ask for a second judgement, and decide where two differ."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.review.case_shapes import Number
from api.portal.review.questions import QuestionsOut
from api.portal.shapes import Asked, Line, Prose
from api.services import PortalHere
from core.review.judging.records import Compared, JudgedCase, Judgement

router = APIRouter(prefix="/api/v1", tags=["feedback"])
SeatWord = Literal["first", "second", "decision"]


class Answered(Asked):
    answers: dict[Line, Prose | int | list[Line]] = Field(
        description="By the question's id: a choice's id, a list of ids, a number or a text.", max_length=100
    )


class Second(Asked):
    wanted: bool


class JudgementOut(BaseModel):
    seat: SeatWord
    user_name: str
    answers: dict[str, str]
    questions_version: int
    guidelines_version: int
    judged_at: datetime

    @staticmethod
    def of(judgement: Judgement) -> JudgementOut:
        return JudgementOut(
            seat=judgement.seat.value, user_name=judgement.user_name, answers=dict(judgement.answers),
            questions_version=judgement.questions_version, guidelines_version=judgement.guidelines_version, judged_at=judgement.judged_at,
        )  # fmt: skip


class ComparedOut(BaseModel):
    question: str = Field(description="The question's id.")
    first: str
    second: str
    decided: str | None = Field(description="What a third person decided.")

    @staticmethod
    def of(compared: Compared) -> ComparedOut:
        return ComparedOut(question=compared.question.id, first=compared.first, second=compared.second, decided=compared.decided)


class JudgedCaseOut(BaseModel):
    questions: QuestionsOut
    second: bool = Field(description="Whether a second reviewer judges the case too.")
    seat: SeatWord | None = Field(description="The judgement that you may give or change now; null for none.")
    own: JudgementOut | None
    shown: list[JudgementOut] = Field(description="The judgements that you may see.")
    hidden: bool = Field(description="Whether there is a judgement that you may not see yet.")
    compared: list[ComparedOut]
    result: dict[str, str] = Field(description="The case's judgement; empty until it is final.")

    @staticmethod
    def of(judged: JudgedCase) -> JudgedCaseOut:
        return JudgedCaseOut(
            questions=QuestionsOut.of(judged.questions), second=judged.second, seat=judged.seat.value if judged.seat else None,
            own=JudgementOut.of(judged.own) if judged.own else None, shown=[JudgementOut.of(each) for each in judged.shown],
            hidden=judged.hidden, compared=[ComparedOut.of(each) for each in judged.compared], result=dict(judged.result),
        )  # fmt: skip


@router.get("/cases/{number}/judgements")
def judgements(number: Number, portal: PortalHere, user: SignedIn) -> JudgedCaseOut:
    """Return the judgements of a case that you may see, and what you may do."""
    return JudgedCaseOut.of(portal.review_judgements.of_case(user, number))


@router.put("/cases/{number}/judgement")
def judge(number: Number, body: Answered, portal: PortalHere, user: SignedIn) -> JudgedCaseOut:
    """Judge a case, or change your judgement."""
    return JudgedCaseOut.of(portal.review_judgements.judge(user, number, body.answers))


@router.put("/cases/{number}/decision")
def decide(number: Number, body: Answered, portal: PortalHere, user: SignedIn) -> JudgedCaseOut:
    """Decide the questions on which two reviewers differ."""
    return JudgedCaseOut.of(portal.review_judgements.decide(user, number, body.answers))


@router.put("/cases/{number}/second")
def second(number: Number, body: Second, portal: PortalHere, user: SignedIn) -> JudgedCaseOut:
    """Ask for a second judgement, or no longer."""
    return JudgedCaseOut.of(portal.review_judgements.ask_second(user, number, asked=body.wanted))
