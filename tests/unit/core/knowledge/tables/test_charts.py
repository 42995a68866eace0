"""A chart is chosen by the shape of the rows."""

from __future__ import annotations

import pytest

from core.knowledge.tables.charts import chart_of, drawn_rows
from core.knowledge.tables.records import Cell, ChartKind, ColumnKind, QueryResult, ResultColumn

TEXT, INTEGER, NUMBER, DATE, TIME, BOOLEAN = ColumnKind
BAR, LINE, SCATTER = ChartKind


def result(columns: dict[str, ColumnKind], *rows: tuple[Cell, ...]) -> QueryResult:
    named = tuple(ResultColumn(name=name, kind=kind) for name, kind in columns.items())
    return QueryResult(columns=named, rows=rows, more=False, seconds=0.0)


@pytest.mark.parametrize(
    ("columns", "rows", "expected"),
    [
        ({"desk": TEXT, "usd": NUMBER}, [("FX", 1.0), ("Rates", 2.0)], (BAR, 0, (1,))),
        ({"usd": NUMBER, "desk": TEXT, "limit": INTEGER}, [(1.0, "FX", 3), (2.0, "Rates", 4)], (BAR, 1, (0, 2))),
        ({"usd": NUMBER, "day": DATE}, [(1.0, "2024-02-02"), (2.0, "2024-02-01")], (LINE, 1, (0,))),
        ({"desk": TEXT, "day": TIME, "usd": NUMBER}, [("FX", "10:00:00", 1.0), ("FX", "11:00:00", 2.0)], (LINE, 1, (2,))),
        ({"year": INTEGER, "n": INTEGER}, [(2023, 1), (2024, 2)], (LINE, 0, (1,))),
        ({"x": NUMBER, "y": NUMBER}, [(1.0, 2.0), (3.0, 4.0)], (SCATTER, 0, (1,))),
        ({"desk": TEXT, "usd": NUMBER}, [("FX", 1.0)], None),
        ({"desk": TEXT, "usd": NUMBER}, [("FX", 1.0), ("FX", 2.0)], None),
        ({"desk": TEXT, "note": TEXT}, [("FX", "a"), ("Rates", "b")], None),
        ({"n": INTEGER}, [(1,), (2,)], None),
        ({"day": DATE}, [("2024-02-02",), ("2024-02-01",)], None),
        ({"desk": TEXT, "usd": NUMBER}, [(f"desk {n}", 1.0) for n in range(61)], None),
        ({}, [], None),
    ],
)
def test_the_shape_of_the_rows_decides(
    columns: dict[str, ColumnKind], rows: list[tuple[Cell, ...]], expected: tuple[ChartKind, int, tuple[int, ...]] | None
) -> None:
    chart = chart_of(result(columns, *rows))
    assert (None if chart is None else (chart.suited[0], chart.x, chart.ys)) == expected


def test_a_line_runs_from_left_to_right_and_leaves_out_rows_without_a_moment() -> None:
    found = result({"day": DATE, "usd": NUMBER}, ("2024-02-02", 1.0), (None, 5.0), ("2024-02-01", 2.0))
    chart = chart_of(found)
    assert chart is not None
    assert drawn_rows(found, chart, LINE) == [("2024-02-01", 2.0), ("2024-02-02", 1.0)]
