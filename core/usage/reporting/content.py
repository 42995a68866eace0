"""Write a report as JSON and read it back. What a later release added is left out."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from core.usage.records import UsageQuery
from core.usage.reporting.records import Marked, Report
from core.usage.sheets.records import Board, Cell, Column, Drawing, Sheet, SheetFigure, Table, Unit


def to_json(report: Report) -> str:
    query = report.query
    return json.dumps({
        "name": report.name, "first": query.first.isoformat(), "last": query.last.isoformat(), "model": query.model, "group": query.group,
        "zone": report.zone, "made_at": report.made_at.isoformat(),
        "marks": [{"day": each.day.isoformat(), "sentence": each.sentence, "fields": each.fields} for each in report.marks],
        "sheets": [{
            "board": sheet.board.value, "cards": list(cards),
            "figures": [[each.name, each.unit.value, each.now, each.before, each.currency, each.more_is_better] for each in sheet.figures],
            "tables": [{
                "name": table.name, "drawing": table.drawing.value, "drawn": list(table.drawn),
                "columns": [[column.name, column.unit.value] for column in table.columns],
                "rows": [[_plain(cell) for cell in row] for row in table.rows],
            } for table in sheet.tables if table.name in cards],
        } for sheet, cards in report.sheets],
    }, ensure_ascii=False)  # fmt: skip


def from_json(text: str) -> Report:
    stored = json.loads(text)
    first, last = date.fromisoformat(stored["first"]), date.fromisoformat(stored["last"])
    query = UsageQuery(first=first, last=last, model=stored["model"], group=stored["group"])
    return Report(
        name=stored["name"], query=query, zone=stored["zone"], made_at=datetime.fromisoformat(stored["made_at"]),
        sheets=[(_sheet(each, query), tuple(each["cards"])) for each in stored["sheets"]],
        marks=[Marked(date.fromisoformat(each["day"]), each["sentence"], each["fields"]) for each in stored["marks"]],
    )  # fmt: skip


def _sheet(stored: dict[str, Any], query: UsageQuery) -> Sheet:
    figures = [
        SheetFigure(name=name, unit=Unit(unit), now=now, before=before, currency=currency, more_is_better=better)
        for name, unit, now, before, currency, better in stored["figures"]
    ]
    return Sheet(board=Board(stored["board"]), query=query, figures=figures, tables=[_table(each) for each in stored["tables"]])


def _table(stored: dict[str, Any]) -> Table:
    columns = [Column(name, Unit(unit)) for name, unit in stored["columns"]]
    rows = [[_read(cell, column.unit) for cell, column in zip(row, columns, strict=True)] for row in stored["rows"]]
    return Table(name=stored["name"], columns=columns, rows=rows, drawing=Drawing(stored["drawing"]), drawn=tuple(stored["drawn"]))


def _plain(cell: Cell) -> str | float | None:
    return cell.isoformat() if isinstance(cell, date) else cell


def _read(cell: Any, unit: Unit) -> Cell:
    return date.fromisoformat(cell) if unit is Unit.DAY and cell is not None else cell
