"""Store experiments, and add up the generation rows of their variants by person."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, insert, or_, select, update
from sqlalchemy.orm import aliased

from core.experiments.records import Design, Experiment, Guard, Guardrail, Metric, PersonFigures, Raise, SideFigures, State, Trip
from core.inference.offers import Split
from core.inference.records import ANSWERLESS, FinishReason
from data.repositories.usage.usage import day_of
from data.tables import ExperimentTable, FeedbackTable, GenerationTable, MessageTable, ReviewCaseTable, UserTable
from data.transaction import AnyRow, AnySelect, Transaction

_T = ExperimentTable.__table__.c
_ROW = GenerationTable.__table__.c
_RATED = FeedbackTable.__table__.c
_CASE = ReviewCaseTable.__table__.c
_USER = UserTable.__table__.c
_ALL = select(*_T, _USER.full_name.label("started_by_name")).outerjoin(UserTable, _USER.id == _T.started_by)
_ACTIVE = (State.RUNNING.value, State.PROMOTED.value)
_ANSWER, _QUESTION, _LATER = aliased(MessageTable), aliased(MessageTable), aliased(MessageTable)


class SqlExperimentRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, experiment: Experiment) -> None:
        design = experiment.design
        values = {
            "id": experiment.id, "state": experiment.state.value, "subject": design.subject, "other": design.other,
            "salt": experiment.salt, "groups": {"names": list(design.groups)}, "share": design.share, "to_b": design.to_b,
            "started_at": experiment.started_at, "started_by": experiment.started_by, "ends_at": experiment.ends_at,
            "record": _record(experiment),
        }  # fmt: skip
        self._sql.write(insert(ExperimentTable).values(**values))

    def save(self, experiment: Experiment) -> None:
        trip = json.dumps(asdict(experiment.trip)) if experiment.trip else None
        values = {
            "state": experiment.state.value, "ended_at": experiment.ended_at, "trip": trip, "to_b": experiment.design.to_b,
            "record": _record(experiment),
        }  # fmt: skip
        self._sql.write(update(ExperimentTable).where(_T.id == experiment.id).values(**values))

    def get(self, experiment_id: str) -> Experiment | None:
        row = self._sql.first(_ALL.where(_T.id == experiment_id))
        return None if row is None else _experiment(row)

    def for_change(self, experiment_id: str) -> Experiment | None:
        self._sql.locked(select(_T.id).where(_T.id == experiment_id).with_for_update(), {})
        return self.get(experiment_id)

    def all(self, limit: int) -> Sequence[Experiment]:
        return [_experiment(row) for row in self._sql.all(_ALL.order_by(_T.started_at.desc(), _T.id).limit(limit))]

    def splits(self) -> Sequence[Split]:
        columns = (_T.id, _T.subject, _T.other, _T.salt, _T.groups, _T.share, _T.to_b, _T.state)
        return [
            Split(
                experiment_id=row.id, subject=row.subject, other=row.other, salt=row.salt, groups=frozenset(row.groups["names"]),
                share=row.share, to_b=row.to_b, promoted=row.state == State.PROMOTED,
            )
            for row in self._sql.all(select(*columns).where(_T.state.in_(_ACTIVE)).order_by(_T.started_at, _T.id))
        ]  # fmt: skip

    def figures(self, variant: str, since: datetime | None = None) -> SideFigures:
        mine = _counted(variant, since)
        rows = self._sql.all(_sums().where(mine).group_by(_ROW.user_id))
        people = tuple(PersonFigures(**row._mapping) for row in rows)
        count = sum(each.timed for each in people)
        slow = select(_ROW.ttft_s).where(mine, _TIMED).order_by(_ROW.ttft_s).offset(max(0, -(-count * 95 // 100) - 1)).limit(1)
        return SideFigures(people=people, first_token_p95=self._sql.scalar(slow) if count else None)

    def daily(self, variant: str, since: datetime) -> Sequence[tuple[date, PersonFigures]]:
        day = day_of(sqlite=self._sql.is_sqlite)
        statement = _sums().add_columns(day.label("day")).where(_counted(variant, since)).group_by(_ROW.user_id, day).order_by(day)
        return [
            (row.day, PersonFigures(**{name: value for name, value in row._mapping.items() if name != "day"}))
            for row in self._sql.all(statement)
        ]


_TIMED = and_(_ROW.ttft_s.is_not(None), _ROW.cached_at.is_(None))


def _counted(variant: str, since: datetime | None) -> ColumnElement[bool]:
    return and_(_ROW.variant == variant, _ROW.source.not_in(ANSWERLESS), *([] if since is None else [_ROW.created_at >= since]))


def _sums() -> AnySelect:
    """Select the columns of PersonFigures."""
    again = exists().where(
        _LATER.conversation_id == _ANSWER.conversation_id, _LATER.number > _ANSWER.number,
        ((_LATER.parent_id == _ANSWER.parent_id) & (_LATER.author == _ANSWER.author))
        | (func.coalesce(_LATER.parent_id, "") == func.coalesce(_QUESTION.parent_id, "")) & (_LATER.author == _QUESTION.author),
    )  # fmt: skip
    kept, edited = _ANSWER.id.is_not(None), or_(_RATED.better_answer.is_not(None), _CASE.correction.is_not(None))
    return (
        select(
            _ROW.user_id,
            func.count().label("answers"),
            _sum(_ROW.finish_reason == FinishReason.ERROR, 1).label("errors"),
            _sum(_RATED.rating > 0, 1).label("good"),
            _sum(_RATED.rating < 0, 1).label("poor"),
            _sum(_TIMED, 1).label("timed"),
            _sum(_TIMED, _ROW.ttft_s).label("first_token_s"),
            _sum(_ROW.cost.is_not(None), 1).label("priced"),
            _sum(_ROW.cost.is_not(None), _ROW.cost).label("cost"),
            _sum(kept, 1).label("kept"),
            _sum(and_(kept, again), 1).label("asked_again"),
            _sum(and_(kept, _RATED.rating.is_not(None)), 1).label("rated"),
            _sum(and_(kept, _RATED.rating > 0, ~edited), 1).label("accepted"),
        )
        .select_from(GenerationTable)
        .outerjoin(FeedbackTable, and_(_RATED.message_id == _ROW.message_id, _RATED.user_id == _ROW.user_id))
        .outerjoin(ReviewCaseTable, _CASE.feedback_id == _RATED.id)
        .outerjoin(_ANSWER, _ANSWER.id == _ROW.message_id)
        .outerjoin(_QUESTION, _QUESTION.id == _ANSWER.parent_id)
    )


def _record(experiment: Experiment) -> str:
    design = experiment.design
    kept = {
        "name": design.name, "question": design.question, "metric": design.metric, "effect": design.effect,
        "baseline": design.baseline, "days": design.days, "planned": experiment.planned,
        "guardrails": [asdict(each) for each in design.guardrails],
        "raised": [{"at": each.at.isoformat(), "to_b": each.to_b} for each in experiment.raised],
    }  # fmt: skip
    return json.dumps(kept, ensure_ascii=False)


def _sum(condition: Any, value: Any) -> Any:
    return func.coalesce(func.sum(case((condition, value), else_=0)), 0)


def _experiment(row: AnyRow) -> Experiment:
    kept = json.loads(row.record)
    trip = json.loads(row.trip) if row.trip else None
    design = Design(
        name=kept["name"], question=kept["question"], subject=row.subject, other=row.other, groups=tuple(row.groups["names"]),
        share=row.share, to_b=row.to_b, metric=Metric(kept["metric"]), effect=kept["effect"], baseline=kept["baseline"],
        days=kept["days"], guardrails=tuple(Guardrail(**{**each, "guard": Guard(each["guard"])}) for each in kept["guardrails"]),
    )  # fmt: skip
    return Experiment(
        id=row.id, design=design, salt=row.salt, planned=kept["planned"], state=State(row.state), started_at=row.started_at,
        started_by=row.started_by, ends_at=row.ends_at, ended_at=row.ended_at, started_by_name=row.started_by_name or "",
        trip=Trip(**{**trip, "guard": Guard(trip["guard"])}) if trip else None,
        raised=tuple(Raise(at=datetime.fromisoformat(each["at"]), to_b=each["to_b"]) for each in kept.get("raised", ())),
    )  # fmt: skip
