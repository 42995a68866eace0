"""Declare the repository of plans and reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.errors import StoredError
from core.usage.reporting.records import MadeReport, ReportMail, StoredPlan


class ReportRepository(Protocol):
    """Stores plans, the reports that they made, and what was sent."""

    def add_plan(self, plan: StoredPlan) -> None: ...
    def plans(self) -> Sequence[StoredPlan]:
        """Return all plans, the oldest first."""
        ...

    def plan(self, plan_id: str) -> StoredPlan | None: ...
    def plan_for_change(self, plan_id: str) -> StoredPlan | None:
        """Read and lock a plan until the transaction ends."""
        ...

    def save_plan(self, plan: StoredPlan) -> None: ...
    def covered(self, plan_id: str, until: datetime) -> None:
        """Store up to when reports were made."""
        ...

    def stopped(self, plan_id: str, problem: StoredError | None, *, enabled: bool) -> None:
        """Store why the last report was not made, and whether there will be others."""
        ...

    def remove_plan(self, plan_id: str) -> None:
        """Delete a plan with its reports."""
        ...

    def rename_group(self, old: str, new: str) -> None:
        """Let plans of a group follow its new name."""
        ...

    def add_report(self, report: MadeReport, content: str, keep: int) -> None:
        """Store a report, and remove all but the newest `keep` of its plan."""
        ...

    def reports(self, plan_id: str | None, limit: int) -> Sequence[MadeReport]:
        """Return the newest reports, of one plan or of all."""
        ...

    def report(self, report_id: str) -> tuple[MadeReport, str] | None:
        """Return a report with its figures as JSON."""
        ...

    def add_mail(self, mail: ReportMail) -> None: ...
    def mail(self, mail_id: str) -> ReportMail | None: ...
    def save_mail(self, mail: ReportMail) -> None:
        """Write state, tries, error and end."""
        ...

    def mails(self, report_ids: Sequence[str]) -> Sequence[ReportMail]:
        """Return what was sent of these reports, oldest first."""
        ...
