"""Store admins' decisions about plugins, and the last failure of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from core.plugins.records import Addition, AdditionKind, PluginState
from data.tables import PluginTable
from data.transaction import AnyRow, Transaction

_T = PluginTable.__table__.c
_WHOLE = select(_T.name, _T.given, _T.error, _T.failed_at)
_ALL = _WHOLE.order_by(_T.name)


class SqlPluginRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def all(self) -> Sequence[PluginState]:
        return [_state(row) for row in self._sql.all(_ALL)]

    def get(self, name: str) -> PluginState | None:
        rows = self._sql.all(_WHOLE.where(_T.name == name))
        return _state(rows[0]) if rows else None

    def put(self, state: PluginState) -> None:
        values = {"name": state.name, "given": _given(state), "error": state.error, "failed_at": state.failed_at}
        self._sql.upsert(PluginTable, ["name"], values, ("given", "error", "failed_at"), _T.name)

    def failed(self, name: str, error: str, at: datetime) -> None:
        self._sql.write(update(PluginTable).where(_T.name == name).values(error=error, failed_at=at))

    def rename_group(self, old: str, new: str) -> None:
        self._change_groups(lambda groups: tuple(new if each == old else each for each in groups))

    def remove_group(self, group: str) -> None:
        self._change_groups(lambda groups: tuple(each for each in groups if each != group))

    def _change_groups(self, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> None:
        for state in self.all():
            changed = replace(state, groups=change(state.groups))
            if changed != state:
                self._sql.write(update(PluginTable).where(_T.name == state.name).values(given=_given(changed)))


def _given(state: PluginState) -> dict[str, Any]:
    adds = [[each.kind.value, each.name] for each in state.adds]
    return {"everyone": state.everyone, "groups": list(state.groups), "adds": adds}


def _state(row: AnyRow) -> PluginState:
    given = row.given
    # Skip kinds of additions that only a later release knows.
    known = {kind.value for kind in AdditionKind}
    adds = tuple(Addition(AdditionKind(kind), name) for kind, name in given.get("adds", ()) if kind in known)
    return PluginState(
        name=row.name, everyone=bool(given.get("everyone")), groups=tuple(given.get("groups", ())), adds=adds, error=row.error,
        failed_at=row.failed_at,
    )  # fmt: skip
