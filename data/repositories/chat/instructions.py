"""Store the instructions of people and groups."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select, update

from core.chat.context.records import Holder, Instructions
from data.tables import InstructionsTable
from data.transaction import Transaction

_T = InstructionsTable.__table__.c
_WHOLE = select(_T.holder, _T.subject, _T.text, _T.updated_at, _T.updated_by)
_BY_ID = _WHOLE.where(_T.id == bindparam("instructions"))


class SqlInstructionsRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def get(self, holder: Holder, subject: str) -> Instructions | None:
        row = self._sql.first(_BY_ID, {"instructions": _id(holder, subject)})
        return (
            None
            if row is None
            else Instructions(
                holder=Holder(row.holder), subject=row.subject, text=row.text, updated_at=row.updated_at, updated_by=row.updated_by
            )
        )

    def put(self, instructions: Instructions) -> None:
        values = {
            "id": _id(instructions.holder, instructions.subject), "holder": instructions.holder.value, "subject": instructions.subject,
            "text": instructions.text, "updated_at": instructions.updated_at, "updated_by": instructions.updated_by,
        }  # fmt: skip
        changes = ("text", "updated_at", "updated_by")
        self._sql.upsert(InstructionsTable, ["id"], values, changes, _T.subject)

    def remove(self, holder: Holder, subject: str) -> bool:
        return self._sql.write(delete(InstructionsTable).where(_T.id == _id(holder, subject))).rowcount > 0

    def rename_group(self, old: str, new: str) -> None:
        self.remove(Holder.GROUP, new)
        moved = update(InstructionsTable).where(_T.id == _id(Holder.GROUP, old)).values(id=_id(Holder.GROUP, new), subject=new)
        self._sql.write(moved)


def _id(holder: Holder, subject: str) -> str:
    return f"{holder.value}:{subject}"
