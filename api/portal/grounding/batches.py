"""Find boxes on many images in a job: progress, pause, cancel, retry, results."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.identity import SignedIn
from api.portal.download import download
from api.portal.grounding.ground import TYPES
from api.portal.shapes import Id, Line
from api.services import Portal, PortalHere
from core.grounding.exports.exports import EXTENSIONS, ExportFormat
from core.grounding.records import BatchCounts, BatchItem, GroundBatch, ItemState
from core.people.records import User
from core.tasks.records import Job

router = APIRouter(prefix="/api/v1/ground-batches", tags=["grounding"])
_starts = anyio.CapacityLimiter(2)
"""Most batches that are read at the same time: each may be large."""
_BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}
_NOTE = "{failed} of {total} images failed. GET the batch's /images?state=failed says why; POST its /retry tries them again."


class BatchOut(BaseModel):
    id: str
    name: str
    phrases: list[str]
    model: str | None
    state: Literal["waiting", "running", "paused", "done", "failed", "cancelled"] = Field(description="Of its job.")
    progress: float = Field(description="0 to 1")
    total: int
    done: int
    failed: int
    note: str = Field(description="How many images failed, as a sentence; empty if none did.")
    empty: int = Field(description="Done, and nothing was found.")
    boxes: int
    job_id: str
    created_at: datetime

    @staticmethod
    def of(found: tuple[GroundBatch, Job | None, BatchCounts]) -> BatchOut:
        batch, job, counts = found
        return BatchOut(
            id=batch.id,
            name=batch.name,
            phrases=list(batch.phrases),
            model=batch.model,
            state="done" if job is None else "paused" if job.paused else job.state.value,
            progress=(counts.done + counts.failed) / max(1, counts.total),
            total=counts.total,
            done=counts.done,
            failed=counts.failed,
            note=_NOTE.format(failed=counts.failed, total=counts.total) if counts.failed else "",
            empty=counts.empty,
            boxes=counts.boxes,
            job_id=batch.job_id,
            created_at=batch.created_at,
        )


class BatchesOut(BaseModel):
    items: list[BatchOut]


class ItemErrorOut(BaseModel):
    message: str
    code: str


class ItemOut(BaseModel):
    id: str = Field(description="Once it is done, also the id of its run and its image.")
    name: str
    state: Literal["waiting", "done", "failed"]
    boxes: int
    duration_s: float
    error: ItemErrorOut | None

    @staticmethod
    def of(item: BatchItem) -> ItemOut:
        return ItemOut(
            id=item.id,
            name=item.name,
            state=item.state.value,
            boxes=item.boxes,
            duration_s=round(item.duration_s, 3),
            error=ItemErrorOut(message=str(item.error), code=item.error.code) if item.error else None,
        )


class ItemsOut(BaseModel):
    items: list[ItemOut]


@router.post("", status_code=202, openapi_extra=_BODY)
async def start(
    request: Request,
    portal: PortalHere,
    user: SignedIn,
    phrase: Annotated[list[Line], Query(max_length=100, description="What to find; repeated, 1 to 20 times.")],
    name: Annotated[Line, Query(description="The name of the batch.")] = "images.zip",
    model: Annotated[Line | None, Query()] = None,
) -> BatchOut:
    """Start a batch. The request body is a ZIP file of images."""
    content = await request.body()
    return await anyio.to_thread.run_sync(_start, portal, user, name, content, phrase, model, limiter=_starts)


def _start(portal: Portal, user: User, name: str, content: bytes, phrases: list[str], model: str | None) -> BatchOut:
    return BatchOut.of(portal.ground_batches.start(user, name, [(name, content)], phrases, model))


@router.get("")
def listing(portal: PortalHere, user: SignedIn, limit: int = 20) -> BatchesOut:
    """List your batches, newest first."""
    return BatchesOut(items=[BatchOut.of(found) for found in portal.ground_batches.list(user, limit)])


@router.get("/{batch_id}")
def get(batch_id: Id, portal: PortalHere, user: SignedIn) -> BatchOut:
    return BatchOut.of(portal.ground_batches.get(user, batch_id))


@router.get("/{batch_id}/images")
def images(
    batch_id: Id,
    portal: PortalHere,
    user: SignedIn,
    state: ItemState | None = None,
    limit: int = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> ItemsOut:
    """List the images of a batch in their order, each with its state and error."""
    return ItemsOut(items=[ItemOut.of(each) for each in portal.ground_batches.items(user, batch_id, state, limit, offset)])


@router.get("/{batch_id}/export", response_class=Response)
def export(batch_id: Id, portal: PortalHere, user: SignedIn, format: ExportFormat) -> Response:
    """Download the results of all images so far."""
    return download(portal.ground_batches.export(user, batch_id, format), TYPES[format], f"boxes.{EXTENSIONS[format]}")


@router.post("/{batch_id}/pause")
def pause(batch_id: Id, portal: PortalHere, user: SignedIn) -> BatchOut:
    """Pause a batch until it is resumed."""
    portal.ground_batches.pause(user, batch_id)
    return BatchOut.of(portal.ground_batches.get(user, batch_id))


@router.post("/{batch_id}/resume")
def resume(batch_id: Id, portal: PortalHere, user: SignedIn) -> BatchOut:
    portal.ground_batches.resume(user, batch_id)
    return BatchOut.of(portal.ground_batches.get(user, batch_id))


@router.post("/{batch_id}/cancel")
def cancel(batch_id: Id, portal: PortalHere, user: SignedIn) -> BatchOut:
    """Stop a batch; its results so far are kept."""
    portal.ground_batches.cancel(user, batch_id)
    return BatchOut.of(portal.ground_batches.get(user, batch_id))


@router.post("/{batch_id}/retry")
def retry(batch_id: Id, portal: PortalHere, user: SignedIn) -> BatchOut:
    """Process the failed images again, and those that a cancelled batch left."""
    portal.ground_batches.retry(user, batch_id)
    return BatchOut.of(portal.ground_batches.get(user, batch_id))


@router.delete("/{batch_id}", status_code=204)
def remove(batch_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Delete a batch with its images and results."""
    portal.ground_batches.remove(user, batch_id)
