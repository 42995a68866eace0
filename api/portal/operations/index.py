"""Serve the search index, for admins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked
from api.services import PortalHere
from core.operations.index_maintenance import IndexState
from core.search.records import Reconciliation, RejectedIndexJob

router = APIRouter(prefix="/api/v1/index", tags=["index"])

LARGEST = 2**63 - 1


class Retry(Asked):
    number: int | None = Field(default=None, ge=1, le=LARGEST, description="One rejected job. Default: all.")


class Retried(BaseModel):
    retried: int


class ReconciliationOut(BaseModel):
    started_at: datetime
    ended_at: datetime
    compared: int
    missing: int = Field(description="In the database, but not in the index.")
    outdated: int
    phantom: int = Field(description="In the index, but not in the database.")

    @staticmethod
    def of(found: Reconciliation) -> ReconciliationOut:
        return ReconciliationOut(
            started_at=found.started_at, ended_at=found.ended_at, compared=found.compared,
            missing=found.missing, outdated=found.outdated, phantom=found.phantom,
        )  # fmt: skip


class IndexOut(BaseModel):
    engine: str
    pending: int = Field(description="Changes that the index has not received yet.")
    parked: int = Field(description="Changes that it rejected permanently.")
    behind_seconds: float
    rebuilding: bool
    reconciling: bool
    last_reconciliation: ReconciliationOut | None = Field(description="Since this process started.")

    @staticmethod
    def of(state: IndexState) -> IndexOut:
        return IndexOut(
            engine=state.engine, pending=state.pending, parked=state.rejected, behind_seconds=round(state.behind_seconds, 3),
            rebuilding=state.rebuilding, reconciling=state.reconciling,
            last_reconciliation=ReconciliationOut.of(state.last) if state.last else None,
        )  # fmt: skip


class RejectedIndexJobOut(BaseModel):
    number: int
    kind: str
    document_id: str
    created_at: datetime
    attempts: int
    error: str = Field(description="Why the index rejected it.")

    @staticmethod
    def of(job: RejectedIndexJob) -> RejectedIndexJobOut:
        return RejectedIndexJobOut(
            number=job.number, kind=job.kind, document_id=job.document_id, created_at=job.created_at, attempts=job.attempts, error=job.error
        )


class RejectedIndexJobsOut(BaseModel):
    items: list[RejectedIndexJobOut]


@router.get("")
def state(portal: PortalHere, user: SignedIn) -> IndexOut:
    return IndexOut.of(portal.index_maintenance.state(user))


@router.get("/parked")
def parked(
    portal: PortalHere,
    user: SignedIn,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[int, Query(ge=0, le=LARGEST, description="The number of the last item read.")] = 0,
) -> RejectedIndexJobsOut:
    """List rejected jobs, oldest first."""
    return RejectedIndexJobsOut(items=[RejectedIndexJobOut.of(each) for each in portal.index_maintenance.rejected_jobs(user, limit, after)])


@router.post("/parked/retry")
def retry(portal: PortalHere, user: SignedIn, body: Retry | None = None) -> Retried:
    """Retry one rejected job, or all."""
    return Retried(retried=portal.index_maintenance.retry(user, body.number if body else None))


@router.post("/reconcile", status_code=202)
def reconcile(portal: PortalHere, user: SignedIn) -> IndexOut:
    """Start comparing the database and the index and repairing differences."""
    portal.index_maintenance.reconcile(user)
    return IndexOut.of(portal.index_maintenance.state(user))


@router.post("/rebuild", status_code=202)
def rebuild(portal: PortalHere, user: SignedIn) -> IndexOut:
    """Start filling a new index beside this one."""
    portal.index_maintenance.rebuild(user)
    return IndexOut.of(portal.index_maintenance.state(user))
