"""Tables and queries in a real process: what it answers, refuses and survives."""

from __future__ import annotations

import pytest

from core.errors import InvalidInput
from core.knowledge.tables.ports import TableFile
from core.knowledge.tables.records import ColumnKind, ResultColumn
from data.table_files.reader import MAX_SQL_LENGTH, ProcessTableReader

READER = ProcessTableReader()
DESKS = TableFile(name="desks.csv", content=b"desk,usd\nRates,0.1\nFX,0.2\nFX,0.1\n", encoding="UTF-8")
LIMITS = TableFile(name="limits.csv", content="desk;limit\nRates;45,5\nFX;6\n".encode("utf-16"), encoding="UTF-16")


def test_a_query_joins_the_tables_of_several_files() -> None:
    sql = 'SELECT desk, sum(usd) AS usd, max("limit") AS most FROM desks JOIN limits USING (desk) GROUP BY desk ORDER BY desk; -- end'
    found = READER.query([DESKS, LIMITS], sql, most_rows=10)
    assert found.columns == (
        ResultColumn(name="desk", kind=ColumnKind.TEXT),
        ResultColumn(name="usd", kind=ColumnKind.NUMBER),
        ResultColumn(name="most", kind=ColumnKind.NUMBER),
    )
    assert (found.rows, found.more) == ((("FX", 0.3, 6.0), ("Rates", 0.1, 45.5)), False)


def test_more_rows_than_asked_for_are_counted_as_more() -> None:
    found = READER.query([DESKS], "FROM desks", most_rows=2)
    assert (len(found.rows), found.more) == (2, True)


def test_a_wrong_query_says_what_is_wrong() -> None:
    with pytest.raises(InvalidInput, match=r"The query failed: .*usdd.*usd"):
        READER.query([DESKS], "SELECT usdd FROM desks", most_rows=10)
    with pytest.raises(InvalidInput, match="at most"):
        READER.query([DESKS], "SELECT 1 " + " " * MAX_SQL_LENGTH, most_rows=10)


@pytest.mark.parametrize("content", [b"PK\x03\x04xl/workbook" + b"\0" * 99, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 4096])
def test_a_damaged_workbook_is_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"book\.xls is damaged and cannot be read"):
        READER.read(TableFile(name="book.xls", content=content))


def test_what_takes_all_memory_is_ended() -> None:
    heavy = ProcessTableReader(query_s=30, memory_bytes=1 << 30)
    with pytest.raises(InvalidInput, match="too much time or memory"):
        heavy.query([DESKS], "SELECT count(DISTINCT a.range * 7919 + b.range) FROM range(1000000) a, range(1000) b", most_rows=10)


def test_what_never_ends_is_ended() -> None:
    quick = ProcessTableReader(query_s=1)
    endless = "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t"
    with pytest.raises(InvalidInput, match="too much time or memory"):
        quick.query([DESKS], endless, most_rows=10)
