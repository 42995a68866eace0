"""Count the votes on answers side by side in chats, and on the answers of two files of a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from sqlalchemy import func, select

from core.arena.records import Contender, VoteCount, VoteFilter, file_version
from core.comparing.records import VoteChoice
from core.inference.records import FinishReason
from core.review.records import Vote
from data.tables import ComparisonTable, ComparisonVoteTable, FileComparisonTable, GenerationTable, PresetTable, UserTable
from data.transaction import AnyRow, Transaction

_LANES = ComparisonTable.__table__.c
_ROW = GenerationTable.__table__.c
_VOTE = ComparisonVoteTable.__table__.c
_FILES = FileComparisonTable.__table__.c
_USER = UserTable.__table__.c
_ANSWERED = (_ROW.message_id, _ROW.model, _ROW.model_version, _ROW.platform, _ROW.finish_reason)
_AT_ONCE = 400
"""Comparisons whose generation rows one statement reads."""


class Tally:
    """Adds up votes by person and pair."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Contender, Contender], list[int]] = {}

    def add(self, user_id: str, one: Contender, other: Contender, preferred: Contender | None, n: int = 1) -> None:
        """Count n votes for `preferred`, or n ties. Votes between equals say nothing and are left out."""
        if not n or one == other:
            return
        first, second = (one, other) if one < other else (other, one)
        found = self._found.setdefault((user_id, first, second), [0, 0, 0])
        found[2 if preferred is None else 0 if preferred == first else 1] += n

    def counts(self) -> list[VoteCount]:
        return [
            VoteCount(user_id=user_id, first=first, second=second, first_wins=first_wins, second_wins=second_wins, ties=ties)
            for (user_id, first, second), (first_wins, second_wins, ties) in self._found.items()
        ]


def count_side_by_side(sql: Transaction, filter: VoteFilter, tally: Tally) -> None:
    """Count votes in chats. Of more than two answers, the preferred one beat each other; answers that failed do not count."""
    presets = {row.name for row in sql.all(select(PresetTable.name))}
    found = select(_LANES.id, _LANES.user_id, _LANES.lanes, _LANES.vote, _LANES.preferred_id).where(_LANES.vote.is_not(None))
    if filter.since is not None:
        found = found.where(_LANES.voted_at >= filter.since)
    if filter.until is not None:
        found = found.where(_LANES.voted_at < filter.until)
    if filter.group is not None:
        found = found.where(_LANES.user_id.in_(select(_USER.id).where(_USER.group_name == filter.group)))
    last = ""
    while page := sql.all(found.where(_LANES.id > last).order_by(_LANES.id).limit(_AT_ONCE)):
        last = page[-1].id
        answers = [lane["answer_id"] for row in page for lane in row.lanes["lanes"]]
        rows = {row.message_id: row for row in sql.all(select(*_ANSWERED).where(_ROW.message_id.in_(answers)))}
        for row in page:
            lanes = {lane["answer_id"]: _contender(lane["model"], rows.get(lane["answer_id"]), presets) for lane in row.lanes["lanes"]}
            _count_lanes(tally, row, {answer: each for answer, each in lanes.items() if each is not None})


def _contender(asked: str, row: AnyRow | None, presets: set[str]) -> Contender | None:
    """Return who answered: a preset by its name, a model with its version. None if the answer failed or nothing says whose it was."""
    if row is not None and row.finish_reason is FinishReason.ERROR:
        return None
    if asked in presets:
        return Contender(asked)
    name = asked or (row.model if row is not None else "")
    return Contender(name, file_version(row.model_version, row.platform) if row is not None else "") if name else None


def _count_lanes(tally: Tally, row: AnyRow, lanes: dict[str, Contender]) -> None:
    if row.vote == Vote.ONE:
        preferred = lanes.get(row.preferred_id)
        for answer, other in lanes.items():
            if preferred is not None and answer != row.preferred_id:
                tally.add(row.user_id, preferred, other, preferred)
        return
    for one, other in combinations(lanes.values(), 2):
        tally.add(row.user_id, one, other, None)


def count_file_votes(sql: Transaction, filter: VoteFilter, tally: Tally) -> None:
    """Count votes on two files of a model, which are named as their files are. Their time is the end of their comparison."""
    found = select(_VOTE.comparison_id, _VOTE.user_id, _VOTE.choice, func.count().label("n")).join(
        FileComparisonTable, _FILES.id == _VOTE.comparison_id
    )
    if filter.since is not None:
        found = found.where(_FILES.ended_at >= filter.since)
    if filter.until is not None:
        found = found.where(_FILES.ended_at < filter.until)
    if filter.group is not None:
        found = found.where(_VOTE.user_id.in_(select(_USER.id).where(_USER.group_name == filter.group)))
    votes = sql.all(found.group_by(_VOTE.comparison_id, _VOTE.user_id, _VOTE.choice))
    names = _file_names(sql, sorted({row.comparison_id for row in votes}))
    for row in votes:
        reference, candidate = names[row.comparison_id]
        preferred = {VoteChoice.REFERENCE: reference, VoteChoice.CANDIDATE: candidate}.get(row.choice)
        tally.add(row.user_id, reference, candidate, preferred, row.n)


def _file_names(sql: Transaction, ids: Sequence[str]) -> dict[str, tuple[Contender, Contender]]:
    found = {}
    for row in sql.all(select(_FILES.id, _FILES.record).where(_FILES.id.in_(ids))):
        read = json.loads(row.record)
        found[row.id] = (Contender(Path(read["reference"]["path"]).stem), Contender(Path(read["candidate"]["path"]).stem))
    return found
