"""Store templates of tasks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from core.prompts.records import Share
from core.workflows.steps_json import read, written
from core.workflows.templates.records import FileSlot, TaskTemplate
from data.repositories.prompts.shared_rows import rename_group, visible_rows, withdraw_from
from data.tables import NoticeTable, TaskTemplateTable
from data.transaction import AnyRow, Transaction

_T = TaskTemplateTable.__table__.c
_VISIBLE = visible_rows(TaskTemplateTable)


class SqlTemplateRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, template: TaskTemplate) -> None:
        self._sql.write(insert(TaskTemplateTable).values(_values(template)))

    def get(self, template_id: str) -> TaskTemplate | None:
        row = self._sql.first(select(TaskTemplateTable.__table__).where(_T.id == template_id))
        return None if row is None else _template(row)

    def lock(self, template_id: str) -> TaskTemplate | None:
        rows = self._sql.lock(select(TaskTemplateTable.__table__).where(_T.id == template_id))
        return _template(rows[0]) if rows else None

    def visible(self, user_id: str, group: str) -> Sequence[TaskTemplate]:
        return [_template(row) for row in self._sql.all(_VISIBLE, {"user": user_id, "group": group or None})]

    def count_of(self, user_id: str) -> int:
        return int(self._sql.scalar(select(func.count()).select_from(TaskTemplateTable).where(_T.user_id == user_id)) or 0)

    def save(self, template: TaskTemplate) -> None:
        self._sql.write(update(TaskTemplateTable).where(_T.id == template.id).values(_values(template)))

    def remove(self, template_id: str) -> None:
        self._sql.write(delete(NoticeTable).where(NoticeTable.__table__.c.task_id == template_id))
        self._sql.write(delete(TaskTemplateTable).where(_T.id == template_id))

    def rename_group(self, old: str, new: str) -> None:
        rename_group(self._sql, TaskTemplateTable, old, new)

    def withdraw_from(self, group: str) -> None:
        withdraw_from(self._sql, TaskTemplateTable, group)


def _values(template: TaskTemplate) -> dict[str, Any]:
    body = {
        "title": template.title, "request": template.request, "steps": written(template.steps),
        "files": [asdict(each) for each in template.files],
    }  # fmt: skip
    return {
        "id": template.id, "user_id": template.owner_id, "body": json.dumps(body, ensure_ascii=False), "model": template.model,
        "share": template.share.value, "group_name": template.group, "version": template.version, "created_at": template.created_at,
        "updated_at": template.updated_at,
    }  # fmt: skip


def _template(row: AnyRow) -> TaskTemplate:
    body = json.loads(row.body)
    files = tuple(FileSlot(**{**each, "tables": tuple(each["tables"])}) for each in body["files"])
    return TaskTemplate(
        id=row.id, owner_id=row.user_id, title=body["title"], request=body["request"], model=row.model, steps=read(body["steps"]),
        files=files, share=Share(row.share), group=row.group_name, version=row.version, created_at=row.created_at,
        updated_at=row.updated_at,
    )  # fmt: skip
