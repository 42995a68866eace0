"""Store the versions of the rating form."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import insert, select

from core.review.records import RatingForm
from data.tables import RatingFormTable, UserTable
from data.transaction import AnyRow, AnySelect, Transaction

_T = RatingFormTable.__table__.c
_USER = UserTable.__table__.c
_WHOLE = select(_T.version, _T.body, _T.saved_at, _USER.name).join(UserTable, _USER.id == _T.saved_by)
_FIELDS = ("good_reasons", "poor_reasons", "asks_score", "asks_passage", "asks_comment", "asks_better_answer")


class SqlRatingFormRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def newest(self) -> RatingForm | None:
        return self._first(_WHOLE.order_by(_T.version.desc()).limit(1))

    def get(self, version: int) -> RatingForm | None:
        return self._first(_WHOLE.where(_T.version == version))

    def add(self, form: RatingForm, saved_by: str) -> None:
        body = json.dumps({name: getattr(form, name) for name in _FIELDS}, ensure_ascii=False)
        self._sql.write(insert(RatingFormTable).values(version=form.version, body=body, saved_at=form.saved_at, saved_by=saved_by))

    def versions(self, limit: int) -> Sequence[RatingForm]:
        return [_form_of(row) for row in self._sql.all(_WHOLE.order_by(_T.version.desc()).limit(limit))]

    def _first(self, statement: AnySelect) -> RatingForm | None:
        rows = self._sql.all(statement)
        return _form_of(rows[0]) if rows else None


def _form_of(row: AnyRow) -> RatingForm:
    values = json.loads(row.body)
    lists = {name: tuple(values[name]) for name in ("good_reasons", "poor_reasons")}
    return RatingForm(**{**values, **lists}, version=row.version, saved_at=row.saved_at, saved_by=row.name)
