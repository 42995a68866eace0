"""Serve plugins, for admins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Line
from api.services import PortalHere
from core.plugins.records import AdditionKind, PluginInfo

router = APIRouter(prefix="/api/v1/plugins", tags=["operations"])
PluginName = Annotated[Line, InPath(description="The name of a plugin's entry point.")]


class PutPlugin(Asked):
    everyone: bool = Field(default=False, description="On for everyone.")
    groups: list[Line] = Field(default=[], max_length=1000, description="On for these groups. Empty, without everyone: off.")


class AdditionOut(BaseModel):
    kind: AdditionKind
    name: str


class PluginOut(BaseModel):
    name: str
    installed: bool
    version: str
    package: str = Field(description="The package that brings it; empty for the portal's own.")
    summary: str
    everyone: bool
    groups: list[str]
    adds: list[AdditionOut] = Field(description="What it added when it was last turned on.")
    error: str = Field(description="How it last failed; empty if it has not since it was last changed.")
    failed_at: datetime | None

    @staticmethod
    def of(info: PluginInfo) -> PluginOut:
        state = info.state
        return PluginOut(
            name=state.name, installed=info.installed, version=info.version, package=info.package, summary=info.summary,
            everyone=state.everyone, groups=list(state.groups), adds=[AdditionOut(kind=each.kind, name=each.name) for each in state.adds],
            error=state.error, failed_at=state.failed_at,
        )  # fmt: skip


class PluginsOut(BaseModel):
    items: list[PluginOut]


@router.get("")
def listing(portal: PortalHere, user: SignedIn) -> PluginsOut:
    """List the plugins that are installed or turned on."""
    return PluginsOut(items=[PluginOut.of(each) for each in portal.plugins.list(user)])


@router.put("/{name}")
def put(name: PluginName, body: PutPlugin, portal: PortalHere, user: SignedIn) -> PluginOut:
    """Turn a plugin on for everyone or for groups, or off."""
    return PluginOut.of(portal.plugins.change(user, name, everyone=body.everyone, groups=body.groups))
