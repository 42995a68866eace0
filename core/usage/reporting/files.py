"""Write a report as CSV files in a ZIP file, and as Markdown, which the PDF export lays out."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Sequence

from core.usage.csv_file import to_csv
from core.usage.records import Language
from core.usage.reporting.cells import MISSING, figure_words, number, row_words
from core.usage.reporting.html import change_lines, head_lines
from core.usage.reporting.records import FIGURES, Report
from core.usage.reporting.svg import chart
from core.usage.reporting.wording import BOARDS, CARDS, NAMES, WEEKDAYS, say
from core.usage.sheets.records import Drawing, Sheet, Table

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def zipped(report: Report) -> bytes:
    """Return a ZIP file with one CSV file for each card. Its names and columns are those of the REST API."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for sheet, cards in report.sheets:
            if FIGURES in cards:
                rows = [(each.name, each.now, each.before, each.unit.value, each.currency) for each in sheet.figures]
                _put(archive, f"{sheet.board}-figures.csv", to_csv(("figure", "now", "before", "unit", "currency"), rows))
            for table in sheet.tables:
                if table.name in cards:
                    content = to_csv([column.name for column in table.columns], table.rows)
                    _put(archive, f"{sheet.board}-{table.name}.csv", content)
    return out.getvalue()


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a file without its time, so that the same figures give the same ZIP file."""
    archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def markdown(report: Report, language: Language) -> str:
    """Return the report as Markdown: figures, charts and tables."""
    lines = [f"{_plain(line)}\n" for line in head_lines(report, language)]
    for sheet, cards in report.sheets:
        lines.append(f"# {say(language, BOARDS[sheet.board])}\n")
        if FIGURES in cards:
            lines += _figures(sheet, language)
        for table in sheet.tables:
            if table.name in cards:
                lines += [f"## {say(language, CARDS[table.name])}\n", *_chart(report, table, language), *_table(table, language)]
    if report.marks:
        lines.append(f"## {say(language, 'Numbered lines mark changes:')}\n")
        lines += [f"{number}. {_plain(line)}" for number, line in enumerate(change_lines(report, language), start=1)]
    lines.append(f"\n{say(language, 'A dash means that nothing was measured.')}")
    return "\n".join(lines)


def _figures(sheet: Sheet, language: Language) -> list[str]:
    rows = [(say(language, NAMES[each.name]), *figure_words(each)) for each in sheet.figures]
    return _lines(["", say(language, "This period"), say(language, "Before")], rows)


def _chart(report: Report, table: Table, language: Language) -> list[str]:
    """Write the chart of a table as an image in its address, which the PDF export draws."""
    drawn = chart(table, language, report.marks) if table.drawing in (Drawing.BARS, Drawing.LINES) else ""
    if not drawn:
        return []
    encoded = base64.b64encode(drawn.encode()).decode()
    return [f"![{say(language, CARDS[table.name])}](data:image/svg+xml;base64,{encoded})\n"]


def _table(table: Table, language: Language) -> list[str]:
    rows = [row for row in table.rows if any(cell is not None for cell in row[1:])]
    if table.drawing is Drawing.HEAT:
        return _hours(table, language)
    if not rows:
        return [say(language, "Nothing was counted in this period."), ""]
    heads = [say(language, NAMES[column.name]) for column in table.columns]
    return _lines(heads, [row_words(language, table, row) for row in rows])


def _hours(table: Table, language: Language) -> list[str]:
    """Write the hours of the week with a column for each weekday, in percent. Hours that were never measured are left out."""
    busy = {(row[0], row[1]): number(row[2]) for row in table.rows}
    hours = [hour for hour in range(24) if any(busy.get((day, hour)) is not None for day in range(1, 8))]
    if not hours:
        return [say(language, "Nothing was counted in this period."), ""]
    rows = []
    for hour in hours:
        values = [busy.get((day, hour)) for day in range(1, 8)]
        rows.append([f"{hour}:00", *(MISSING if value is None else f"{value * 100:.0f}" for value in values)])
    heads = [say(language, "Computing, %"), *(say(language, day) for day in WEEKDAYS)]
    return _lines(heads, rows)


def _lines(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Write a table whose columns after the first are numbers."""
    ruled = ["| " + " | ".join(map(_plain, heads)) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    return [*ruled, *("| " + " | ".join(map(_plain, row)) + " |" for row in rows), ""]


def _plain(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)
