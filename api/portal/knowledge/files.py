"""Serve files: clients upload a file first, then refer to it by id in a question."""

from __future__ import annotations

from asyncio import Semaphore
from pathlib import PurePosixPath
from typing import Annotated
from weakref import WeakValueDictionary

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from api.identity import SignedIn
from api.portal.download import download
from api.portal.shapes import Asked, FileOut, Id, Line
from api.services import PortalHere
from core.knowledge.encodings import ENCODINGS

PATH = "/api/v1/files"
IMAGE_TYPES = {".png": "image/png", ".jpg": "image/jpeg"}
router = APIRouter(prefix=PATH, tags=["files"])

_EACH = 3
"""Concurrent uploads per person, so that no person takes all threads."""
_uploads = anyio.CapacityLimiter(8 * _EACH)
"""Separate threads: reading a document may take a minute, and all other routes share the usual ones."""
_lanes: WeakValueDictionary[str, Semaphore] = WeakValueDictionary()
"""A semaphore per person, while that person uploads."""
_BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}


class ReadAs(Asked):
    encoding: Line = Field(description=f"One of {', '.join(ENCODINGS)}.")


@router.post("", status_code=201, openapi_extra=_BODY)
async def upload(
    request: Request, portal: PortalHere, user: SignedIn, name: Annotated[Line, Query(description=(
        "With its extension, for example report.csv."
    ))]
) -> FileOut:
    """Upload a file; the request body is its content. It is kept for a day unless a question uses it."""
    async with _lanes.setdefault(user.id, Semaphore(_EACH)):
        content = await request.body()
        return FileOut.of(await anyio.to_thread.run_sync(portal.files.upload, user, name, content, limiter=_uploads))


@router.get("/{file_id}")
def read(file_id: Id, portal: PortalHere, user: SignedIn) -> FileOut:
    return FileOut.of(portal.files.get(user, file_id))


@router.get("/{file_id}/content", response_class=Response)
def content(file_id: Id, portal: PortalHere, user: SignedIn) -> Response:
    """Download the stored bytes. Browsers never show them as a page; an image is one that the portal encoded."""
    file, found = portal.files.read(user, file_id)
    image = file.is_image and IMAGE_TYPES.get(PurePosixPath(file.name).suffix.lower())
    return download(found, image or "application/octet-stream", file.name)


@router.patch("/{file_id}")
def read_as(file_id: Id, body: ReadAs, portal: PortalHere, user: SignedIn) -> FileOut:
    """Read a text file in another encoding than the portal detected. Later questions and regenerated answers use it."""
    return FileOut.of(portal.files.read_as(user, file_id, body.encoding))


@router.delete("/{file_id}", status_code=204)
def discard(file_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Delete a file that no question uses. Files in use are deleted with their conversation."""
    portal.files.discard(user, file_id)
