"""Serve the instructions that apply to a person's chats."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked
from api.services import PortalHere
from core.chat.context.records import MAX_INSTRUCTIONS_LENGTH

router = APIRouter(prefix="/api/v1/instructions", tags=["conversations"])


class SetInstructions(Asked):
    text: str = Field(
        max_length=4 * MAX_INSTRUCTIONS_LENGTH, description=f"At most {MAX_INSTRUCTIONS_LENGTH:,} characters; empty removes them."
    )


class ApplyingOut(BaseModel):
    holder: Literal["person", "group"]
    group: str | None = Field(description="The name of the group; null for the person's own.")
    text: str
    updated_at: datetime


class InstructionsOut(BaseModel):
    text: str = Field(description="The person's own instructions as they are stored; empty if there are none.")
    applying: list[ApplyingOut] = Field(description="What applies to chats, in the order in which models read it.")


@router.get("")
def read(portal: PortalHere, user: SignedIn) -> InstructionsOut:
    """Return the person's own instructions and those of their group."""
    applying = [
        ApplyingOut(
            holder=each.holder.value, group=each.subject if each.holder == "group" else None, text=each.text, updated_at=each.updated_at
        )
        for each in portal.instructions.applying(user)
    ]
    return InstructionsOut(text=portal.instructions.own(user), applying=applying)


@router.put("")
def change(body: SetInstructions, portal: PortalHere, user: SignedIn) -> InstructionsOut:
    """Set the person's own instructions."""
    portal.instructions.set_own(user, body.text)
    return read(portal, user)
