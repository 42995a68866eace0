"""Queries that a person picks run as they are written, whatever the columns are called."""

from __future__ import annotations

import pytest

from core.knowledge.tables.ports import TableFile
from core.knowledge.tables.ready import Pick, picked
from core.knowledge.tables.records import Table
from data.table_files.reader import ProcessTableReader

FILE = TableFile(name='a "b".csv', content=b'group,"the ""sum"", usd"\nFX,1\nFX,2\nRates,10\n', encoding="UTF-8")
VALUE = 'the "sum", usd'


@pytest.fixture(scope="module")
def table() -> Table:
    [made] = ProcessTableReader().read(FILE).tables
    return made


@pytest.mark.parametrize(
    ("pick", "column", "by", "expected"),
    [
        (Pick.ROWS, "", "", (("FX", 1), ("FX", 2), ("Rates", 10))),
        (Pick.COUNT, "", "group", (("FX", 2), ("Rates", 1))),
        (Pick.SUM, VALUE, "group", (("Rates", 10), ("FX", 3))),
        (Pick.AVERAGE, VALUE, "", ((4.33333333333333,),)),
        (Pick.TOP, VALUE, "", (("Rates", 10), ("FX", 2), ("FX", 1))),
    ],
)
def test_a_picked_query_answers(table: Table, pick: Pick, column: str, by: str, expected: tuple[tuple[object, ...], ...]) -> None:
    assert ProcessTableReader().query([FILE], picked(table, pick, column, by), most_rows=10).rows == expected
