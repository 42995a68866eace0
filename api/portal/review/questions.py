"""Let reviewers read the questions, and let those who set up the review write them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Line
from api.services import PortalHere
from core.review.judging.records import Choice, Question, QuestionKind, QuestionSet

router = APIRouter(prefix="/api/v1", tags=["feedback"])
Version = Annotated[int, Path(ge=0, le=999_999_999, description="The number of a version.")]
Kind = Literal["single", "several", "rating", "text"]


class ChoiceShape(Asked):
    id: Annotated[Line, Field(max_length=64)] = Field(default="", description="Empty in a new choice.")
    label: Line


class QuestionShape(Asked):
    id: Annotated[Line, Field(max_length=64)] = Field(default="", description="Empty in a new question.")
    label: Line
    kind: Kind
    description: Line = ""
    required: bool = False
    choices: list[ChoiceShape] = Field(default_factory=list, description="Of single and several: 2 to 12.")
    top: int = Field(default=0, description="The highest number of a rating, 2 to 10; 0 for other kinds.")

    def question(self) -> Question:
        return Question(
            id=self.id, label=self.label, kind=QuestionKind(self.kind), description=self.description, required=self.required,
            choices=tuple(Choice(each.id, each.label) for each in self.choices), top=self.top,
        )  # fmt: skip

    @staticmethod
    def of(question: Question) -> QuestionShape:
        return QuestionShape(
            id=question.id, label=question.label, kind=question.kind.value, description=question.description, required=question.required,
            choices=[ChoiceShape(id=each.id, label=each.label) for each in question.choices], top=question.top,
        )  # fmt: skip


class QuestionsOut(BaseModel):
    version: int = Field(description="0 for the questions of a new portal.")
    questions: list[QuestionShape]
    author_name: str | None
    saved_at: datetime | None

    @staticmethod
    def of(found: QuestionSet) -> QuestionsOut:
        questions = [QuestionShape.of(each) for each in found.questions]
        return QuestionsOut(version=found.version, questions=questions, author_name=found.author_name, saved_at=found.saved_at)


class QuestionsVersions(BaseModel):
    items: list[QuestionsOut]


class NewQuestions(Asked):
    questions: list[QuestionShape] = Field(description="At most 12.")
    based_on: int = Field(ge=0, description="The version that was edited.")


@router.get("/review-questions")
def current(portal: PortalHere, user: SignedIn) -> QuestionsOut:
    """Return the newest version."""
    return QuestionsOut.of(portal.review_questions.current(user))


@router.put("/review-questions")
def save(body: NewQuestions, portal: PortalHere, user: SignedIn) -> QuestionsOut:
    """Save a new version."""
    return QuestionsOut.of(portal.review_questions.save(user, [each.question() for each in body.questions], body.based_on))


@router.get("/review-questions/versions")
def versions(portal: PortalHere, user: SignedIn) -> QuestionsVersions:
    """List the newest 50 versions, newest first."""
    return QuestionsVersions(items=[QuestionsOut.of(each) for each in portal.review_questions.versions(user)])


@router.get("/review-questions/versions/{number}")
def version(number: Version, portal: PortalHere, user: SignedIn) -> QuestionsOut:
    """Return one version."""
    return QuestionsOut.of(portal.review_questions.version(user, number))
