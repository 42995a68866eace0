"""Serve the prompts that a person may use, and let owners change their own."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, FolderId, Line, at_least_one
from api.services import PortalHere
from core.prompts.blanks import blanks
from core.prompts.records import MAX_TEXT_LENGTH, MAX_TITLE_LENGTH, ListedPrompt, Share

router = APIRouter(prefix="/api/v1/prompts", tags=["prompts"])

ShareWord = Literal["own", "group", "everyone"]


class NewPrompt(Asked):
    title: Line = Field(description=f"1 to {MAX_TITLE_LENGTH} characters.")
    text: str = Field(
        max_length=4 * MAX_TEXT_LENGTH, description=f"1 to {MAX_TEXT_LENGTH:,} characters. [client] and {{{{client}}}} are blanks."
    )


class ChangedPrompt(Asked):
    title: Line | None = None
    text: str | None = Field(default=None, max_length=4 * MAX_TEXT_LENGTH)
    share: ShareWord | None = Field(default=None, description="Who sees it beside its owner. Admins publish to everyone.")
    starter: bool | None = Field(default=None, description="Whether empty chats offer it. For managers of its group, and admins.")


class PromptOut(BaseModel):
    id: str
    title: str
    text: str
    blanks: list[str] = Field(description="What is to be filled in, in order.")
    owner: str
    own: bool
    share: ShareWord
    group: str | None = Field(description="The group that it is shared with.")
    starter: bool
    version: int
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def of(listed: ListedPrompt) -> PromptOut:
        prompt = listed.prompt
        return PromptOut(
            id=prompt.id, title=prompt.title, text=prompt.text, blanks=blanks(prompt.text), owner=listed.owner_name, own=listed.own,
            share=prompt.share.value, group=prompt.group or None, starter=prompt.starter, version=prompt.version,
            created_at=prompt.created_at, updated_at=prompt.updated_at,
        )  # fmt: skip


class PromptsOut(BaseModel):
    items: list[PromptOut]


class VersionOut(BaseModel):
    number: int
    title: str
    text: str
    saved_at: datetime


class VersionsOut(BaseModel):
    items: list[VersionOut] = Field(description="Newest first.")


@router.get("")
def listing(
    portal: PortalHere, user: SignedIn, q: Annotated[Line, Query(description="Only prompts with all these words.")] = ""
) -> PromptsOut:
    """List the prompts that you may use: your own, your group's and published ones."""
    return PromptsOut(items=[PromptOut.of(each) for each in portal.prompts.list(user, q)])


@router.post("", status_code=201)
def add(body: NewPrompt, portal: PortalHere, user: SignedIn) -> PromptOut:
    return PromptOut.of(portal.prompts.get(user, portal.prompts.add(user, body.title, body.text).id))


@router.get("/{prompt_id}")
def get(prompt_id: FolderId, portal: PortalHere, user: SignedIn) -> PromptOut:
    return PromptOut.of(portal.prompts.get(user, prompt_id))


@router.patch("/{prompt_id}")
def change(prompt_id: FolderId, body: ChangedPrompt, portal: PortalHere, user: SignedIn) -> PromptOut:
    """Change the fields that are sent."""
    at_least_one(title=body.title, text=body.text, share=body.share, starter=body.starter)
    if body.title is not None or body.text is not None:
        portal.prompts.change(user, prompt_id, title=body.title, text=body.text)
    if body.share is not None:
        portal.prompts.share(user, prompt_id, Share(body.share))
    if body.starter is not None:
        portal.prompts.set_starter(user, prompt_id, body.starter)
    return PromptOut.of(portal.prompts.get(user, prompt_id))


@router.delete("/{prompt_id}", status_code=204)
def remove(prompt_id: FolderId, portal: PortalHere, user: SignedIn) -> None:
    """Remove one of your prompts with its versions."""
    portal.prompts.remove(user, prompt_id)


@router.get("/{prompt_id}/versions")
def versions(prompt_id: FolderId, portal: PortalHere, user: SignedIn) -> VersionsOut:
    found = portal.prompts.versions(user, prompt_id)
    return VersionsOut(items=[VersionOut(number=each.number, title=each.title, text=each.text, saved_at=each.saved_at) for each in found])


@router.post("/{prompt_id}/versions/{number}/restore")
def restore(prompt_id: FolderId, number: int, portal: PortalHere, user: SignedIn) -> PromptOut:
    """Restore an old version of one of your prompts as the newest one."""
    portal.prompts.restore(user, prompt_id, number)
    return PromptOut.of(portal.prompts.get(user, prompt_id))
