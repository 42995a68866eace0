"""Serve platforms and routes, for admins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Line, Prose
from api.services import Portal, PortalHere
from core.inference.records import Task
from core.people.records import User
from core.platforms.platform_monitor import TEST_QUESTION
from core.platforms.records import Platform, PlatformState, PlatformsVersion

router = APIRouter(prefix="/api/v1/platforms", tags=["platforms"])

Number = Annotated[int, InPath(ge=1, le=2**53)]


class PlatformOut(BaseModel):
    name: str
    type: Literal["local", "openai", "ollama", "xinference", "detector", "plugin"]
    base_url: str = Field(description="Empty for local.")
    enabled: bool
    models: list[str] = Field(description="The models that the file lists; empty: all that the platform has.")

    @staticmethod
    def of(platform: Platform) -> PlatformOut:
        return PlatformOut(
            name=platform.name, type=platform.type.value, base_url=platform.base_url, enabled=platform.enabled,
            models=[each.name for each in platform.models],
        )  # fmt: skip


class FailureOut(BaseModel):
    at: datetime
    error: str


class StateOut(BaseModel):
    """What a platform did in the last hour, as far as this server knows."""

    name: str
    condition: Literal["healthy", "slow", "unused", "off"]
    problem: str | None = Field(description="Why it is not used.")
    since: datetime | None = Field(description="Since when it is not used.")
    ttft_p50_s: float | None
    ttft_p95_s: float | None
    answers: int
    errors: int
    in_use: int
    concurrent: int | None = Field(description="How many requests it takes at once; null for local.")
    waiting: int
    outstanding_tokens: int
    models: list[str] = Field(description="Its models for chats.")
    missing: list[str] = Field(description="Models of the file that it does not have, each as a sentence.")
    failures: list[FailureOut] = Field(description="Newest first.")
    cost_today: float | None = Field(description="Of all servers, since midnight UTC; null without a price.")
    currency: str

    @staticmethod
    def of(state: PlatformState) -> StateOut:
        return StateOut(
            name=state.name, condition=state.condition.value, problem=str(state.problem) if state.problem else None, since=state.since,
            ttft_p50_s=state.ttft_p50_s, ttft_p95_s=state.ttft_p95_s, answers=state.answers, errors=state.errors, in_use=state.in_use,
            concurrent=state.most, waiting=state.waiting, outstanding_tokens=state.outstanding_tokens, models=list(state.models),
            missing=[str(each) for each in state.missing],
            failures=[FailureOut(at=at, error=str(error)) for at, error in state.failures],
            cost_today=state.cost_today, currency=state.currency,
        )  # fmt: skip


class PlatformsOut(BaseModel):
    version: int = Field(description="The version that serves; 0: nothing was ever configured.")
    text: str = Field(description="The configuration as YAML.")
    path: str = Field(description="The file that holds it on this server.")
    problem: str | None = Field(description="Why the file on disk is not used.")
    platforms: list[PlatformOut]
    routes: dict[str, list[str]] = Field(description="The steps of each task's route.")
    states: list[StateOut]

    @staticmethod
    def of(portal: Portal, user: User) -> PlatformsOut:
        state, config = portal.platforms.state(user), portal.platforms.config
        return PlatformsOut(
            version=state.version, text=state.text, path=state.path, problem=str(state.problem) if state.problem else None,
            platforms=[PlatformOut.of(each) for each in config.platforms],
            routes={task.value: [step.target for step in steps] for task, steps in config.routes.items()},
            states=[StateOut.of(each) for each in portal.platform_monitor.states(user)],
        )  # fmt: skip


class CacheOut(BaseModel):
    """The embedding cache. asked and found count since this server's start; the other fields cover all servers."""

    asked: int = Field(description="Texts that requests for embeddings had.")
    found: int = Field(description="Those whose vector was there already.")
    stored: int
    bytes: int
    most_bytes: int = Field(description="Its room; 0: it is off.")


class ClearedOut(BaseModel):
    removed: int


class Edit(Asked):
    text: Prose = Field(description="The whole configuration as YAML.")
    based_on: int | None = Field(default=None, description="The version that was edited: refused if another one serves meanwhile.")


