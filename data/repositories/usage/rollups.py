"""Store rollups, and read sums and people from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, literal_column, select
from sqlalchemy.orm import aliased

from core.people.records import User
from core.usage.records import UsageQuery
from core.usage.rollups.records import (
    AnsweredRow,
    AnswerLine,
    By,
    DayRollup,
    DayState,
    HourCell,
    Measure,
    OwnAnswers,
    Signature,
    Sums,
    SumsOf,
)
from core.usage.rollups.sketches import Sketch
from data.repositories.usage.answer_lines import read_lines
from data.repositories.usage.sketches import merged
from data.tables import (
    FeedbackTable,
    GenerationTable,
    TurnTable,
    UsageCellTable,
    UsageDayTable,
    UsageHourTable,
    UsagePersonTable,
    UserTable,
)
from data.transaction import AnyRow, Transaction

_T = GenerationTable.__table__.c
_FEEDBACK = FeedbackTable.__table__.c
_DAY = UsageDayTable.__table__.c
_CELL = UsageCellTable.__table__.c
_PERSON = UsagePersonTable.__table__.c
_HOUR = UsageHourTable.__table__.c
_USER = UserTable.__table__.c
_SUMMED = tuple(field.name for field in fields(Sums))
_BY = {By.DAY: _CELL.day, By.MODEL: _CELL.model, By.PLATFORM: _CELL.platform, By.GROUP: _CELL.group_name, By.SOURCE: _CELL.source}
_OWN_RATING = and_(_FEEDBACK.message_id == _T.message_id, _FEEDBACK.user_id == _T.user_id)
_TURN, _EARLIER = aliased(TurnTable), aliased(TurnTable)
_REGENERATED = exists(
    select(_TURN.id)
    .join(_EARLIER, and_(_EARLIER.conversation_id == _TURN.conversation_id, _EARLIER.question_id == _TURN.question_id))
    .where(_TURN.conversation_id == _T.conversation_id, _TURN.answer_id == _T.message_id)
    .where(_EARLIER.lane == _TURN.lane, _EARLIER.created_at < _TURN.created_at)
)
_ROWS = select(
    _T.user_id, _T.group_name.label("group"), _T.model, _T.platform, _T.source, _T.created_at, _T.finish_reason,
    _T.prompt_tokens, _T.completion_tokens, _T.cached_tokens, _T.queue_s, _T.ttft_s, _T.duration_s, _T.tokens_per_second,
    _T.device_s, _T.retries, _REGENERATED.label("regenerated"), _FEEDBACK.rating, _T.cost, _T.currency, _T.routing,
).outerjoin(FeedbackTable, _OWN_RATING)  # fmt: skip

_DAYS = 7_310_005
"""The lock under which days are replaced: a page may add up the day that the job adds up."""


class SqlRollupRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def first_row(self) -> datetime | None:
        row = self._sql.first(select(_T.created_at).order_by(_T.created_at).limit(1))
        return None if row is None else row.created_at

    def signature(self, since: datetime, until: datetime) -> Signature:
        inside = _T.created_at >= since, _T.created_at < until
        rated, good = func.count().label("rated"), func.count().filter(_FEEDBACK.rating == 1).label("good")
        rows = self._sql.scalar(select(func.count()).select_from(GenerationTable).where(*inside))
        found = self._sql.first(select(rated, good).select_from(GenerationTable).join(FeedbackTable, _OWN_RATING).where(*inside))
        return Signature(int(rows), found.rated, found.good) if found is not None else Signature(int(rows))

    def rows(self, since: datetime, until: datetime) -> Sequence[AnsweredRow]:
        return [_row_of(row) for row in self._sql.all(_ROWS.where(_T.created_at >= since, _T.created_at < until))]

    def states(self, first: date, last: date) -> Mapping[date, DayState]:
        rows = self._sql.all(select(*_DAY).where(_DAY.day >= first, _DAY.day <= last))
        return {
            row.day: DayState(zone=row.zone, signature=Signature(row.rows, row.rated, row.good), computed_at=row.computed_at)
            for row in rows
        }

    def put(self, rollup: DayRollup) -> None:
        self._sql.lock_alone(_DAYS)
        for table in (UsageDayTable, UsageCellTable, UsagePersonTable, UsageHourTable):
            self._sql.write(delete(table).where(table.__table__.c.day == rollup.day))
        seen = rollup.signature
        day = {"day": rollup.day}
        state = {"zone": rollup.zone, "rows": seen.rows, "rated": seen.rated, "good": seen.good, "computed_at": rollup.computed_at}
        self._sql.write(insert(UsageDayTable), {**day, **state})
        self._put(UsageCellTable, [{
            **day, "model": key.model, "platform": key.platform, "group_name": key.group, "source": key.source, "currency": key.currency,
            **asdict(cell.sums), **{each.value: cell.sketches.get(each, Sketch()).packed() for each in Measure},
        } for key, cell in rollup.cells.items()])  # fmt: skip
        monday = rollup.day - timedelta(days=rollup.day.weekday())
        self._put(UsagePersonTable, [
            {**day, "monday": monday, "user_id": each.user_id, "group_name": each.group, "model": each.model, "answers": each.answers}
            for each in rollup.people
        ])  # fmt: skip
        self._put(UsageHourTable, [{
            **day, "hour": each.hour, "model": each.model, "platform": each.platform, "answers": each.answers, "busy_s": each.busy_s,
            "queue": each.queue,
        } for each in rollup.hours])  # fmt: skip

    def _put(self, table: type[Any], rows: list[dict[str, Any]]) -> None:
        if rows:
            self._sql.write(insert(table), rows)

    def first_day(self) -> date | None:
        row = self._sql.first(select(_DAY.day).where(_DAY.rows > 0).order_by(_DAY.day).limit(1))
        return None if row is None else row.day

    def sums(self, query: UsageQuery, *by: By) -> Sequence[SumsOf]:
        keys = [_BY[each] for each in by]
        summed = [func.sum(_CELL[name]).label(name) for name in _SUMMED]
        found = self._sql.all(select(*keys, _CELL.currency, *summed).where(*_cells_of(query)).group_by(*keys, _CELL.currency))
        return [
            SumsOf(tuple(map(str, row[: len(keys)])), row.currency, Sums(**{name: _number(name, getattr(row, name)) for name in _SUMMED}))
            for row in found
        ]

    def sketches(self, query: UsageQuery, by: By | None = None) -> Mapping[str, Mapping[Measure, Sketch]]:
        key = [_BY[by]] if by is not None else []
        rows = self._sql.all(select(*(_CELL[each.value] for each in Measure), *key).where(*_cells_of(query), _CELL.answers > 0))
        grouped: dict[str, list[AnyRow]] = {}
        for row in rows:
            grouped.setdefault(str(row[-1]) if key else "", []).append(row)
        return {
            name: {measure: merged([row[index] for row in own]) for index, measure in enumerate(Measure)} for name, own in grouped.items()
        }

    def people_by_day(self, query: UsageQuery) -> Mapping[date, frozenset[str]]:
        # Ids as one text a day: a row for each of them would take three times as long.
        seen = select(_PERSON.day, _PERSON.user_id).where(*_people_of(query)).distinct().subquery()
        gather = func.group_concat(seen.c.user_id) if self._sql.is_sqlite else func.string_agg(seen.c.user_id, literal_column("','"))
        found = self._sql.all(select(seen.c.day, gather.label("ids")).group_by(seen.c.day))
        return {row.day: frozenset(row.ids.split(",")) for row in found}

    def known_before(self, day: date) -> set[str]:
        earlier = exists(select(_PERSON.user_id).where(_PERSON.user_id == _USER.id, _PERSON.day < day))
        return {row.id for row in self._sql.all(select(_USER.id).where(earlier))}

    def answers_of(self, user_id: str, first: date) -> Sequence[OwnAnswers]:
        answers = func.sum(_PERSON.answers).label("answers")
        mine = select(_PERSON.day, _PERSON.model, answers).where(_PERSON.user_id == user_id, _PERSON.day >= first)
        rows = self._sql.all(mine.group_by(_PERSON.day, _PERSON.model).order_by(_PERSON.day, _PERSON.model))
        return [OwnAnswers(row.day, row.model, int(row.answers)) for row in rows]

    def active_by_group(self, query: UsageQuery) -> Mapping[str, int]:
        people = func.count(_PERSON.user_id.distinct()).label("people")
        statement = select(_PERSON.group_name, people).where(*_people_of(query)).group_by(_PERSON.group_name)
        return {row.group_name: row.people for row in self._sql.all(statement)}

    def members(self) -> Mapping[str, int]:
        rows = self._sql.all(select(_USER.group_name, func.count().label("people")).where(_USER.active).group_by(_USER.group_name))
        return {row.group_name: row.people for row in rows}

    def hours(self, query: UsageQuery) -> Sequence[HourCell]:
        chosen = [_HOUR.day >= query.first, _HOUR.day <= query.last]
        if query.model is not None:
            chosen.append(_HOUR.model == query.model)
        columns = (_HOUR.hour, _HOUR.model, _HOUR.platform, _HOUR.answers, _HOUR.busy_s, _HOUR.queue)
        return [
            HourCell(
                hour=row.hour, model=row.model, platform=row.platform, answers=row.answers, busy_s=row.busy_s,
                queue=row.queue,
            )
            for row in self._sql.all(select(*columns).where(*chosen).order_by(_HOUR.hour))
        ]  # fmt: skip

    def latest_day(self, model: str | None, group: str | None) -> date | None:
        chosen = [_CELL.answers > 0]
        if model is not None:
            chosen.append(_CELL.model == model)
        if group is not None:
            chosen.append(_CELL.group_name == group)
        row = self._sql.first(select(_CELL.day).where(*chosen).order_by(_CELL.day.desc()).limit(1))
        return None if row is None else row.day

    def lines(
        self, since: datetime, until: datetime, model: str | None, group: str | None, reader: User, limit: int
    ) -> Sequence[AnswerLine]:
        return read_lines(self._sql, since, until, model, group, reader, limit)

    def targets(self) -> Sequence[str]:
        pairs = select(_CELL.model, _CELL.platform).distinct().order_by(_CELL.model, _CELL.platform)
        return [f"{row.model}@{row.platform}" for row in self._sql.all(pairs)]

    def names(self) -> tuple[Sequence[str], Sequence[str]]:
        models, groups = (
            [row[0] for row in self._sql.all(select(column).distinct().order_by(column))] for column in (_CELL.model, _CELL.group_name)
        )
        return models, groups


def _row_of(row: AnyRow) -> AnsweredRow:
    values = dict(row._mapping)
    routing = values.pop("routing")
    if values["cost"] is None:
        values["currency"] = ""
    elif not values["currency"]:
        values["currency"] = routing.currency if routing is not None else ""
    values["regenerated"] = bool(values["regenerated"])
    return AnsweredRow(**values)


def _cells_of(query: UsageQuery) -> list[ColumnElement[bool]]:
    chosen = [_CELL.day >= query.first, _CELL.day <= query.last]
    if query.model is not None:
        chosen.append(_CELL.model == query.model)
    if query.group is not None:
        chosen.append(_CELL.group_name == query.group)
    return chosen


def _people_of(query: UsageQuery) -> list[ColumnElement[bool]]:
    chosen = [_PERSON.day >= query.first, _PERSON.day <= query.last]
    if query.model is not None:
        chosen.append(_PERSON.model == query.model)
    if query.group is not None:
        chosen.append(_PERSON.group_name == query.group)
    return chosen


def _number(name: str, value: Any) -> Any:
    """Return a sum as the field's type: PostgreSQL adds up integers to decimals."""
    return float(value) if name in ("cost", "device_s") else int(value)
