"""Store prompts and their versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, delete, func, insert, select, update

from core.prompts.records import Prompt, PromptVersion, Share
from data.repositories.prompts.shared_rows import rename_group, visible_rows, withdraw_from
from data.tables import PromptTable, PromptVersionTable
from data.transaction import AnyRow, Transaction

_T = PromptTable.__table__.c
_VERSION = PromptVersionTable.__table__.c
_VISIBLE = visible_rows(PromptTable)


class SqlPromptRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, prompt: Prompt) -> None:
        self._sql.write(insert(PromptTable).values(_values(prompt)))

    def lock(self, prompt_id: str) -> Prompt | None:
        rows = self._sql.lock(select(PromptTable.__table__).where(_T.id == prompt_id))
        return _prompt(rows[0]) if rows else None

    def visible(self, user_id: str, group: str) -> Sequence[Prompt]:
        return [_prompt(row) for row in self._sql.all(_VISIBLE, {"user": user_id, "group": group or None})]

    def count_of(self, user_id: str) -> int:
        return int(self._sql.scalar(select(func.count()).select_from(PromptTable).where(_T.user_id == user_id)) or 0)

    def save(self, prompt: Prompt) -> None:
        self._sql.write(update(PromptTable).where(_T.id == prompt.id).values(_values(prompt)))

    def remove(self, prompt_id: str) -> None:
        self._sql.write(delete(PromptTable).where(_T.id == prompt_id))

    def versions(self, prompt_id: str) -> Sequence[PromptVersion]:
        statement = select(PromptVersionTable.__table__).where(_VERSION.prompt_id == prompt_id).order_by(_VERSION.number.desc())
        return [PromptVersion(number=row.number, title=row.title, text=row.text, saved_at=row.saved_at) for row in self._sql.all(statement)]

    def add_version(self, prompt_id: str, version: PromptVersion, keep: int) -> None:
        values = {
            "id": f"{prompt_id}:{version.number}", "prompt_id": prompt_id, "number": version.number, "title": version.title,
            "text": version.text, "saved_at": version.saved_at,
        }  # fmt: skip
        self._sql.write(insert(PromptVersionTable).values(values))
        old = and_(_VERSION.prompt_id == prompt_id, _VERSION.number <= version.number - keep)
        self._sql.write(delete(PromptVersionTable).where(old))

    def rename_group(self, old: str, new: str) -> None:
        rename_group(self._sql, PromptTable, old, new)

    def withdraw_from(self, group: str) -> None:
        withdraw_from(self._sql, PromptTable, group, starter=False)


def _values(prompt: Prompt) -> dict[str, Any]:
    return {
        "id": prompt.id,
        "user_id": prompt.owner_id,
        "title": prompt.title,
        "text": prompt.text,
        "share": prompt.share.value,
        "group_name": prompt.group,
        "starter": prompt.starter,
        "version": prompt.version,
        "created_at": prompt.created_at,
        "updated_at": prompt.updated_at,
    }


def _prompt(row: AnyRow) -> Prompt:
    return Prompt(
        id=row.id, owner_id=row.user_id, title=row.title, text=row.text, share=Share(row.share), group=row.group_name,
        starter=row.starter, version=row.version, created_at=row.created_at, updated_at=row.updated_at,
    )  # fmt: skip
