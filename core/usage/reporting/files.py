"""Write a report as CSV files in a ZIP file, and as Markdown, which the PDF export lays out."""

from __future__ import annotations

import io
import re
import zipfile

from core.usage.csv_file import to_csv
from core.usage.records import Language
from core.usage.reporting.cells import figure_words, row_words
from core.usage.reporting.html import change_lines, head_lines
from core.usage.reporting.records import FIGURES, Report
from core.usage.reporting.wording import BOARDS, CARDS, NAMES, say
from core.usage.sheets.records import Sheet, Table

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
    """Return the report as Markdown: figures and tables."""
    lines = [f"{_plain(line)}\n" for line in head_lines(report, language)]
    for sheet, cards in report.sheets:
        lines.append(f"# {say(language, BOARDS[sheet.board])}\n")
        if FIGURES in cards:
            lines += _figures(sheet, language)
        for table in sheet.tables:
            if table.name in cards:
                lines += [f"## {say(language, CARDS[table.name])}\n", *_table(table, language)]
    if report.marks:
        lines.append(f"## {say(language, 'Numbered lines mark changes:')}\n")
        lines += [f"{number}. {_plain(line)}" for number, line in enumerate(change_lines(report, language), start=1)]
    lines.append(f"\n{say(language, 'A dash means that nothing was measured.')}")
    return "\n".join(lines)


def _figures(sheet: Sheet, language: Language) -> list[str]:
    rows = [(say(language, NAMES[each.name]), *figure_words(each)) for each in sheet.figures]
    return [f"|  |  | {say(language, 'Before')} |", "|---|---|---|", *("| " + " | ".join(map(_plain, row)) + " |" for row in rows), ""]


def _table(table: Table, language: Language) -> list[str]:
    rows = [row for row in table.rows if any(cell is not None for cell in row[1:])]
    if not rows:
        return [say(language, "Nothing was counted in this period."), ""]
    heads = [say(language, NAMES[column.name]) for column in table.columns]
    found = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        found.append("| " + " | ".join(map(_plain, row_words(language, table, row))) + " |")
    return [*found, ""]


def _plain(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)
