"""Serve what models remember about a person, to that person alone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.download import download
from api.portal.shapes import Asked, FolderId, Line
from api.services import PortalHere
from core.chat.memory.records import MAX_MEMORY_LENGTH, Memory

router = APIRouter(prefix="/api/v1/memories", tags=["conversations"])

_LENGTH = f"1 to {MAX_MEMORY_LENGTH} characters, on one line."


class NewMemory(Asked):
    text: str = Field(max_length=4 * MAX_MEMORY_LENGTH, description=_LENGTH)


class AcceptedAs(Asked):
    text: str | None = Field(default=None, max_length=4 * MAX_MEMORY_LENGTH, description="Other words for it. Default: as it was proposed.")


class Switched(Asked):
    on: bool


class MemoryOut(BaseModel):
    id: str
    text: str
    created_at: datetime
    updated_at: datetime
    conversation_id: str | None = Field(description="The chat that a proposal comes from; null once it is accepted.")

    @staticmethod
    def of(memory: Memory) -> MemoryOut:
        return MemoryOut(
            id=memory.id, text=memory.text, created_at=memory.created_at, updated_at=memory.updated_at,
            conversation_id=memory.conversation_id,
        )  # fmt: skip


class UseOut(BaseModel):
    available: bool = Field(description="False where the settings or the person's group forbid memory.")
    on: bool = Field(description="Whether the person's chats use it.")


class MemoriesOut(UseOut):
    proposed: list[MemoryOut] = Field(description="What waits for the person's decision, oldest first. Nothing of it is used.")
    items: list[MemoryOut] = Field(description="What is remembered, newest first.")


class DeletedOut(BaseModel):
    deleted: int


@router.get("")
def listing(
    portal: PortalHere, user: SignedIn, q: Annotated[Line, Query(description="Only remembered facts with all these words.")] = ""
) -> MemoriesOut:
    """List what models remember about you, and what they propose to remember."""
    use = portal.memories.use(user)
    return MemoriesOut(
        available=use.available, on=use.on, proposed=[MemoryOut.of(each) for each in portal.memories.proposed(user)],
        items=[MemoryOut.of(each) for each in portal.memories.accepted(user, q)],
    )  # fmt: skip


@router.post("", status_code=201)
def add(body: NewMemory, portal: PortalHere, user: SignedIn) -> MemoryOut:
    return MemoryOut.of(portal.memories.add(user, body.text))


@router.delete("")
def clear(portal: PortalHere, user: SignedIn) -> DeletedOut:
    """Delete everything that is remembered, proposed or dismissed."""
    return DeletedOut(deleted=portal.memories.clear(user))


@router.put("/use")
def switch(body: Switched, portal: PortalHere, user: SignedIn) -> UseOut:
    """Turn memory on or off in your chats."""
    portal.memories.set_use(user, body.on)
    use = portal.memories.use(user)
    return UseOut(available=use.available, on=use.on)


@router.get("/export", response_class=Response, responses={200: {"content": {"application/json": {}}}})
def export(portal: PortalHere, user: SignedIn) -> Response:
    """Export your memories as a JSON file."""
    return download(portal.memories.export(user), "application/json", "memories.json")


@router.patch("/{memory_id}")
def edit(memory_id: FolderId, body: NewMemory, portal: PortalHere, user: SignedIn) -> MemoryOut:
    """Change a remembered fact."""
    return MemoryOut.of(portal.memories.edit(user, memory_id, body.text))


@router.delete("/{memory_id}", status_code=204)
def remove(memory_id: FolderId, portal: PortalHere, user: SignedIn) -> None:
    """Delete a fact for good."""
    portal.memories.remove(user, memory_id)


@router.post("/{memory_id}/accept")
def accept(memory_id: FolderId, portal: PortalHere, user: SignedIn, body: AcceptedAs | None = None) -> MemoryOut:
    """Remember a proposal, as it is or in other words."""
    return MemoryOut.of(portal.memories.accept(user, memory_id, body.text if body else None))


@router.post("/{memory_id}/dismiss", status_code=204)
def dismiss(memory_id: FolderId, portal: PortalHere, user: SignedIn) -> None:
    """Refuse a proposal, so that it is not made again."""
    portal.memories.dismiss(user, memory_id)
