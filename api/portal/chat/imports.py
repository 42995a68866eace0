"""Serve imports of conversations exported from other portals."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Line
from api.portal.tasks.jobs import JobOut, JobsOut
from api.services import PortalHere

router = APIRouter(prefix="/api/v1/chat-imports", tags=["conversations"])


class Import(Asked):
    file_id: Line = Field(description="An export of ChatGPT, Open WebUI or LibreChat that was uploaded to /v1/files.")


@router.get("")
def recent(portal: PortalHere, user: SignedIn) -> JobsOut:
    """List your last five imports, newest first."""
    return JobsOut(items=[JobOut.of(each) for each in portal.chat_imports.recent(user)])


@router.post("", status_code=202)
def start(body: Import, portal: PortalHere, user: SignedIn) -> JobOut:
    """Import an export as a job; its result lists what could not be imported."""
    return JobOut.of(portal.chat_imports.start_from(user, body.file_id))
