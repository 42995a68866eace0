"""Serve the tools that chats offer to models."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, FolderId, Id, Line
from api.services import PortalHere
from core.chat.tools.records import Decision

router = APIRouter(prefix="/api/v1", tags=["conversations"])


class ChatToolOut(BaseModel):
    name: str
    title: str
    description: str = Field(description="What the model reads about it.")
    plugin: str
    on: bool = Field(description="False if it is switched off for the conversation.")
    asks: bool = Field(description="Whether the person is asked before each call, because it may change something.")
    allowed: bool = Field(description="Whether it asks no longer, because the person allowed it for the conversation.")


class ChatToolsOut(BaseModel):
    items: list[ChatToolOut]


class DecisionIn(Asked):
    step: str = Field(min_length=1, max_length=200, description="The id of a step whose approval is waiting.")
    decision: Literal["allow", "allow_in_chat", "refuse"] = Field(
        description="allow_in_chat also allows further calls of the tool in this conversation."
    )


@router.get("/tools")
def listing(
    portal: PortalHere,
    user: SignedIn,
    conversation_id: Annotated[FolderId | None, Query(description="Default: a conversation that has not begun yet.")] = None,
    model: Annotated[Line, Query(description="Default: the default model.")] = "",
) -> ChatToolsOut:
    """List the tools that a chat offers to the model."""
    found = portal.chat_tools.list(user, conversation_id, model or None)
    return ChatToolsOut(
        items=[
            ChatToolOut(
                name=each.name, title=each.title, description=each.description, plugin=each.plugin, on=each.on, asks=each.asks,
                allowed=each.allowed,
            )
            for each in found
        ]
    )  # fmt: skip


@router.post("/messages/{message_id}/decide", status_code=204)
def decide(message_id: Id, body: DecisionIn, portal: PortalHere, user: SignedIn) -> None:
    """Allow or refuse a step of this answer that waits. The answer then goes on."""
    portal.turns.decide(user, message_id, body.step, Decision(body.decision))
