"""Define the tables of background jobs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.tasks.records import JobState
from data.encryption.sealed_text import SealedProse
from data.tables.base import NUMBER, Table

_ACTIVE = text("state in ('waiting', 'running')")


class JobTable(Table):
    """Background jobs. Payload, detail, result and error are JSON objects as text, encrypted if encryption is on."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("uq_jobs_active_key", "key", unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
        Index("ix_jobs_active_run_after", "run_after", sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
        Index(None, "owner_id", "number"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    id: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(64))
    state: Mapped[JobState]
    payload: Mapped[str] = mapped_column(SealedProse("jobs.payload"))
    owner_id: Mapped[str | None] = mapped_column(String(64))
    key: Mapped[str | None] = mapped_column(String(200))
    server: Mapped[str | None] = mapped_column(String(200))
    worker: Mapped[str | None] = mapped_column(String(250))
    """The worker that runs it now, or ran it last."""
    tries: Mapped[int]
    progress: Mapped[float]
    detail: Mapped[str] = mapped_column(SealedProse("jobs.detail"))
    result: Mapped[str] = mapped_column(SealedProse("jobs.result"))
    error: Mapped[str | None] = mapped_column(SealedProse("jobs.error"))
    cancel_requested: Mapped[bool]
    created_at: Mapped[datetime]
    run_after: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
