"""Define the tables of reports on schedule: plans, the reports that they made, and mails."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.errors import StoredError
from data.columns import ErrorText
from data.encryption.sealed_text import SealedProse
from data.tables.base import Table


class ReportPlanTable(Table):
    """Plans as JSON, each with its state."""

    __tablename__ = "report_plans"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    plan: Mapped[str] = mapped_column(SealedProse("report_plans.plan"))
    owner_id: Mapped[str] = mapped_column(String(64))
    """No foreign key: a plan outlives its owner's account, and says that it stopped."""
    enabled: Mapped[bool]
    covered_until: Mapped[datetime]
    problem: Mapped[StoredError | None] = mapped_column(ErrorText)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class MadeReportTable(Table):
    """Reports with their figures as JSON; they end with their plan."""

    __tablename__ = "made_reports"
    __table_args__ = (Index(None, "plan_id", "made_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    plan_id: Mapped[str] = mapped_column(ForeignKey("report_plans.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(SealedProse("made_reports.name"))
    owner_id: Mapped[str] = mapped_column(String(64))
    first: Mapped[date]
    last: Mapped[date]
    made_at: Mapped[datetime]
    content: Mapped[str] = mapped_column(SealedProse("made_reports.content"))


class ReportMailTable(Table):
    """Mails with a report."""

    __tablename__ = "report_mails"
    __table_args__ = (Index(None, "report_id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    report_id: Mapped[str] = mapped_column(ForeignKey("made_reports.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(SealedProse("report_mails.address"))
    language: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int]
    error: Mapped[StoredError | None] = mapped_column(ErrorText)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
