"""Define the table of experiments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from data.encryption.sealed_text import SealedProse
from data.tables.base import Table


class ExperimentTable(Table):
    """Experiments. What the gateway reads with every request has columns; the rest is a JSON object as text."""

    __tablename__ = "experiments"
    __table_args__ = (Index(None, "state"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(300))
    other: Mapped[str] = mapped_column(String(300))
    salt: Mapped[str] = mapped_column(String(64))
    groups: Mapped[dict[str, Any]]
    """{"names": [...]}; empty for everybody."""
    share: Mapped[int]
    to_b: Mapped[int]
    started_at: Mapped[datetime]
    started_by: Mapped[str] = mapped_column(String(64))
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    record: Mapped[str] = mapped_column(SealedProse("experiments.record"))
    """Name, question, metric, size and guardrails."""
    trip: Mapped[str | None] = mapped_column(String(300))
    """The guardrail that B passed, as JSON."""
