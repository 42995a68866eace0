"""Store policies for personal data."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select, update

from core.privacy.records import EVERY_GROUP, Action, Kind, PrivacyPolicy
from data.tables import PrivacyPolicyTable
from data.transaction import AnyRow, Transaction

_T = PrivacyPolicyTable.__table__.c
_WHOLE = select(_T.group_name, _T.policy)
_OF_GROUP = _WHOLE.where(_T.group_name.in_([bindparam("group"), EVERY_GROUP]))


class SqlPolicyRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def all(self) -> Sequence[PrivacyPolicy]:
        return [_policy(row) for row in self._sql.all(_WHOLE.order_by(_T.group_name))]

    def of_group(self, group: str) -> PrivacyPolicy | None:
        found = {row.group_name: row for row in self._sql.all(_OF_GROUP, {"group": group})}
        row = found.get(group) or found.get(EVERY_GROUP)
        return None if row is None else _policy(row)

    def put(self, policy: PrivacyPolicy) -> None:
        content = {
            "input": policy.input.value, "output": policy.output.value, "kinds": sorted(each.value for each in policy.kinds),
            "patterns": list(policy.patterns),
        }  # fmt: skip
        values = {"group_name": policy.group, "policy": content}
        self._sql.upsert(PrivacyPolicyTable, ["group_name"], values, ("policy",), _T.group_name)

    def remove(self, group: str) -> bool:
        return self._sql.write(delete(PrivacyPolicyTable).where(_T.group_name == group)).rowcount > 0

    def rename_group(self, old: str, new: str) -> None:
        self._sql.write(delete(PrivacyPolicyTable).where(_T.group_name == new))
        self._sql.write(update(PrivacyPolicyTable).where(_T.group_name == old).values(group_name=new))


def _policy(row: AnyRow) -> PrivacyPolicy:
    stored = row.policy
    # Skip a kind of a later release; treat an unknown action as masking.
    kinds = frozenset(kind for kind in Kind if kind.value in stored.get("kinds", ()))
    return PrivacyPolicy(
        group=row.group_name, input=_action(stored.get("input", "off")), output=_action(stored.get("output", "off")), kinds=kinds,
        patterns=tuple(stored.get("patterns", ())),
    )  # fmt: skip


def _action(stored: str) -> Action:
    return Action(stored) if stored in set(Action) else Action.MASK
