"""Find the columns that a step draws among the rows that it reads."""

from __future__ import annotations

from core.errors import InvalidInput
from core.knowledge.tables.charts import MAX_SERIES, Chart, chart_of
from core.knowledge.tables.records import ColumnKind, QueryResult
from core.workflows.records import DrawnColumns

_NUMBERS = (ColumnKind.INTEGER, ColumnKind.NUMBER)


def drawn_columns(wanted: DrawnColumns, rows: QueryResult) -> DrawnColumns:
    """Return the chart with all columns named. Raises InvalidInput for a column that the rows lack or that has no numbers."""
    names = [each.name for each in rows.columns]
    for each in filter(None, (wanted.x, *wanted.y)):
        if each not in names:
            sentence = "The chart asks for a column “{column}” that the step before does not give. It gives {columns}."
            raise InvalidInput(sentence, column=each[:80], columns=", ".join(names))
    suited = chart_of(rows)
    x = wanted.x or names[suited.x if suited is not None else 0]
    numbers = [each.name for each in rows.columns if each.kind in _NUMBERS and each.name != x]
    y = wanted.y or tuple(numbers[:MAX_SERIES])
    if not y:
        raise InvalidInput("The step before gives no column with numbers to draw. It gives {columns}.", columns=", ".join(names))
    if wrong := next((each for each in y if rows.columns[names.index(each)].kind not in _NUMBERS), None):
        raise InvalidInput("The chart cannot draw the column “{column}”, which has no numbers.", column=wrong[:80])
    return DrawnColumns(wanted.kind, x, y[:MAX_SERIES])


def chart_to_draw(drawn: DrawnColumns, rows: QueryResult) -> Chart:
    """Return a chart whose columns `drawn_columns` has named, by their indexes."""
    names = [each.name for each in rows.columns]
    return Chart(suited=(drawn.kind,), x=names.index(drawn.x), ys=tuple(names.index(each) for each in drawn.y))
