"""Store the votes of the Arena, and count all votes that compare models or presets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select

from core.arena.records import ArenaVote, Choice, Contender, VoteCount, VoteFilter
from data.repositories.arena.other_votes import Tally, count_file_votes, count_side_by_side
from data.tables import ArenaVoteTable, UserTable
from data.transaction import Transaction

_T = ArenaVoteTable.__table__.c
_USER = UserTable.__table__.c
_PAIR = (_T.user_id, _T.left_name, _T.left_version, _T.right_name, _T.right_version)


class SqlVoteRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def put(self, vote: ArenaVote) -> None:
        values = {
            "id": vote.id, "user_id": vote.user_id, "left_name": vote.left.name, "left_version": vote.left.version,
            "right_name": vote.right.name, "right_version": vote.right.version, "choice": vote.choice, "task": vote.task,
            "voted_at": vote.voted_at,
        }  # fmt: skip
        self._sql.upsert(ArenaVoteTable, ["id"], values, ("choice", "voted_at"), _T.id)

    def remove(self, vote_id: str, user_id: str) -> bool:
        return self._sql.write(delete(ArenaVoteTable).where(_T.id == vote_id, _T.user_id == user_id)).rowcount > 0

    def counts(self, filter: VoteFilter) -> Sequence[VoteCount]:
        tally, known = Tally(), cache(Contender)
        wins = (func.count().filter(_T.choice == choice) for choice in (Choice.LEFT, Choice.RIGHT))
        for user_id, *names, won, lost, n in self._sql.all(
            select(*_PAIR, *wins, func.count()).where(*_conditions(filter)).group_by(*_PAIR)
        ):
            left, right = known(*names[:2]), known(*names[2:])
            tally.add(user_id, left, right, left, won)
            tally.add(user_id, left, right, right, lost)
            tally.add(user_id, left, right, None, n - won - lost)
        if filter.task is None:
            count_side_by_side(self._sql, filter, tally)
            count_file_votes(self._sql, filter, tally)
        return tally.counts()


def _conditions(filter: VoteFilter) -> list[ColumnElement[Any]]:
    found: list[ColumnElement[Any]] = []
    if filter.since is not None:
        found.append(_T.voted_at >= filter.since)
    if filter.until is not None:
        found.append(_T.voted_at < filter.until)
    if filter.task is not None:
        found.append(_T.task == filter.task)
    if filter.group is not None:
        found.append(_T.user_id.in_(select(_USER.id).where(_USER.group_name == filter.group)))
    return found
