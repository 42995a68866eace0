"""Serve background jobs: people see their own, admins see all."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.services import PortalHere
from core.tasks.records import Job, JobFilter, JobState

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])

JobId = Annotated[str, InPath(max_length=64)]


class JobErrorOut(BaseModel):
    message: str
    code: str


class JobOut(BaseModel):
    id: str
    kind: str = Field(description="A noun and a verb, for example backup.make.")
    state: JobState
    progress: float = Field(description="0 to 1")
    detail: dict[str, Any] = Field(description="What the running job reports besides its progress.")
    result: dict[str, Any]
    error: JobErrorOut | None = Field(description="Why it failed; for a waiting job, why the last try failed.")
    tries: int
    created_at: datetime
    run_after: datetime
    started_at: datetime | None
    ended_at: datetime | None
    cancel_requested: bool

    @staticmethod
    def of(job: Job) -> JobOut:
        return JobOut(
            id=job.id,
            kind=job.kind,
            state=job.state,
            progress=round(job.progress, 3),
            detail=dict(job.detail),
            result=dict(job.result),
            error=JobErrorOut(message=str(job.error), code=job.error.code) if job.error else None,
            tries=job.tries,
            created_at=job.created_at,
            run_after=job.run_after,
            started_at=job.started_at,
            ended_at=job.ended_at,
            cancel_requested=job.cancel_requested,
        )


class JobsOut(BaseModel):
    items: list[JobOut]


@router.get("")
def find(
    portal: PortalHere,
    user: SignedIn,
    state: Annotated[list[JobState] | None, Query()] = None,
    kind: Annotated[list[Annotated[str, Field(max_length=64)]] | None, Query(max_length=20)] = None,
    limit: int = 50,
    before: Annotated[str | None, Query(max_length=64, description="The id of the last item read.")] = None,
) -> JobsOut:
    """List jobs, newest first: everyone's for admins, their own for others."""
    wanted = JobFilter(kinds=tuple(kind) if kind else None, states=tuple(state) if state else None)
    return JobsOut(items=[JobOut.of(job) for job in portal.jobs.list(user, wanted, limit, before)])


@router.get("/{job_id}")
def get(job_id: JobId, portal: PortalHere, user: SignedIn) -> JobOut:
    return JobOut.of(portal.jobs.get(user, job_id))


@router.post("/{job_id}/cancel")
def cancel(job_id: JobId, portal: PortalHere, user: SignedIn) -> JobOut:
    """Cancel a waiting job, or ask a running one to stop."""
    return JobOut.of(portal.jobs.cancel(user, job_id))


@router.post("/{job_id}/retry")
def retry(job_id: JobId, portal: PortalHere, user: SignedIn) -> JobOut:
    """Run a failed or cancelled job again."""
    return JobOut.of(portal.jobs.retry(user, job_id))
