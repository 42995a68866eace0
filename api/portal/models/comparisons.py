"""Compare two model files, and vote blindly on their answers. For admins."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Line
from api.services import PortalHere
from core.comparing.metrics import preference_interval, summarize, verdict
from core.comparing.records import Comparison, QuestionResult, QuestionSet, VoteChoice, VoteCounts

router = APIRouter(prefix="/api/v1/models/comparisons", tags=["models"])

ComparisonId = Annotated[str, InPath(max_length=64)]


class ComparisonIn(Asked):
    reference: Line = Field(min_length=1, description="A name in the models folder or a path on the server: the more precise file.")
    candidate: Line = Field(min_length=1, description="The file to judge.")
    sets: list[Annotated[QuestionSet, Field(strict=False)]] = Field(default=[QuestionSet.BUILT_IN], max_length=2)


class VoteIn(Asked):
    number: int = Field(ge=0, description="The question, as the ballot numbers it.")
    choice: Literal["a", "b", "alike", "poor"]


class BallotOut(BaseModel):
    number: int
    question: str
    answer_a: str
    answer_b: str
    voted: int
    of: int


class NextBallotOut(BaseModel):
    ballot: BallotOut | None = Field(description="The next question without a vote of this person; null after the last one.")


class MetricsOut(BaseModel):
    """Figures of both files. Each pair is (reference, candidate)."""

    tokens: int
    kl_mean: float = Field(description="In nats.")
    same_top: float = Field(description="Share of the tokens for which both prefer the same next token, 0 to 1.")
    kl_shares: list[float] = Field(description="Share of the tokens below 0.001, 0.01, 0.1 and 0.5 nats, and above.")
    perplexity: list[float]
    tokens_per_second: list[float | None]


class VotesOut(BaseModel):
    reference: int
    candidate: int
    alike: int
    poor: int
    preferred: list[float] | None = Field(description="Share of the decided votes for the candidate, and its 95 % interval.")

    @staticmethod
    def of(votes: VoteCounts) -> VotesOut:
        counts = {choice.value: votes.get(choice, 0) for choice in VoteChoice}
        interval = preference_interval(votes)
        return VotesOut(**counts, preferred=list(interval) if interval else None)


class QuestionOut(BaseModel):
    number: int
    question: str
    tokens: int
    kl_mean: float
    same_top: float
    answers: list[str] = Field(description="Reference, candidate.")

    @staticmethod
    def of(number: int, result: QuestionResult) -> QuestionOut:
        return QuestionOut(
            number=number, question=result.question, tokens=result.tokens, kl_mean=result.kl_mean,
            same_top=result.same_top / result.tokens if result.tokens else 1.0, answers=list(result.texts),
        )  # fmt: skip


class ComparisonOut(BaseModel):
    id: str = Field(description="The ID of the job, too.")
    state: Literal["running", "done", "failed"]
    reference: str
    candidate: str
    size_bytes: list[int]
    memory_bytes: list[int]
    questions: int
    started_by: str
    created_at: datetime
    ended_at: datetime | None
    error: str | None

    @staticmethod
    def of(each: Comparison) -> ComparisonOut:
        files = (each.reference, each.candidate)
        return ComparisonOut(
            id=each.id, state="running" if each.ended_at is None else "done" if each.done else "failed",
            reference=str(each.reference.path), candidate=str(each.candidate.path), size_bytes=[file.size_bytes for file in files],
            memory_bytes=[file.memory_bytes for file in files], questions=each.questions, started_by=each.started_by_name,
            created_at=each.created_at, ended_at=each.ended_at, error=str(each.error) if each.error else None,
        )  # fmt: skip


class ComparisonsOut(BaseModel):
    items: list[ComparisonOut]


class ReportOut(BaseModel):
    comparison: ComparisonOut
    verdict: str | None
    figures: MetricsOut | None = Field(description="Null until it is done.")
    votes: VotesOut
    questions: list[QuestionOut]


@router.get("")
def comparisons(portal: PortalHere, user: SignedIn) -> ComparisonsOut:
    """List comparisons, newest first."""
    return ComparisonsOut(items=[ComparisonOut.of(each) for each in portal.comparisons.list(user)])


@router.post("", status_code=202)
def compare(body: ComparisonIn, portal: PortalHere, user: SignedIn) -> ComparisonOut:
    """Start comparing two files of a model; follow it with GET /api/v1/jobs/{id}."""
    folder = portal.models.folder
    return ComparisonOut.of(portal.comparisons.start(user, folder / Path(body.reference), folder / Path(body.candidate), body.sets))


@router.get("/{comparison_id}")
def report(comparison_id: ComparisonId, portal: PortalHere, user: SignedIn) -> ReportOut:
    """Read a comparison: figures, answers and votes."""
    found = portal.comparisons.get(user, comparison_id)
    counts: dict[VoteChoice, int] = {}
    for votes in portal.comparisons.votes(user, comparison_id).values():
        for choice, n in votes.items():
            counts[choice] = counts.get(choice, 0) + n
    figures = None
    if found.done and found.results:
        made = summarize(found.results)
        figures = MetricsOut(
            tokens=made.tokens, kl_mean=made.kl_mean, same_top=made.same_top, kl_shares=list(made.kl_shares),
            perplexity=list(made.perplexity), tokens_per_second=list(made.tokens_per_second),
        )  # fmt: skip
    return ReportOut(
        comparison=ComparisonOut.of(found), verdict=" ".join(str(each) for each in verdict(found)) if figures else None, figures=figures,
        votes=VotesOut.of(counts), questions=[QuestionOut.of(number, each) for number, each in enumerate(found.results)],
    )  # fmt: skip


@router.delete("/{comparison_id}", status_code=204)
def remove(comparison_id: ComparisonId, portal: PortalHere, user: SignedIn) -> Response:
    """Delete a comparison with its votes."""
    portal.comparisons.remove(user, comparison_id)
    return Response(status_code=204)


@router.get("/{comparison_id}/ballot")
def ballot(comparison_id: ComparisonId, portal: PortalHere, user: SignedIn) -> NextBallotOut:
    """Return two answers without the names of their files."""
    following = portal.comparisons.ballot(user, comparison_id)
    if following is None:
        return NextBallotOut(ballot=None)
    return NextBallotOut(
        ballot=BallotOut(
            number=following.number, question=following.question, answer_a=following.answer_a, answer_b=following.answer_b,
            voted=following.voted, of=following.of,
        )
    )  # fmt: skip


@router.post("/{comparison_id}/votes")
def vote(comparison_id: ComparisonId, body: VoteIn, portal: PortalHere, user: SignedIn) -> NextBallotOut:
    """Vote on a question, and get the next one."""
    portal.comparisons.vote(user, comparison_id, body.number, body.choice)
    return ballot(comparison_id, portal, user)
