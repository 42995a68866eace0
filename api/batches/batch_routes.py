"""Serve OpenAI's batches: a job answers the requests of a file, after those of people."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.errors import OPENAI_REFUSALS
from api.identity import SignedIn
from api.services import PortalHere
from core.programs.records import BATCH_ENDED, Batch, BatchStatus
from core.tasks.records import Job

router = APIRouter(prefix="/v1/batches", tags=["OpenAI"], responses=OPENAI_REFUSALS)


class BatchIn(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    input_file_id: str = Field(max_length=100)
    endpoint: str = Field(max_length=100, description="The route that every line asks.")
    completion_window: Literal["24h"]
    metadata: dict[str, str] | None = Field(default=None, max_length=16, description="Answered again.")


class Counts(BaseModel):
    total: int
    completed: int
    failed: int


class BatchOut(BaseModel):
    id: str
    object: Literal["batch"] = "batch"
    endpoint: str
    errors: dict[str, Any] | None
    input_file_id: str
    completion_window: Literal["24h"] = "24h"
    status: Literal["validating", "in_progress", "completed", "failed", "expired", "cancelling", "cancelled"]
    output_file_id: str | None = Field(description="The results, once the batch has ended.")
    error_file_id: str | None = Field(description="The lines that failed, once the batch has ended.")
    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: int | None = None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None = None
    cancelled_at: int | None
    request_counts: Counts
    metadata: dict[str, str]

    @staticmethod
    def of(batch: Batch, job: Job | None) -> BatchOut:
        cancelling = batch.status not in BATCH_ENDED and job is not None and job.cancel_requested
        ended = batch.status in BATCH_ENDED
        error = {"code": batch.error.code, "message": str(batch.error), "line": None, "param": None} if batch.error is not None else None
        return BatchOut(
            id=batch.id,
            endpoint=batch.route,
            errors={"object": "list", "data": [error]} if error is not None else None,
            input_file_id=batch.input_file_id,
            status="cancelling" if cancelling else batch.status.value,
            output_file_id=batch.output_file_id if ended and batch.completed else None,
            error_file_id=batch.error_file_id if ended and batch.failed else None,
            created_at=int(batch.created_at.timestamp()),
            in_progress_at=_seconds(batch.started_at),
            expires_at=int(batch.expires_at.timestamp()),
            completed_at=_ended(batch, BatchStatus.COMPLETED),
            failed_at=_ended(batch, BatchStatus.FAILED),
            expired_at=_ended(batch, BatchStatus.EXPIRED),
            cancelled_at=_ended(batch, BatchStatus.CANCELLED),
            request_counts=Counts(total=batch.lines, completed=batch.completed, failed=batch.failed),
            metadata=json.loads(batch.metadata),
        )


class BatchesOut(BaseModel):
    object: Literal["list"] = "list"
    data: list[BatchOut]
    first_id: str | None
    last_id: str | None
    has_more: bool


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def _ended(batch: Batch, status: BatchStatus) -> int | None:
    return _seconds(batch.ended_at) if batch.status is status else None


@router.post("")
def create(body: BatchIn, portal: PortalHere, user: SignedIn) -> BatchOut:
    """Answer the requests of a file in the background."""
    return BatchOut.of(portal.batches.create(user, body.input_file_id, body.endpoint, body.metadata or {}), None)


@router.get("")
def batches(
    portal: PortalHere,
    user: SignedIn,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(max_length=100)] = None,
) -> BatchesOut:
    """List your batches, newest first."""
    found = portal.batches.list(user, limit + 1, after)
    data = [BatchOut.of(batch, job) for batch, job in found[:limit]]
    return BatchesOut(data=data, first_id=data[0].id if data else None, last_id=data[-1].id if data else None, has_more=len(found) > limit)


@router.get("/{batch_id}")
def read(batch_id: str, portal: PortalHere, user: SignedIn) -> BatchOut:
    """Show the progress of one of your batches."""
    return BatchOut.of(*portal.batches.get(user, batch_id))


@router.post("/{batch_id}/cancel")
def cancel(batch_id: str, portal: PortalHere, user: SignedIn) -> BatchOut:
    """Stop one of your batches. Its results so far stay."""
    return BatchOut.of(*portal.batches.cancel(user, batch_id))
