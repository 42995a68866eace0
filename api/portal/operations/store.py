"""Serve facts about the database, and its backups, for admins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.knowledge.open_file import OpenFileResponse
from api.portal.shapes import Asked
from api.services import PortalHere
from core.operations.records import BackupFile, BackupTask, StoreFacts

router = APIRouter(prefix="/api/v1/store", tags=["store"])

MAX_PASSPHRASE_LENGTH = 1000
Name = Annotated[str, InPath(max_length=200, description="A name from GET /api/v1/store/backups.")]


class Key(Asked):
    passphrase: str | None = Field(default=None, max_length=MAX_PASSPHRASE_LENGTH, description="Default: PORTAL_BACKUP_KEY, if it is set.")


class StoreOut(BaseModel):
    kind: str
    version: str
    revision: str
    size_bytes: int
    rows: dict[str, int] = Field(description="Row counts by table.")

    @staticmethod
    def of(facts: StoreFacts) -> StoreOut:
        return StoreOut(
            kind=facts.kind, version=facts.version, revision=facts.revision, size_bytes=facts.size_bytes, rows=dict(facts.rows)
        )


class BackupOut(BaseModel):
    name: str
    written_at: datetime
    size_bytes: int
    encrypted: bool

    @staticmethod
    def of(file: BackupFile) -> BackupOut:
        return BackupOut(name=file.name, written_at=file.written_at, size_bytes=file.size_bytes, encrypted=file.sealed)


class ContentsOut(BaseModel):
    made_at: datetime
    revision: str
    rows: dict[str, int]


class TaskOut(BaseModel):
    action: str = Field(description="make or check")
    name: str
    progress: float = Field(description="0 to 1")
    ended: bool
    error: str | None
    contents: ContentsOut | None = Field(description="Contents of a backup that was verified: what a restore would give.")

    @staticmethod
    def of(task: BackupTask) -> TaskOut:
        found = task.contents
        return TaskOut(
            action=task.action, name=task.name, progress=round(task.progress, 3), ended=task.ended,
            error=str(task.error) if task.error else None,
            contents=ContentsOut(made_at=found.made_at, revision=found.revision, rows=dict(found.rows)) if found else None,
        )  # fmt: skip


class BackupsOut(BaseModel):
    items: list[BackupOut]
    task: TaskOut | None = Field(description="What is running in this process, or ran last.")


@router.get("")
def facts(portal: PortalHere, user: SignedIn) -> StoreOut:
    return StoreOut.of(portal.backups.facts(user))


@router.get("/backups")
def backups(portal: PortalHere, user: SignedIn) -> BackupsOut:
    """List backups, newest first."""
    items, task = portal.backups.backups(user), portal.backups.task(user)
    return BackupsOut(items=[BackupOut.of(each) for each in items], task=TaskOut.of(task) if task else None)


@router.post("/backups", status_code=202)
def make(portal: PortalHere, user: SignedIn, body: Key | None = None) -> TaskOut:
    """Start a backup of the current state."""
    return TaskOut.of(portal.backups.make(user, body.passphrase if body else None))


@router.get("/backups/{name}", response_class=FileResponse, responses={200: {"content": {"application/octet-stream": {}}}})
def download(name: Name, portal: PortalHere, user: SignedIn) -> FileResponse:
    """Download the file in pieces; a Range header resumes an interrupted download."""
    path = portal.backups.download(user, name)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return OpenFileResponse(path, name, headers)


@router.post("/backups/{name}/check", status_code=202)
def check(name: Name, portal: PortalHere, user: SignedIn, body: Key | None = None) -> TaskOut:
    """Start verifying a backup: read it to its end and compare its hashes."""
    return TaskOut.of(portal.backups.check(user, name, body.passphrase if body else None))


@router.delete("/backups/{name}", status_code=204)
def remove(name: Name, portal: PortalHere, user: SignedIn) -> Response:
    portal.backups.remove(user, name)
    return Response(status_code=204)
