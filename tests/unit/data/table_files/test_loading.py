"""Ordinary and nasty files, as tables in the database. Hostile ones are read by a real process in test_reader.py."""

from __future__ import annotations

import io
import struct
import zipfile

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.knowledge.tables.records import ColumnKind, Table
from data.table_files.column_types import give_types
from data.table_files.database import opened
from data.table_files.describing.profile import described
from data.table_files.describing.text import text_of_tables
from data.table_files.limits import MAX_COLUMNS, MAX_TABLES
from data.table_files.loading import load_file
from data.table_files.refusal import Refused
from samples.table_files import ods, xlsx

TEXT, INTEGER, NUMBER, DATE, TIME, BOOLEAN = ColumnKind


def read(name: str, content: bytes | str, encoding: str = "") -> tuple[duckdb.DuckDBPyConnection, list[Table]]:
    database = opened(1 << 30)
    raw = content.encode() if isinstance(content, str) else content
    loaded = load_file(database, name, raw, encoding, set())
    return database, [described(database, each, give_types(database, each)) for each in loaded]


def rows(database: duckdb.DuckDBPyConnection, table: Table) -> list[tuple[object, ...]]:
    return [tuple(map(str, row)) for row in database.execute(f'SELECT * FROM "{table.name}"').fetchall()]


def kinds(table: Table) -> dict[str, ColumnKind]:
    return {each.name: each.kind for each in table.columns}


@pytest.mark.parametrize(
    ("name", "content", "encoding", "expected", "first"),
    [
        ("plain.csv", b"a,b\n1,x\n2,y\n", "", {"a": INTEGER, "b": TEXT}, ("1", "x")),
        ("marked.csv", b"\xef\xbb\xbfa,b\r\n1,x\r\n", "", {"a": INTEGER, "b": TEXT}, ("1", "x")),
        ("german.csv", "Tisch;Betrag\nRates;1.234,50\nFX;-3,25\n", "", {"Tisch": TEXT, "Betrag": NUMBER}, ("Rates", "1234.5")),
        ("english.csv", 'desk,amount\nRates,"1,234.50"\nFX,-3.25\n', "", {"desk": TEXT, "amount": NUMBER}, ("Rates", "1234.5")),
        ("wide.csv", "a;b\n1;ä\n".encode("utf-16"), "UTF-16", {"a": INTEGER, "b": TEXT}, ("1", "ä")),
        ("gbk.csv", "城市,人口\n北京,2189\n".encode("gbk"), "GB18030", {"城市": TEXT, "人口": INTEGER}, ("北京", "2189")),
        ("tabs.tsv", "a\tb\n1\tx, y\n", "", {"a": INTEGER, "b": TEXT}, ("1", "x, y")),
        ("pipes.csv", "a|b\n1|2,5\n", "", {"a": INTEGER, "b": NUMBER}, ("1", "2.5")),
        ("said.csv", "sep=;\na;b\n1;2\n", "", {"a": INTEGER, "b": INTEGER}, ("1", "2")),
        ("quoted.csv", 'a,b\n1,"two\nlines, ""said"" she"\n', "", {"a": INTEGER, "b": TEXT}, ("1", 'two\nlines, "said" she')),
        ("title.csv", "Exposures of week 48\n\ndesk,usd\nRates,1\nFX,2\n", "", {"desk": TEXT, "usd": INTEGER}, ("Rates", "1")),
        ("short.csv", "a,b,c\n1,2\n3,4,5\n", "", {"a": INTEGER, "b": INTEGER, "c": INTEGER}, ("1", "2", "None")),
        ("trailing.csv", "a,b\n1,2,\n3,4,\n", "", {"a": INTEGER, "b": INTEGER}, ("1", "2")),
        ("codes.csv", "zip,n\n00123,1\n04555,2\n", "", {"zip": TEXT, "n": INTEGER}, ("00123", "1")),
        ("missing.csv", "n,t\n1,a\nn/a,\n-,b\n", "", {"n": INTEGER, "t": TEXT}, ("1", "a")),
        ("dates.csv", "d,e\n2024-02-29,1\n2023-01-05,2\n", "", {"d": DATE, "e": INTEGER}, ("2024-02-29", "1")),
        ("dots.csv", "d;e\n31.12.2024;1\n", "", {"d": DATE, "e": INTEGER}, ("2024-12-31", "1")),
        ("american.csv", "d,e\n12/31/2024,1\n01/02/2024,2\n", "", {"d": DATE, "e": INTEGER}, ("2024-12-31", "1")),
        ("chinese.csv", "日期,数\n2024年1月5日,1\n", "", {"日期": DATE, "数": INTEGER}, ("2024-01-05", "1")),
        ("times.csv", "t,u\n2024-01-05 10:30,10:30\n", "", {"t": TIME, "u": TIME}, ("2024-01-05 10:30:00", "10:30:00")),
        ("flags.csv", "f,g\ntrue,yes\nFALSE,no\n", "", {"f": BOOLEAN, "g": TEXT}, ("True", "yes")),
        ("big.csv", "n,m\n99999999999999999999,1e3\n", "", {"n": NUMBER, "m": NUMBER}, ("1e+20", "1000.0")),
        ("mixed.csv", "n,m\n1,1\nx,2\n", "", {"n": TEXT, "m": INTEGER}, ("1", "1")),
        ("impossible.csv", "d,n\n2024-02-30,1\n", "", {"d": TEXT, "n": INTEGER}, ("2024-02-30", "1")),
        ("names.csv", 'a,A,,"x ""y"""\n1,2,3,4\n', "", dict.fromkeys(("a", "A_2", "column_3", 'x "y"'), INTEGER), tuple("1234")),
        ("bare.csv", "1,2\n3,4\n", "", {"column_1": INTEGER, "column_2": INTEGER}, ("1", "2")),
        ("null.csv", b"a,b\n1,x\0y\n", "UTF-8", {"a": INTEGER, "b": TEXT}, ("1", "xy")),
        ("2024 Q1 (final).csv", "a,b\n1,2\n", "", {"a": INTEGER, "b": INTEGER}, ("1", "2")),
        (
            "own names.csv",
            "v,source,V x,rowid\n1,2024-01-05,,x\n",
            "",
            {"v": INTEGER, "source": DATE, "V x": TEXT, "rowid_2": TEXT},
            ("1", "2024-01-05", "None", "x"),
        ),
        ("formula.csv", "a,b\n=1+1,'; DROP TABLE x; --\n", "", {"a": TEXT, "b": TEXT}, ("=1+1", "'; DROP TABLE x; --")),
    ],
    ids=lambda each: each if isinstance(each, str) and each.endswith(("csv", "tsv")) else "-",
)
def test_a_text_becomes_a_table_with_types(
    name: str, content: bytes | str, encoding: str, expected: dict[str, ColumnKind], first: tuple[str, ...]
) -> None:
    database, [table] = read(name, content, encoding)
    assert (kinds(table), rows(database, table)[0]) == (expected, first)


