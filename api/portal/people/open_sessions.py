"""Serve a person's open sessions: list them, end one or all others."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn, TokenHere
from api.portal.shapes import Id
from api.services import PortalHere
from core.people.sessions import token_hash

router = APIRouter(prefix="/api/v1/sessions", tags=["session"])


class SessionOut(BaseModel):
    id: str
    kind: Literal["browser", "api"]
    current: bool = Field(description="Whether it is the session of this request.")
    created_at: datetime
    used_at: datetime | None = Field(description="To the minute.")
    expires_at: datetime
    address: str = Field(description="Where it was opened.")
    agent: str = Field(description="What the browser or program called itself.")


class SessionsOut(BaseModel):
    items: list[SessionOut] = Field(description="Those used last first.")


@router.get("")
def listing(portal: PortalHere, user: SignedIn, token: TokenHere) -> SessionsOut:
    """List your sessions. An API key cannot see them."""
    return SessionsOut(
        items=[
            SessionOut(
                id=each.id, kind=each.kind.value, current=each.token_hash == token_hash(token), created_at=each.created_at,
                used_at=each.used_at, expires_at=each.expires_at, address=each.address, agent=each.agent,
            )
            for each in portal.sessions.own(user)
        ]
    )  # fmt: skip


@router.delete("", status_code=204)
def revoke_others(portal: PortalHere, user: SignedIn, token: TokenHere) -> None:
    """End all your sessions except the one of this request."""
    portal.sessions.revoke_others(user, token)


@router.delete("/{session_id}", status_code=204)
def revoke(session_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """End one of your sessions, together with its running requests."""
    portal.sessions.revoke(user, session_id)
