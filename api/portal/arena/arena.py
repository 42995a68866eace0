"""Let people vote on two blind answers, and reviewers read the leaderboard."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.download import download
from api.portal.shapes import Asked, Id, Moment
from api.services import PortalHere
from core.arena.records import Choice, Match, Side, VoteFilter, VoteTask
from core.arena.standings import Standing, Standings

router = APIRouter(prefix="/api/v1/arena", tags=["feedback"])

Task = Annotated[VoteTask, Field(strict=False)]


class MatchIn(Asked):
    text: str = Field(description="The question.")
    task: Task | None = Field(default=None, description="What it is about.")


class ArenaVoteIn(Asked):
    choice: Annotated[Choice, Field(strict=False)]


class SideOut(BaseModel):
    text: str = Field(description="Empty until both answers have ended.")
    name: str = Field(description="Empty until the vote.")
    tokens: int | None
    tokens_per_second: float | None

    @staticmethod
    def of(side: Side) -> SideOut:
        return SideOut(text=side.text, name=side.name, tokens=side.tokens, tokens_per_second=side.tokens_per_second)


class MatchOut(BaseModel):
    id: str
    question: str
    task: VoteTask | None
    state: Literal["answering", "ready", "voted", "failed"]
    left: SideOut
    right: SideOut
    choice: Choice | None
    agreed: int = Field(description="Other votes on this pair that say the same.")
    others: int
    error: str | None

    @staticmethod
    def of(match: Match) -> MatchOut:
        return MatchOut(
            id=match.id, question=match.question, task=match.task, state=match.state.value, left=SideOut.of(match.left),
            right=SideOut.of(match.right), choice=match.choice, agreed=match.agreed, others=match.others,
            error=str(match.error) if match.error else None,
        )  # fmt: skip


class OfferedOut(BaseModel):
    questions: list[str]
    ready: bool = Field(description="Whether the user may use two models or presets.")


class StandingOut(BaseModel):
    rank: int | None = Field(description="Shared where intervals overlap; null with too few votes.")
    name: str
    version: str = Field(description="Empty for presets and files.")
    score: float
    low: float = Field(description="The 95 % interval of the score.")
    high: float
    votes: int
    won: float = Field(description="Share of its votes, ties count half.")

    @staticmethod
    def of(row: Standing) -> StandingOut:
        return StandingOut(
            rank=row.rank, name=row.contender.name, version=row.contender.version, score=row.score, low=row.low, high=row.high,
            votes=row.votes, won=row.won,
        )  # fmt: skip


class LeaderboardOut(BaseModel):
    verdict: str
    votes: int
    people: int
    items: list[StandingOut]
    won: list[list[float | None]] = Field(description="Share of the votes that the row won against the column, in the order of items.")

    @staticmethod
    def of(found: Standings) -> LeaderboardOut:
        return LeaderboardOut(
            verdict=" ".join(str(each) for each in found.verdict), votes=found.votes, people=found.people,
            items=[StandingOut.of(row) for row in found.rows], won=[list(row) for row in found.won],
        )  # fmt: skip


def vote_filter(
    since: Annotated[Moment | None, Query()] = None,
    until: Annotated[Moment | None, Query()] = None,
    group: Annotated[str | None, Query(max_length=200)] = None,
    task: Annotated[VoteTask | None, Query(description="Only votes of the Arena have one.")] = None,
) -> VoteFilter:
    return VoteFilter(since=since, until=until, group=group, task=task)


FilterHere = Annotated[VoteFilter, Depends(vote_filter)]


@router.get("/questions")
def questions(portal: PortalHere, user: SignedIn) -> OfferedOut:
    """List questions to take."""
    return OfferedOut(questions=portal.arena.offered(user), ready=portal.arena.ready(user))


@router.post("/matches", status_code=202)
def ask(body: MatchIn, portal: PortalHere, user: SignedIn) -> MatchOut:
    """Ask two models or presets; returns at once. An earlier match of this person ends."""
    return MatchOut.of(portal.arena.start(user, body.text, body.task))


@router.get("/matches/{match_id}")
def read(match_id: Id, portal: PortalHere, user: SignedIn) -> MatchOut:
    """Return a match: the texts once both have ended, the names after the vote."""
    return MatchOut.of(portal.arena.get(user, match_id))


@router.put("/matches/{match_id}/vote")
def vote(match_id: Id, body: ArenaVoteIn, portal: PortalHere, user: SignedIn) -> MatchOut:
    """Vote, and see the names."""
    return MatchOut.of(portal.arena.vote(user, match_id, body.choice))


@router.delete("/matches/{match_id}/vote", status_code=204)
def take_back(match_id: Id, portal: PortalHere, user: SignedIn) -> Response:
    """Take the vote back, which ends the match."""
    portal.arena.take_back(user, match_id)
    return Response(status_code=204)


@router.get("/leaderboard")
def leaderboard(portal: PortalHere, user: SignedIn, filter: FilterHere) -> LeaderboardOut:
    """Rank models and presets by all votes."""
    return LeaderboardOut.of(portal.leaderboard.read(user, filter))


@router.get("/leaderboard.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def export(portal: PortalHere, user: SignedIn, filter: FilterHere) -> Response:
    """Export the leaderboard as CSV, UTF-8 with a byte order mark."""
    name = f"leaderboard_{datetime.now(UTC):%Y-%m-%d}.csv"
    return download(portal.leaderboard.csv(user, filter), "text/csv; charset=utf-8", name)
