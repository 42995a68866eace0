"""Store schedules of templates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, select, true, update

from core.tasks.records import Every, Timing
from core.workflows.schedules.records import Rule, TaskSchedule
from data.repositories.workflows.rows import error_of, error_text
from data.tables import TaskScheduleTable
from data.transaction import AnyRow, Transaction

_T = TaskScheduleTable.__table__.c
_WHOLE = select(TaskScheduleTable.__table__)


class SqlScheduleRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, schedule: TaskSchedule) -> None:
        self._sql.write(insert(TaskScheduleTable).values(_values(schedule)))

    def of(self, user_id: str, template_id: str) -> TaskSchedule | None:
        row = self._sql.first(_WHOLE.where(_T.user_id == user_id, _T.template_id == template_id))
        return None if row is None else _schedule(row)

    def enabled(self) -> Sequence[TaskSchedule]:
        return [_schedule(row) for row in self._sql.all(_WHOLE.where(_T.enabled == true()).order_by(_T.id))]

    def lock(self, schedule_id: str) -> TaskSchedule | None:
        rows = self._sql.lock(_WHOLE.where(_T.id == schedule_id))
        return _schedule(rows[0]) if rows else None

    def save(self, schedule: TaskSchedule) -> None:
        self._sql.write(update(TaskScheduleTable).where(_T.id == schedule.id).values(_values(schedule)))

    def remove(self, schedule_id: str) -> None:
        self._sql.write(delete(TaskScheduleTable).where(_T.id == schedule_id))


def _values(schedule: TaskSchedule) -> dict[str, Any]:
    body = {"values": dict(schedule.values), "rules": dict(schedule.rules), "files": list(schedule.files)}
    return {
        "id": schedule.id, "template_id": schedule.template_id, "user_id": schedule.user_id, "version": schedule.version,
        "every": schedule.timing.every.value, "weekday": schedule.timing.weekday, "day": schedule.timing.day,
        "hour": schedule.timing.hour, "body": json.dumps(body, ensure_ascii=False), "waits": schedule.waits, "enabled": schedule.enabled,
        "covered_until": schedule.covered_until, "missed_at": schedule.missed_at, "last_task_id": schedule.last_task_id,
        "problem": error_text(schedule.problem), "created_at": schedule.created_at, "updated_at": schedule.updated_at,
    }  # fmt: skip


def _schedule(row: AnyRow) -> TaskSchedule:
    body = json.loads(row.body)
    return TaskSchedule(
        id=row.id, template_id=row.template_id, user_id=row.user_id, version=row.version,
        timing=Timing(every=Every(row.every), weekday=row.weekday, day=row.day, hour=row.hour), values=body["values"],
        rules={name: Rule(rule) for name, rule in body["rules"].items()}, files=tuple(body["files"]), waits=row.waits,
        enabled=row.enabled, covered_until=row.covered_until, missed_at=row.missed_at, last_task_id=row.last_task_id,
        problem=error_of(row.problem), created_at=row.created_at, updated_at=row.updated_at,
    )  # fmt: skip
