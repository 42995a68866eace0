"""Serve hot swaps and the change markers that they leave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Id, Line, Moment, Prose
from api.services import PortalHere
from core.models.swaps.records import Decision, Swap, SwapOptions, SwapStep, Trial, VersionStats
from core.models.swaps.replays import likeness

router = APIRouter(prefix="/api/v1", tags=["models"])
_DEFAULT = SwapOptions()


class SwapIn(Asked):
    path: Line = Field(min_length=1, description="The new version's GGUF file: a path on the server, or a name in the models folder.")
    shares: list[int] = Field(default=[], max_length=3, description="Percentages of traffic to try first: 5, 25, 50, in this order.")
    share_answers: int = Field(default=_DEFAULT.share_answers, description="Answers of the new version at each share before the next.")
    min_speed: float = Field(default=_DEFAULT.min_speed, description="Tokens per second that each canary answer must reach.")
    min_speed_ratio: float = Field(default=_DEFAULT.min_speed_ratio, description="0 to 1: how much of the old version's speed is needed.")
    watch_s: int = Field(default=_DEFAULT.watch_s, description="Seconds for which the old version stays loaded after the switch.")
    drain_s: int = Field(default=_DEFAULT.drain_s, description="Seconds that running answers have before they are stopped.")
    replay: bool = Field(default=False, description="Run the replay questions, and wait for an admin's yes.")
    replay_passes: float | None = Field(default=None, description="0 to 1: the share that must pass to go on without an admin's yes.")
    replay_likeness: float = Field(default=_DEFAULT.replay_likeness, description="0 to 1: how like the accepted answer one must be.")

    def options(self) -> SwapOptions:
        return SwapOptions(
            shares=tuple(self.shares), share_answers=self.share_answers, min_speed=self.min_speed, min_speed_ratio=self.min_speed_ratio,
            watch_s=self.watch_s, drain_s=self.drain_s, replay=self.replay, replay_passes=self.replay_passes,
            replay_likeness=self.replay_likeness,
        )  # fmt: skip


class StepOut(BaseModel):
    kind: str
    state: Literal["waiting", "running", "done", "failed", "skipped"]
    started_at: datetime | None
    ended_at: datetime | None
    note: str | None

    @staticmethod
    def of(step: SwapStep) -> StepOut:
        return StepOut(
            kind=step.kind.value, state=step.state.value, started_at=step.started_at, ended_at=step.ended_at,
            note=str(step.note) if step.note else None,
        )  # fmt: skip


class TrialOut(BaseModel):
    question: str
    text: str
    accepted: str = Field(description="Of a replay question: the accepted answer.")
    likeness: float | None = Field(description="Of a replay question: how like the accepted answer it is, 0 to 1.")
    tokens_per_second: float | None
    problem: str | None = Field(description="Why the answer does not pass.")

    @staticmethod
    def of(trial: Trial) -> TrialOut:
        problem = trial.verdict or trial.error
        return TrialOut(
            question=trial.question, text=trial.text, accepted=trial.accepted,
            likeness=round(likeness(trial.text, trial.accepted), 3) if trial.accepted else None, tokens_per_second=trial.tokens_per_second,
            problem=str(problem) if problem else None,
        )  # fmt: skip


class StatsOut(BaseModel):
    answers: int
    errors: int
    degenerated: int
    tokens_per_second: float | None = Field(description="The median.")

    @staticmethod
    def of(stats: VersionStats | None) -> StatsOut | None:
        return None if stats is None else StatsOut(
            answers=stats.answers, errors=stats.errors, degenerated=stats.degenerated, tokens_per_second=stats.tokens_per_second
        )


class SwapOut(BaseModel):
    id: str = Field(description="Also the id of its job.")
    model: str
    state: Literal["running", "asking", "done", "rolled_back", "interrupted"]
    old_version: str
    new_version: str
    old_path: str
    new_path: str
    beside: bool = Field(description="Whether both versions are loaded at the same time.")
    share: int = Field(description="Percentage of new answers that the new version gives.")
    started_by: str
    created_at: datetime
    ended_at: datetime | None
    reason: str | None = Field(description="Why it was rolled back or interrupted.")
    steps: list[StepOut]
    canary: list[TrialOut]
    replay: list[TrialOut]
    old_figures: StatsOut | None
    new_figures: StatsOut | None

    @staticmethod
    def of(swap: Swap) -> SwapOut:
        return SwapOut(
            id=swap.id, model=swap.model, state=swap.state.value, old_version=swap.old_version, new_version=swap.new_version,
            old_path=str(swap.old_path), new_path=str(swap.new_path), beside=swap.beside, share=swap.share,
            started_by=swap.started_by_name, created_at=swap.created_at, ended_at=swap.ended_at,
            reason=str(swap.reason) if swap.reason else None, steps=[StepOut.of(step) for step in swap.steps],
            canary=[TrialOut.of(trial) for trial in swap.canary], replay=[TrialOut.of(trial) for trial in swap.replay],
            old_figures=StatsOut.of(swap.old_figures), new_figures=StatsOut.of(swap.new_figures),
        )  # fmt: skip


class SwapsOut(BaseModel):
    items: list[SwapOut]


class MarkerOut(BaseModel):
    at: datetime
    kind: str
    subject: str
    details: dict[str, str]


class MarkersOut(BaseModel):
    items: list[MarkerOut]


@router.post("/models/{name}/swap", status_code=202)
def start(name: Annotated[Line, InPath()], body: SwapIn, portal: PortalHere, user: SignedIn) -> SwapOut:
    """Replace the version of a serving model with another file. The name stays."""
    return SwapOut.of(portal.swaps.start(user, name, portal.models.folder / Path(body.path), body.options()))


@router.get("/swaps")
def listing(
    portal: PortalHere, user: SignedIn, model: Annotated[Line | None, Query()] = None, limit: int = 20
) -> SwapsOut:
    """List swaps, newest first."""
    return SwapsOut(items=[SwapOut.of(swap) for swap in portal.swaps.list(user, model, limit)])


@router.get("/swaps/{swap_id}")
def get(swap_id: Id, portal: PortalHere, user: SignedIn) -> SwapOut:
    return SwapOut.of(portal.swaps.get(user, swap_id))


class Approval(Asked):
    reason: Prose = Field(default="", description="Why the new version may serve although too few replayed answers pass.")


@router.post("/swaps/{swap_id}/approve")
def approve(swap_id: Id, portal: PortalHere, user: SignedIn, body: Approval | None = None) -> SwapOut:
    """Approve the next step: the replayed answers are good, or the next share need not wait."""
    return SwapOut.of(portal.swaps.decide(user, swap_id, Decision.APPROVE, body.reason if body else ""))


@router.post("/swaps/{swap_id}/roll-back")
def roll_back(swap_id: Id, portal: PortalHere, user: SignedIn) -> SwapOut:
    """Return to the old version."""
    return SwapOut.of(portal.swaps.decide(user, swap_id, Decision.ROLL_BACK))


@router.get("/change-markers")
def markers(portal: PortalHere, user: SignedIn, first: Moment | None = None, last: Moment | None = None) -> MarkersOut:
    """List what changed and when, for charts. Default: the last 30 days."""
    end = last or datetime.now(UTC) + timedelta(seconds=1)
    try:
        begin = first or end - timedelta(days=30)
    except OverflowError:
        begin = end
    found = portal.swaps.markers(user, begin, end)
    return MarkersOut(items=[MarkerOut(at=one.at, kind=one.kind, subject=one.subject, details=dict(one.details)) for one in found])
