"""Serve platforms and routes, for admins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Prose
from api.services import Portal, PortalHere
from core.people.records import User
from core.platforms.records import Platform, PlatformsVersion

router = APIRouter(prefix="/api/v1/platforms", tags=["platforms"])

Number = Annotated[int, InPath(ge=1, le=2**53)]


class PlatformOut(BaseModel):
    name: str
    type: Literal["local", "openai", "ollama", "xinference"]
    base_url: str = Field(description="Empty for local.")
    enabled: bool
    models: list[str] = Field(description="The models that the file lists; empty: all that the platform has.")

    @staticmethod
    def of(platform: Platform) -> PlatformOut:
        return PlatformOut(
            name=platform.name, type=platform.type.value, base_url=platform.base_url, enabled=platform.enabled,
            models=[each.name for each in platform.models],
        )  # fmt: skip


class PlatformsOut(BaseModel):
    version: int = Field(description="The version that serves; 0: nothing was ever configured.")
    text: str = Field(description="The configuration as YAML.")
    path: str = Field(description="The file that holds it on this server.")
    problem: str | None = Field(description="Why the file on disk is not used.")
    platforms: list[PlatformOut]
    routes: dict[str, list[str]] = Field(description="The steps of each task's route.")

    @staticmethod
    def of(portal: Portal, user: User) -> PlatformsOut:
        state, config = portal.platforms.state(user), portal.platforms.config
        return PlatformsOut(
            version=state.version, text=state.text, path=state.path, problem=str(state.problem) if state.problem else None,
            platforms=[PlatformOut.of(each) for each in config.platforms],
            routes={task.value: [step.place for step in steps] for task, steps in config.routes.items()},
        )  # fmt: skip


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
    """Return the configuration that serves, its platforms and its routes."""
    return PlatformsOut.of(portal, user)


@router.put("")
def apply(body: Edit, portal: PortalHere, user: SignedIn) -> PlatformsOut:
    """Apply a configuration. If anything in it is wrong, nothing changes and the error names the line."""
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
