"""Rows are read back from the text that the model read, also from its beginning."""

from __future__ import annotations

from core.knowledge.tables.records import ColumnKind, QueryResult, ResultColumn
from core.knowledge.tables.result_text import MAX_LENGTH, read, written
from core.knowledge.tables.stored import read as read_tables
from core.knowledge.tables.stored import written as written_tables

TEXT, INTEGER, NUMBER, DATE, TIME, BOOLEAN = ColumnKind


def result(*rows: tuple[str | int | float | None, ...], more: bool = False) -> QueryResult:
    columns = tuple(ResultColumn(name=name, kind=kind) for name, kind in (("desk", TEXT), ("usd", NUMBER), ("day", DATE), ("n", INTEGER)))
    return QueryResult(columns=columns, rows=rows, more=more, seconds=0.1)


def test_rows_are_read_back_as_they_were() -> None:
    made = result(('a "b",\nc', 1.5, "2024-02-01", 3), ("(2 rows)", -2.0, None, None))
    assert written(made).endswith("\n(2 rows)")
    assert read(written(made), was_cut=False, seconds=0.1) == made


def test_what_does_not_fit_is_left_out_by_whole_rows() -> None:
    made = result(*(("x" * 100, 1.5, "2024-02-01", n) for n in range(1_000)))
    text = written(made)
    found = read(text, was_cut=False, seconds=0.1)
    assert len(text) < MAX_LENGTH + 100 and found is not None and found.more
    assert found.rows == made.rows[: len(found.rows)] and f"(The first {len(found.rows)} rows; there are more.)" in text


def test_a_cut_text_gives_the_rows_that_are_whole() -> None:
    made = result(("FX", 1.5, "2024-02-01", 3), ("Rates", 2.5, "2024-02-02", 412))
    found = read(written(made)[:-11], was_cut=True, seconds=0.1)
    assert found is not None and found.more and found.rows == made.rows[:1]
    assert read("", was_cut=False, seconds=0.0) is None


def test_codes_with_zeros_stay_text() -> None:
    found = read("zip,n\n00123,1\n(1 row)", was_cut=False, seconds=0.0)
    assert found is not None and found.rows == (("00123", 1),)


def test_tables_are_stored_and_read_again() -> None:
    assert (written_tables(()), read_tables(""), read_tables(None)) == ("", (), ())
