"""Write tables as JSON, as they are stored with their file, and read them again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from core.knowledge.tables.records import Column, ColumnKind, Table


def written(tables: Sequence[Table]) -> str:
    """Return tables as JSON; an empty text if there are none."""
    return json.dumps([asdict(each) for each in tables], ensure_ascii=False) if tables else ""


def read(stored: str | None) -> tuple[Table, ...]:
    """Return the tables that `written` wrote."""
    return tuple(map(table_of, json.loads(stored))) if stored else ()


def table_of(found: dict[str, Any]) -> Table:
    """Return a table from its JSON object."""
    return Table(
        name=found["name"], title=found["title"], rows=found["rows"], columns=tuple(_column(each) for each in found["columns"])
    )  # fmt: skip


def _column(found: dict[str, Any]) -> Column:
    return Column(
        name=found["name"], kind=ColumnKind(found["kind"]), missing=found["missing"], distinct=found["distinct"],
        smallest=found["smallest"], largest=found["largest"], examples=tuple(found["examples"]), day_first=found["day_first"],
    )  # fmt: skip
