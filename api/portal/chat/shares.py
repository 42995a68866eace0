"""Serve read-only links to snapshots of conversations."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, FolderId, Id
from api.services import PortalHere
from core.sharing.records import Share, SharedChat
from core.sharing.shares import MAX_DAYS

router = APIRouter(prefix="/api/v1", tags=["shares"])


class NewShare(Asked):
    group_id: FolderId | None = Field(default=None, description="Whose members may open it. Null: everyone who is signed in.")
    days: int | None = Field(default=30, description=f"1 to {MAX_DAYS} days until it expires. Null: never.")
    masked: bool = Field(default=False, description="Mask personal data.")


class ShareOut(BaseModel):
    id: str
    path: str = Field(description="The page that shows it, below the portal's address.")
    conversation_id: str
    title: str
    group: str | None = Field(description="Null: everyone who is signed in. Empty: the group was removed, so nobody can open it.")
    masked: bool
    created_at: datetime
    expires_at: datetime | None

    @staticmethod
    def of(share: Share) -> ShareOut:
        return ShareOut(
            id=share.id,
            path=f"/shared?s={share.id}",
            conversation_id=share.conversation_id,
            title=share.title,
            group=share.group if share.group_id is not None else None,
            masked=share.masked,
            created_at=share.created_at,
            expires_at=share.expires_at,
        )


class SharesOut(BaseModel):
    items: list[ShareOut] = Field(description="Newest first, without expired ones.")


class AudienceOut(BaseModel):
    id: str
    name: str


class AudiencesOut(BaseModel):
    items: list[AudienceOut]


class SharedStepOut(BaseModel):
    title: str
    arguments: str
    seconds: float | None
    failed: bool


class SharedMessageOut(BaseModel):
    author: str
    text: str
    created_at: datetime
    model: str
    files: list[str]
    steps: list[SharedStepOut] = Field(description="The tools that the model called, without their results.")


class SharedOut(BaseModel):
    """What a link shows. It leaves out the conversation's id."""

    id: str
    title: str
    owner: str
    masked: bool
    created_at: datetime
    expires_at: datetime | None
    messages: list[SharedMessageOut]

    @staticmethod
    def of(shared: SharedChat) -> SharedOut:
        share = shared.share
        messages = [
            SharedMessageOut(
                author=each.author.value, text=each.text, created_at=each.created_at, model=each.model, files=list(each.files),
                steps=[SharedStepOut(**asdict(step)) for step in each.steps],
            )
            for each in shared.messages
        ]
        return SharedOut(
            id=share.id,
            title=share.title,
            owner=shared.owner,
            masked=share.masked,
            created_at=share.created_at,
            expires_at=share.expires_at,
            messages=messages,
        )


@router.get("/shares/groups")
def groups(portal: PortalHere, user: SignedIn) -> AudiencesOut:
    """List the groups that you may share with."""
    return AudiencesOut(items=[AudienceOut(id=each.id, name=each.name) for each in portal.shares.audiences(user)])


@router.get("/conversations/{conversation_id}/shares")
def listing(conversation_id: Id, portal: PortalHere, user: SignedIn) -> SharesOut:
    return SharesOut(items=[ShareOut.of(each) for each in portal.shares.of_conversation(user, conversation_id)])


@router.post("/conversations/{conversation_id}/shares", status_code=201)
def create(conversation_id: Id, portal: PortalHere, user: SignedIn, body: NewShare | None = None) -> ShareOut:
    """Create a read-only link to the current state of one of your conversations."""
    body = body or NewShare()
    made = portal.shares.create(user, conversation_id, group_id=body.group_id, days=body.days, masked=body.masked)
    return ShareOut.of(made)


@router.get("/shares/{share_id}")
def read(share_id: Id, portal: PortalHere, user: SignedIn) -> SharedOut:
    """Open a link. A link that cannot be opened is reported as not found."""
    return SharedOut.of(portal.shares.open(user, share_id))


@router.delete("/shares/{share_id}", status_code=204)
def revoke(share_id: Id, portal: PortalHere, user: SignedIn) -> None:
    portal.shares.revoke(user, share_id)