def test_a_profile_counts_missing_values_and_shows_the_range() -> None:
    database, [table] = read("desks.csv", "desk,day,usd\nRates,2024-11-23,0.1\nFX,2024-11-27,0.2\nFX,,\n")
    desk, day, usd = table.columns
    assert (table.name, table.title, table.rows) == ("desks", "", 3)
    assert (desk.missing, desk.smallest, desk.largest, desk.examples) == (0, "", "", ("FX", "Rates"))
    assert (day.missing, day.smallest, day.largest) == (1, "2024-11-23", "2024-11-27")
    assert (usd.missing, usd.smallest, usd.largest, usd.distinct) == (1, "0.1", "0.2", 2)
    assert text_of_tables(database, [table]) == "desk,day,usd\nRates,2024-11-23,0.1\nFX,2024-11-27,0.2\nFX,,\n"


def test_dates_that_fit_both_orders_are_read_day_first_and_the_profile_says_so() -> None:
    database, [table] = read("d.csv", "d,n\n01/02/2024,1\n03/04/2024,2\n")
    assert table.columns[0].day_first and rows(database, table)[0] == ("2024-02-01", "1")


def test_a_value_far_below_the_sample_decides_the_type() -> None:
    _, [table] = read("late.csv", "n,m\n" + "1,2\n" * 6_000 + "007,x\n")
    assert kinds(table) == {"n": TEXT, "m": TEXT}


def test_each_sheet_of_a_workbook_is_a_table() -> None:
    sheets = {
        "Exposures": [["Desk", "USD m", "Ok"], ["Rates", 41.2, True], ["FX", 7, False]],
        "Empty": [],
        "Limits 2024": [["Note", None], ["Desk", "Limit"], ["Rates", 45], ["FX", 6.1]],
    }
    database, [first, second] = read("Week 48.xlsx", xlsx(sheets))
    assert (first.name, first.title, first.rows) == ("week_48_exposures", "Exposures", 2)
    assert kinds(first) == {"Desk": TEXT, "USD m": NUMBER, "Ok": BOOLEAN}
    assert rows(database, second) == [("Rates", "45.0"), ("FX", "6.1")]
    _, [only] = read("one.ods", ods({"Sheet1": [["a", "b"], ["x", 1.5]]}))
    assert (only.name, only.title, kinds(only)) == ("one", "", {"a": TEXT, "b": NUMBER})


def test_a_parquet_file_keeps_its_types_and_nested_values_become_text() -> None:
    made = io.BytesIO()
    table = pa.table({"n": [1, None], "s": ["a", "b"], "l": [[1, 2], []], "raw": [b"\x00", b"x"]})
    pq.write_table(table, made)
    database, [found] = read("x.parquet", made.getvalue())
    assert kinds(found) == {"n": INTEGER, "s": TEXT, "l": TEXT, "raw": TEXT}
    assert rows(database, found)[0][:3] == ("1", "a", "[1, 2]") and found.columns[0].missing == 1


def _zip(**parts: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("words.csv", b"hello world\nno table here\n", "no table"),
        ("longer.csv", b"a,b\n1,2\n1,2,3\n5,6\n", "row"),
        ("wide.csv", (",".join(f"c{n}" for n in range(MAX_COLUMNS + 1)) + "\n" + ",1" * MAX_COLUMNS + "\n").encode(), "columns"),
        ("broken.parquet", b"PAR1" + b"\0" * 50 + struct.pack("<I", 10) + b"PAR1", "damaged"),
        ("text.parquet", b"a,b\n1,2\n", "damaged"),
        ("broken.xlsx", _zip(xl__workbook_xml=b"<workbook"), "damaged"),
        ("empty.xlsx", xlsx({"Sheet1": []}), "empty"),
        ("header.xlsx", xlsx({"Sheet1": [["a", "b"]]}), "empty"),
        ("many.xlsx", xlsx({f"S{n}": [["a"], [1]] for n in range(MAX_TABLES + 1)}), "sheets"),
        ("broken.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "damaged"),
        ("cut.ods", ods({"S": [["a"], [1]]})[:200], "damaged"),
    ],
    ids=lambda each: each if isinstance(each, str) else "-",
)
def test_a_file_that_is_no_table_is_refused_with_the_reason(name: str, content: bytes, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        read(name, content)
    assert refused.value.reason == reason
