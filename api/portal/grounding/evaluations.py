"""Evaluate models on images with known boxes, and list the results."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Line
from api.portal.tasks.jobs import JobOut
from api.services import PortalHere
from core.grounding.evaluation.records import Evaluation, Score

router = APIRouter(prefix="/api/v1/ground-evaluations", tags=["grounding"])


class EvaluationIn(Asked):
    model: Line = Field(description="A model of /api/v1/ground/models.")


class ScoreOut(BaseModel):
    """Counts of boxes; a found box is right if its IoU with a known box is at least 0.5."""

    right: int
    wrong: int = Field(description="Found, but not there.")
    missed: int = Field(description="There, but not found.")
    precision: float | None = Field(description="The share of the found boxes that are right; null if none was found.")
    recall: float | None = Field(description="The share of the boxes that were found.")

    @staticmethod
    def of(score: Score) -> ScoreOut:
        return ScoreOut(right=score.right, wrong=score.wrong, missed=score.missed, precision=score.precision, recall=score.recall)


class EvaluationOut(BaseModel):
    id: str = Field(description="Of its job, too.")
    model: str
    model_version: str
    set_version: str = Field(description="Of the labelled images: results of different ones are not comparable.")
    shapes: ScoreOut
    texts: ScoreOut
    total: ScoreOut
    images: int
    seconds: float = Field(description="What the model took for all images.")
    created_at: datetime

    @staticmethod
    def of(evaluation: Evaluation) -> EvaluationOut:
        return EvaluationOut(
            id=evaluation.id,
            model=evaluation.model,
            model_version=evaluation.model_version,
            set_version=evaluation.set_version,
            shapes=ScoreOut.of(evaluation.shapes),
            texts=ScoreOut.of(evaluation.texts),
            total=ScoreOut.of(evaluation.total),
            images=evaluation.images,
            seconds=round(evaluation.seconds, 3),
            created_at=evaluation.created_at,
        )


class EvaluationsOut(BaseModel):
    items: list[EvaluationOut]


@router.post("", status_code=202)
def start(body: EvaluationIn, portal: PortalHere, user: SignedIn) -> JobOut:
    """Evaluate a model in a job; its result is listed once the job is done. For people who run models."""
    return JobOut.of(portal.ground_evaluations.start(user, body.model))


@router.get("")
def listing(
    portal: PortalHere,
    user: SignedIn,
    model: Annotated[Line | None, Query(description="Only results of this model.")] = None,
    limit: int = 50,
) -> EvaluationsOut:
    """List results, newest first."""
    return EvaluationsOut(items=[EvaluationOut.of(each) for each in portal.ground_evaluations.list(user, model, limit)])