class VersionOut(BaseModel):
    number: int
    created_at: datetime
    author: str = Field(description="Who applied it; empty if the file on disk was edited.")
    edited_by: Literal["page", "file", "restore"]
    restored: int | None = Field(description="The version that this one repeats.")

    @staticmethod
    def of(version: PlatformsVersion) -> VersionOut:
        return VersionOut(
            number=version.number, created_at=version.created_at, author=version.author, edited_by=version.edited_by.value,
            restored=version.restored,
        )  # fmt: skip


class WholeVersionOut(VersionOut):
    text: str
    diff: str = Field(description="What it changed, as a unified diff.")


class VersionsOut(BaseModel):
    items: list[VersionOut]


@router.get("")
def state(portal: PortalHere, user: SignedIn) -> PlatformsOut:
    """Return the active configuration, its platforms and its routes."""
    return PlatformsOut.of(portal, user)


@router.put("")
def apply(body: Edit, portal: PortalHere, user: SignedIn) -> PlatformsOut:
    """Apply a configuration. If it contains an error, nothing changes and the response names the line."""
    portal.platforms.apply(user, body.text, based_on=body.based_on)
    return PlatformsOut.of(portal, user)


@router.get("/versions")
def versions(portal: PortalHere, user: SignedIn) -> VersionsOut:
    """List the newest 100 versions, newest first."""
    return VersionsOut(items=[VersionOut.of(each) for each in portal.platforms.versions(user)])


@router.get("/versions/{number}")
def version(number: Number, portal: PortalHere, user: SignedIn) -> WholeVersionOut:
    found, diff = portal.platforms.version(user, number)
    return WholeVersionOut(**VersionOut.of(found).model_dump(), text=found.text, diff=diff)


@router.post("/versions/{number}/restore")
def restore(number: Number, portal: PortalHere, user: SignedIn) -> PlatformsOut:
    """Apply an earlier version again, as a new version."""
    portal.platforms.restore(user, number)
    return PlatformsOut.of(portal, user)


class TestIn(Asked):
    question: Prose = Field(default=TEST_QUESTION, min_length=1, max_length=2_000)


class TestedOut(BaseModel):
    place: str
    text: str
    ttft_s: float | None
    duration_s: float


@router.post("/{name}/test")
def test(name: Annotated[Line, InPath()], body: TestIn, portal: PortalHere, user: SignedIn) -> TestedOut:
    """Ask a platform a question, without failover to another."""
    tested = portal.platform_monitor.test(user, name, body.question)
    return TestedOut(place=tested.target, text=tested.text, ttft_s=tested.ttft_s, duration_s=tested.duration_s)


class Question(Asked):
    question: Prose
    model: Line | None = None
    group: Line = ""
    task: Task = Field(default=Task.CHAT, strict=False)


class RouteOut(BaseModel):
    places: list[str] = Field(description="The first one takes it, the others follow if it fails.")
    left_out: list[str] = Field(description="Why others do not take it.")
    tokens: int = Field(description="An estimate of the prompt's tokens.")


@router.post("/route")
def route(body: Question, portal: PortalHere, user: SignedIn) -> RouteOut:
    """Return where a question would go now, without sending it."""
    found = portal.platform_monitor.explain(user, body.question, model=body.model, group=body.group, task=body.task)
    return RouteOut(places=list(found.targets), left_out=[str(each) for each in found.left_out], tokens=found.tokens)


@router.get("/embeddings")
def embeddings(portal: PortalHere, user: SignedIn) -> CacheOut:
    """Return the contents of the embedding cache and how often it helped."""
    found = portal.platform_monitor.embeddings(user)
    return CacheOut(asked=found.asked, found=found.found, stored=found.stored, bytes=found.bytes, most_bytes=found.most_bytes)


@router.delete("/embeddings")
def clear_embeddings(portal: PortalHere, user: SignedIn) -> ClearedOut:
    """Empty the embedding cache, for example after the weights behind a model's name have changed."""
    return ClearedOut(removed=portal.platform_monitor.clear_embeddings(user))
