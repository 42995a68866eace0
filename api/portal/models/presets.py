"""Serve presets, for people who run the models."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.openai.chat_parts import ToolIn
from api.portal.shapes import Asked, FolderId, Line, Prose, Sampling
from api.services import PortalHere
from core.inference.offers import MAX_COLLECTIONS, MAX_SYSTEM_PROMPT_LENGTH, MAX_TOOLS, PRESET_PARAMS, Preset

router = APIRouter(prefix="/api/v1/presets", tags=["models"])

Name = Annotated[Line, InPath()]


class PresetIn(Asked):
    model: Line = Field(min_length=1, description="The model that answers, or model:adapter.")
    title: Line = Field(default="", description="What people read in the chat's model picker. Default: the name.")
    description: Line = ""
    system_prompt: Prose = Field(default="", max_length=MAX_SYSTEM_PROMPT_LENGTH)
    params: Sampling = Field(default_factory=Sampling, description="Used where a request sets no value of its own.")
    thinking: bool | None = Field(default=None, description="null lets each request decide.")
    tools: list[ToolIn] = Field(default=[], max_length=MAX_TOOLS, description="As in /v1/chat/completions; for requests without tools.")
    collections: list[FolderId] = Field(
        default=[], max_length=MAX_COLLECTIONS,
        description="Ids of collections of documents. A chat searches those that its user may read; requests under /v1 search none.",
    )  # fmt: skip
    published: bool = Field(default=False, description="false keeps it a draft that only admins can use.")

    def preset(self, name: str) -> Preset:
        now = datetime.now(UTC)
        return Preset(
            name=name,
            model=self.model,
            title=self.title.strip(),
            description=self.description.strip(),
            system_prompt=self.system_prompt.strip(),
            params=self.params.params(),
            thinking=self.thinking,
            tools=tuple(tool.tool() for tool in self.tools),
            collections=tuple(dict.fromkeys(self.collections)),
            published=self.published,
            created_at=now,
            updated_at=now,
        )


class PresetOut(BaseModel):
    name: str = Field(description="What a request names as its model.")
    model: str
    title: str
    description: str
    system_prompt: str
    params: dict[str, Any] = Field(description="Only what is set.")
    thinking: bool | None
    tools: list[dict[str, Any]]
    collections: list[str]
    published: bool
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def of(preset: Preset) -> PresetOut:
        params = {name: value for name, value in asdict(preset.params).items() if name in PRESET_PARAMS and value not in (None, ())}
        tools = [
            {
                "type": "function",
                "function": {
                    "name": tool.name, "description": tool.description, "parameters": json.loads(tool.parameters), "strict": tool.strict,
                },
            }
            for tool in preset.tools
        ]  # fmt: skip
        return PresetOut(
            name=preset.name, model=preset.model, title=preset.title, description=preset.description, system_prompt=preset.system_prompt,
            params=params, thinking=preset.thinking, tools=tools, collections=list(preset.collections), published=preset.published,
            created_at=preset.created_at, updated_at=preset.updated_at,
        )  # fmt: skip


class PresetsOut(BaseModel):
    items: list[PresetOut]


@router.get("")
def listing(portal: PortalHere, user: SignedIn) -> PresetsOut:
    """List all presets by name, including drafts."""
    return PresetsOut(items=[PresetOut.of(preset) for preset in portal.presets.list(user)])


@router.get("/{name}")
def get(name: Name, portal: PortalHere, user: SignedIn) -> PresetOut:
    return PresetOut.of(portal.presets.get(user, name))


@router.put("/{name}")
def save(name: Name, body: PresetIn, portal: PortalHere, user: SignedIn) -> PresetOut:
    """Create a preset, or replace the one with this name."""
    return PresetOut.of(portal.presets.save(user, body.preset(name)))


@router.delete("/{name}", status_code=204)
def remove(name: Name, portal: PortalHere, user: SignedIn) -> None:
    portal.presets.remove(user, name)
