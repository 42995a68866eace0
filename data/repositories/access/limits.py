"""Store limits, count what is used, and lease running answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, case, delete, func, insert, or_, select, update

from core.access.records import AtLimit, Holder, LimitRule, Measure, Period
from data.tables import LimitCounterTable, LimitLeaseTable, LimitRuleTable
from data.transaction import AnyRow, Transaction

_RULE = LimitRuleTable.__table__.c
_COUNTER = LimitCounterTable.__table__.c
_LEASE = LimitLeaseTable.__table__.c
_WHOLE = select(*_RULE)
_UNIQUE = ["holder", "subject", "measure", "period"]


def _named(holder: Holder, subject: str | BindParameter[str]) -> ColumnElement[bool]:
    return and_(_RULE.holder == holder.value, _RULE.subject == subject)


_OF = _WHOLE.where(
    or_(
        _RULE.holder == Holder.EVERYONE.value,
        _named(Holder.PERSON, bindparam("person")),
        _named(Holder.GROUP, bindparam("group")),
        _named(Holder.KEY, bindparam("key")),
    )
)
"""A group or a key that is None has no rules."""
_USED = select(_COUNTER.count).where(_COUNTER.key == bindparam("key"), _COUNTER.began_at >= bindparam("since"))

class SqlLimitRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def rules(self) -> Sequence[LimitRule]:
        order = (_RULE.holder, _RULE.subject, _RULE.measure, _RULE.period)
        return [_rule(row) for row in self._sql.all(_WHOLE.order_by(*order))]

    def rules_of(self, user_id: str, group: str, key_id: str | None) -> Sequence[LimitRule]:
        return [_rule(row) for row in self._sql.all(_OF, {"person": user_id, "group": group or None, "key": key_id})]

    def put(self, rule: LimitRule) -> LimitRule:
        values = {
            "id": rule.id, "holder": rule.holder.value, "subject": rule.subject, "measure": rule.measure.value, "period": rule.period.value,
            "amount": rule.amount, "at_limit": rule.at_limit.value, "model": rule.model,
        }  # fmt: skip
        id = self._sql.upsert(LimitRuleTable, _UNIQUE, values, ("amount", "at_limit", "model"), _RULE.id)
        return _rule(self._sql.all(_WHOLE.where(_RULE.id == id))[0])

    def get(self, rule_id: str) -> LimitRule | None:
        row = self._sql.first(_WHOLE.where(_RULE.id == rule_id))
        return None if row is None else _rule(row)

    def remove(self, rule_id: str) -> None:
        self._sql.write(delete(LimitRuleTable).where(_RULE.id == rule_id))

    def rename_group(self, old: str, new: str) -> None:
        self._sql.write(delete(LimitRuleTable).where(_named(Holder.GROUP, new)))
        self._sql.write(update(LimitRuleTable).where(_named(Holder.GROUP, old)).values(subject=new))

    def used(self, key: str, since: datetime) -> int:
        row = self._sql.first(_USED, {"key": key, "since": since})
        return 0 if row is None else row[0]

    def count(self, key: str, since: datetime, amount: int) -> int:
        old = _COUNTER.began_at < since
        changes = {"count": case((old, amount), else_=_COUNTER.count + amount), "began_at": case((old, since), else_=_COUNTER.began_at)}
        values = {"key": key, "began_at": since, "count": amount}
        return int(self._sql.upsert_with(LimitCounterTable, _COUNTER.key, values, changes)._mapping["count"])

    def running(self, key: str, now: datetime) -> int:
        return int(self._sql.scalar(select(func.count()).select_from(LimitLeaseTable).where(_LEASE.key == key, _LEASE.until > now)))

    def lease(self, key: str, lease_id: str, now: datetime, until: datetime, most: int) -> bool:
        # The counter's row is the lock of the key: the first to add 0 to it goes first.
        self.count(key, now, 0)
        if self.running(key, now) >= most:
            return False
        self._sql.write(insert(LimitLeaseTable).values(id=lease_id, key=key, until=until))
        return True

    def extend(self, lease_id: str, until: datetime) -> None:
        self._sql.write(update(LimitLeaseTable).where(_LEASE.id == lease_id).values(until=until))

    def release(self, lease_id: str) -> None:
        self._sql.write(delete(LimitLeaseTable).where(_LEASE.id == lease_id))

    def remove_before(self, moment: datetime) -> None:
        self._sql.write(delete(LimitLeaseTable).where(_LEASE.until < moment))
        self._sql.write(delete(LimitCounterTable).where(_COUNTER.began_at < moment))


def _rule(row: AnyRow) -> LimitRule:
    return LimitRule(
        id=row.id, holder=Holder(row.holder), subject=row.subject, measure=Measure(row.measure), period=Period(row.period),
        amount=row.amount, at_limit=AtLimit(row.at_limit), model=row.model,
    )  # fmt: skip
