"""Store plans of reports, the reports that they made, and mails."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from core.errors import StoredError
from core.tasks.records import Every
from core.usage.records import Language
from core.usage.reporting.records import DeliveryState, MadeReport, Period, ReportMail, ReportPlan, StoredPlan
from data.tables import MadeReportTable, ReportMailTable, ReportPlanTable
from data.transaction import AnyRow, Transaction

_PLAN = ReportPlanTable.__table__.c
_REPORT = MadeReportTable.__table__.c
_MAIL = ReportMailTable.__table__.c
_LISTED = [_REPORT[field.name] for field in fields(MadeReport)]


class SqlReportRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add_plan(self, plan: StoredPlan) -> None:
        self._sql.write(insert(ReportPlanTable).values(_plan_values(plan)))

    def plans(self) -> Sequence[StoredPlan]:
        return [_stored(row) for row in self._sql.all(select(*_PLAN).order_by(_PLAN.created_at, _PLAN.id))]

    def plan(self, plan_id: str) -> StoredPlan | None:
        row = self._sql.first(select(*_PLAN).where(_PLAN.id == plan_id))
        return None if row is None else _stored(row)

    def plan_for_change(self, plan_id: str) -> StoredPlan | None:
        found = self._sql.lock(select(*_PLAN).where(_PLAN.id == plan_id))
        return _stored(found[0]) if found else None

    def save_plan(self, plan: StoredPlan) -> None:
        self._sql.write(update(ReportPlanTable).where(_PLAN.id == plan.id).values(_plan_values(plan)))

    def covered(self, plan_id: str, until: datetime) -> None:
        self._sql.write(update(ReportPlanTable).where(_PLAN.id == plan_id).values(covered_until=until))

    def stopped(self, plan_id: str, problem: StoredError | None, *, enabled: bool) -> None:
        self._sql.write(update(ReportPlanTable).where(_PLAN.id == plan_id).values(problem=problem, enabled=enabled))

    def remove_plan(self, plan_id: str) -> None:
        self._sql.write(delete(ReportPlanTable).where(_PLAN.id == plan_id))

    def rename_group(self, old: str, new: str) -> None:
        for each in self.plans():
            if each.plan.group == old:
                self.save_plan(replace(each, plan=replace(each.plan, group=new)))

    def add_report(self, report: MadeReport, content: str, keep: int) -> None:
        self._sql.write(insert(MadeReportTable).values(asdict(report) | {"content": content}))
        kept = select(_REPORT.id).where(_REPORT.plan_id == report.plan_id).order_by(_REPORT.made_at.desc(), _REPORT.id).limit(keep)
        ids = [row.id for row in self._sql.all(kept)]
        self._sql.write(delete(MadeReportTable).where(_REPORT.plan_id == report.plan_id, _REPORT.id.not_in(ids)))

    def reports(self, plan_id: str | None, limit: int) -> Sequence[MadeReport]:
        statement = select(*_LISTED).order_by(_REPORT.made_at.desc(), _REPORT.id).limit(limit)
        if plan_id is not None:
            statement = statement.where(_REPORT.plan_id == plan_id)
        return [MadeReport(**row._mapping) for row in self._sql.all(statement)]

    def report(self, report_id: str) -> tuple[MadeReport, str] | None:
        row = self._sql.first(select(*_REPORT).where(_REPORT.id == report_id))
        if row is None:
            return None
        values = dict(row._mapping)
        content: str = values.pop("content")
        return MadeReport(**values), content

    def add_mail(self, mail: ReportMail) -> None:
        self._sql.write(insert(ReportMailTable).values({field.name: getattr(mail, field.name) for field in fields(ReportMail)}))

    def mail(self, mail_id: str) -> ReportMail | None:
        row = self._sql.first(select(*_MAIL).where(_MAIL.id == mail_id))
        return None if row is None else _mail(row)

    def save_mail(self, mail: ReportMail) -> None:
        values = {"state": mail.state.value, "tries": mail.tries, "error": mail.error, "ended_at": mail.ended_at}
        self._sql.write(update(ReportMailTable).where(_MAIL.id == mail.id).values(values))

    def mails(self, report_ids: Sequence[str]) -> Sequence[ReportMail]:
        if not report_ids:
            return []
        statement = select(*_MAIL).where(_MAIL.report_id.in_(list(report_ids))).order_by(_MAIL.created_at, _MAIL.id)
        return [_mail(row) for row in self._sql.all(statement)]


def _plan_values(stored: StoredPlan) -> dict[str, Any]:
    written = {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(stored.plan).items()}
    return {
        "id": stored.id, "plan": json.dumps(written, ensure_ascii=False), "owner_id": stored.owner_id, "enabled": stored.enabled,
        "covered_until": stored.covered_until, "problem": stored.problem, "created_at": stored.created_at, "updated_at": stored.updated_at,
    }  # fmt: skip


def _stored(row: AnyRow) -> StoredPlan:
    """Return a plan. Fields that this release does not know are left out."""
    stored = json.loads(row.plan)
    known: dict[str, Any] = {field.name: stored[field.name] for field in fields(ReportPlan) if field.name in stored}
    known |= {"period": Period(stored["period"]), "every": Every(stored["every"]), "language": Language(stored["language"])}
    known |= {name: date.fromisoformat(stored[name]) if stored[name] else None for name in ("first", "last")}
    known |= {name: tuple(stored[name]) for name in ("cards", "people", "mails")}
    return StoredPlan(
        id=row.id, plan=ReportPlan(**known), owner_id=row.owner_id, enabled=row.enabled, covered_until=row.covered_until,
        problem=row.problem, created_at=row.created_at, updated_at=row.updated_at,
    )  # fmt: skip


def _mail(row: AnyRow) -> ReportMail:
    return ReportMail(**dict(row._mapping) | {"language": Language(row.language), "state": DeliveryState(row.state)})
