"""Serve a person's own folders. Conversations are moved in the conversations resource."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Id, Line
from api.services import PortalHere
from core.chat.records import Folder

router = APIRouter(prefix="/api/v1", tags=["folders"])


class Named(Asked):
    name: Line = Field(description="1 to 60 characters, unique among the person's folders.")


class FolderOut(BaseModel):
    id: str
    name: str
    created_at: datetime

    @staticmethod
    def of(folder: Folder) -> FolderOut:
        return FolderOut(id=folder.id, name=folder.name, created_at=folder.created_at)


class FoldersOut(BaseModel):
    items: list[FolderOut]


@router.get("/folders")
def listing(portal: PortalHere, user: SignedIn) -> FoldersOut:
    """List your folders by name."""
    return FoldersOut(items=[FolderOut.of(each) for each in portal.folders.list(user)])


@router.post("/folders", status_code=201)
def create(body: Named, portal: PortalHere, user: SignedIn) -> FolderOut:
    return FolderOut.of(portal.folders.new(user, body.name))


@router.patch("/folders/{folder_id}")
def rename(folder_id: Id, body: Named, portal: PortalHere, user: SignedIn) -> FolderOut:
    return FolderOut.of(portal.folders.rename(user, folder_id, body.name))


@router.delete("/folders/{folder_id}", status_code=204)
def remove(folder_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Delete a folder. Its conversations stay, without a folder."""
    portal.folders.remove(user, folder_id)
