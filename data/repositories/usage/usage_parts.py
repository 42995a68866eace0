"""Compute usage in SQL by person and source: plain counts, one row for each day, source and person."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select

from core.inference.records import ANSWERLESS, FinishReason
from core.usage.records import UsagePart
from data.repositories.usage.usage import created_in, day_of
from data.tables import GenerationTable, UserTable
from data.transaction import Transaction

_T = GenerationTable.__table__.c
_USER = UserTable.__table__.c


def read_parts(sql: Transaction, first: date, last: date, model: str | None, group: str | None) -> list[UsagePart]:
    """Count the rows. Both days are inclusive. model, group: count only rows of these."""
    day = day_of(sqlite=sql.is_sqlite)
    made, failed = _T.source.not_in(sorted(ANSWERLESS)), _T.finish_reason == FinishReason.ERROR
    statement = (
        select(
            day.label("day"),
            _T.source,
            _T.user_id,
            func.max(_USER.full_name).label("name"),
            func.count().filter(made).label("answers"),
            func.count().filter(made, failed).label("errors"),
            func.sum(_T.prompt_tokens).label("prompt_tokens"),
            func.sum(_T.completion_tokens).label("completion_tokens"),
        )
        .join(UserTable, _USER.id == _T.user_id)
        .where(*created_in(first, last))
        .group_by(day, _T.source, _T.user_id)
    )
    if model is not None:
        statement = statement.where(_T.model == model)
    if group is not None:
        statement = statement.where(_T.group_name == group)
    return [UsagePart(**row._mapping) for row in sql.all(statement)]
