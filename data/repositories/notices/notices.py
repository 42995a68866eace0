"""Store notices, and what people's browsers show of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, and_, bindparam, delete, exists, func, insert, or_, select, update

from core.notices.records import Notice, NoticeChoices, NoticeKind
from data.tables import LegalHoldTable, NoticeChoicesTable, NoticeTable
from data.transaction import AnyRow, Transaction

_T = NoticeTable.__table__.c
_CHOICE = NoticeChoicesTable.__table__.c
_HOLD = LegalHoldTable.__table__.c
_WHOLE = select(NoticeTable.__table__)
_ADD = insert(NoticeTable)
_UNREAD_OF_KIND = and_(_T.user_id == bindparam("user"), _T.kind == bindparam("kind"), _T.read_at.is_(None))
_UNREAD = (
    select(NoticeTable.__table__, func.count().over().label("total"))
    .where(
        _T.user_id == bindparam("user"),
        _T.read_at.is_(None),
        or_(
            _T.kind != NoticeKind.ANSWER_READY.value,
            and_(_T.created_at < bindparam("answers_before"), _T.conversation_id != bindparam("seen")),
        ),
    )
    .order_by(_T.created_at.desc(), _T.id)
    .limit(bindparam("most", type_=Integer))
)
"""The newest unread notices, each with the number of all."""
_CHOICES = select(_CHOICE.browser, _CHOICE.titles).where(_CHOICE.user_id == bindparam("user"))
_REMOVE_UNREAD = {
    name: delete(NoticeTable).where(_UNREAD_OF_KIND, _T[name] == bindparam("target"))
    for name in ("conversation_id", "share_id", "job_id", "alert_rule_id", "task_id")
}
"""Delete unread notices of a kind, by the column with the id of the row that they lead to."""


class SqlNoticeRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, notice: Notice) -> None:
        self._sql.write(_ADD, _values(notice))

    def replace_unread(self, notice: Notice) -> None:
        same = {"user": notice.user_id, "kind": notice.kind.value, "target": notice.target}
        self._sql.write(_REMOVE_UNREAD[_column(notice.kind)], same)
        self.add(notice)

    def of_user(self, user_id: str, limit: int, before: datetime | None = None) -> Sequence[Notice]:
        wanted = _WHOLE.where(_T.user_id == user_id)
        if before is not None:
            wanted = wanted.where(_T.created_at < before)
        return [_notice(row) for row in self._sql.all(wanted.order_by(_T.created_at.desc(), _T.id).limit(limit))]

    def unread(self, user_id: str, limit: int, answers_before: datetime, seen: str = "") -> tuple[int, Sequence[Notice]]:
        rows = self._sql.all(_UNREAD, {"user": user_id, "most": limit, "answers_before": answers_before, "seen": seen})
        return (rows[0].total if rows else 0), [_notice(row) for row in rows]

    def mark_read(self, user_id: str, at: datetime, *, notice_id: str | None = None) -> int:
        where = [_T.user_id == user_id] if notice_id is None else [_T.user_id == user_id, _T.id == notice_id]
        return self._sql.write(update(NoticeTable).where(*where).values(read_at=func.coalesce(_T.read_at, at))).rowcount

    def settle(self, user_id: str, kind: NoticeKind, target: str, at: datetime) -> None:
        where = (_T.user_id == user_id, _T.kind == kind.value, _leads_to(kind) == target, _T.read_at.is_(None))
        self._sql.write(update(NoticeTable).where(*where).values(read_at=at))

    def remove_older(self, before: datetime) -> int:
        held = exists(select(_HOLD.user_id).where(_HOLD.user_id == _T.user_id))
        return self._sql.write(delete(NoticeTable).where(_T.created_at < before, ~held)).rowcount

    def choices(self, user_id: str) -> NoticeChoices:
        row = self._sql.first(_CHOICES, {"user": user_id})
        return NoticeChoices(browser=row.browser, titles=row.titles) if row is not None else NoticeChoices()

    def put_choices(self, user_id: str, choices: NoticeChoices) -> None:
        values = {"user_id": user_id, "browser": choices.browser, "titles": choices.titles}
        self._sql.upsert(NoticeChoicesTable, ["user_id"], values, ("browser", "titles"), _CHOICE.user_id)


def _leads_to(kind: NoticeKind) -> Any:
    """Return the column with the id of the row that notices of a kind link to."""
    return _T[_column(kind)]


def _column(kind: NoticeKind) -> str:
    match kind:
        case NoticeKind.ANSWER_READY | NoticeKind.FEEDBACK_RESOLVED | NoticeKind.FEEDBACK_REPLIED | NoticeKind.NAME_REVEALED:
            return "conversation_id"
        case NoticeKind.SHARE_RECEIVED:
            return "share_id"
        case NoticeKind.ALERT_FIRING | NoticeKind.ALERT_OVER:
            return "alert_rule_id"
        case NoticeKind.TASK_DONE | NoticeKind.TASK_FAILED | NoticeKind.TASK_ASKS | NoticeKind.SCHEDULE_STOPPED:
            return "task_id"
        case _:
            return "job_id"


def _values(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.id, "user_id": notice.user_id, "kind": notice.kind.value, "subject": notice.subject,
        _column(notice.kind): notice.target or None, "created_at": notice.created_at, "read_at": notice.read_at,
    }  # fmt: skip


def _notice(row: AnyRow) -> Notice:
    kind = NoticeKind(row.kind)
    return Notice(
        id=row.id, user_id=row.user_id, kind=kind, subject=row.subject, target=row._mapping[_column(kind)] or "",
        created_at=row.created_at, read_at=row.read_at,
    )  # fmt: skip
