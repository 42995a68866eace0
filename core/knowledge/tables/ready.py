"""Write queries that a person picks without knowing SQL."""

from __future__ import annotations

from enum import StrEnum

from core.knowledge.tables.described import sql_name
from core.knowledge.tables.records import Table


class Pick(StrEnum):
    ROWS = "rows"
    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"
    TOP = "top"


def picked(table: Table, pick: Pick, column: str = "", by: str = "") -> str:
    """Return the SQL. column: what is counted, summed or sorted by. by: the groups; empty for the whole table."""
    source, value, group = sql_name(table.name), sql_name(column), sql_name(by)
    match pick:
        case Pick.ROWS:
            return f"SELECT *\nFROM {source}\nLIMIT 100"
        case Pick.TOP:
            return f"SELECT *\nFROM {source}\nWHERE {value} IS NOT NULL\nORDER BY {value} DESC\nLIMIT 10"
        case Pick.COUNT:
            figure, name = "count(*)", "count"
        case Pick.SUM:
            figure, name = f"sum({value})", f"sum of {column}"
        case Pick.AVERAGE:
            figure, name = f"avg({value})", f"average of {column}"
    if not by:
        return f"SELECT {figure} AS {sql_name(name)}\nFROM {source}"
    return f"SELECT {group}, {figure} AS {sql_name(name)}\nFROM {source}\nGROUP BY {group}\nORDER BY 2 DESC"
