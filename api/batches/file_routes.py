"""Serve OpenAI's files, as far as batches need them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import StreamingResponse

from api.errors import OPENAI_REFUSALS
from api.identity import SignedIn
from api.services import PortalHere
from core.errors import InvalidInput
from core.programs.records import FilePurpose, ProgramFile

PATH = "/v1/files"
BLOCK_BYTES = 1024 * 1024
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "purpose"],
                    "properties": {"file": {"type": "string", "format": "binary"}, "purpose": {"type": "string", "enum": ["batch"]}},
                }
            }
        },
    }
}
router = APIRouter(prefix=PATH, tags=["OpenAI"], responses=OPENAI_REFUSALS)


class FileOut(BaseModel):
    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int
    filename: str
    purpose: str
    status: Literal["processed"] = "processed"

    @staticmethod
    def of(file: ProgramFile) -> FileOut:
        return FileOut(
            id=file.id,
            bytes=file.size_bytes,
            created_at=int(file.created_at.timestamp()),
            expires_at=int(file.expires_at.timestamp()),
            filename=file.name,
            purpose=file.purpose.value,
        )


class FilesOut(BaseModel):
    object: Literal["list"] = "list"
    data: list[FileOut]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FileDeleted(BaseModel):
    id: str
    object: Literal["file"] = "file"
    deleted: bool = True


@router.post("", openapi_extra=_FORM)
async def upload(request: Request, portal: PortalHere, user: SignedIn) -> FileOut:
    """Upload a file of requests for a batch."""
    portal.program_files.check_upload(user)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise InvalidInput("Send a form (multipart/form-data) with the fields purpose and {field}.", field="file")
    async with request.form(max_files=1, max_fields=10) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InvalidInput("{field} is missing.", field="file")
        if form.get("purpose") != FilePurpose.BATCH.value:
            raise InvalidInput("{field} must be batch: files for other purposes are not offered.", field="purpose")
        content = file.file
        blocks = iter(lambda: content.read(BLOCK_BYTES), b"")
        seconds = _seconds(form.get("expires_after[seconds]"))
        return FileOut.of(await run_in_threadpool(portal.program_files.upload, user, file.filename or "", blocks, seconds))


def _seconds(sent: object) -> int | None:
    if sent is None:
        return None
    if not isinstance(sent, str) or not sent.isascii() or not sent.isdigit() or len(sent) > 12:
        raise InvalidInput("{field} must be a whole number of seconds.", field="expires_after.seconds")
    return int(sent)


@router.get("")
def files(
    portal: PortalHere,
    user: SignedIn,
    purpose: Annotated[Literal["batch", "batch_output"] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    after: Annotated[str | None, Query(max_length=100)] = None,
) -> FilesOut:
    """List your files, newest first."""
    found = portal.program_files.list(user, limit + 1, after, FilePurpose(purpose) if purpose else None)
    data = [FileOut.of(file) for file in found[:limit]]
    return FilesOut(data=data, first_id=data[0].id if data else None, last_id=data[-1].id if data else None, has_more=len(found) > limit)


@router.get("/{file_id}")
def read(file_id: str, portal: PortalHere, user: SignedIn) -> FileOut:
    """Describe one of your files."""
    return FileOut.of(portal.program_files.get(user, file_id))


@router.get("/{file_id}/content", response_class=StreamingResponse)
def content(file_id: str, portal: PortalHere, user: SignedIn) -> StreamingResponse:
    """Download one of your files."""
    file = portal.program_files.get(user, file_id)
    blocks: Iterator[bytes] = portal.program_files.content(user, file_id)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Length": str(file.size_bytes),
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(blocks, headers=headers, media_type="application/octet-stream")


@router.delete("/{file_id}")
def delete(file_id: str, portal: PortalHere, user: SignedIn) -> FileDeleted:
    """Delete one of your files."""
    portal.program_files.delete(user, file_id)
    return FileDeleted(id=file_id)
