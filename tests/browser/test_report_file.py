"""A report as a file: it opens from a disk without a connection, breaks no rule of its own policy, and is drawn."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, expect

from core.usage.records import Language, UsageQuery
from core.usage.reporting.html import page as written
from core.usage.reporting.records import FIGURES, Report
from core.usage.sheets.records import Board, Column, Drawing, Sheet, SheetFigure, Table, Unit

FIRST = date(2026, 11, 2)


def test_a_report_opens_from_a_disk_and_asks_for_nothing(chromium: Browser, tmp_path: Path) -> None:
    query = UsageQuery(FIRST, FIRST + timedelta(days=6))
    columns = [Column("day", Unit.DAY), Column("answers", Unit.COUNT)]
    rows = [(FIRST + timedelta(days=n), n + 1) for n in range(7)]
    table = Table(name="answers_per_day", columns=columns, rows=rows, drawing=Drawing.BARS, drawn=("answers",))
    figures = [SheetFigure(name="answers", unit=Unit.COUNT, now=28, before=14)]
    sheet = Sheet(board=Board.OVERVIEW, query=query, figures=figures, tables=[table])
    report = Report(
        name="Week", query=query, zone="UTC", made_at=datetime(2026, 11, 9, tzinfo=UTC), sheets=[(sheet, (FIGURES, "answers_per_day"))]
    )
    file = tmp_path / "report.html"
    file.write_text(written(report, Language.ZH), "utf-8")
    context = chromium.new_context(offline=True)
    opened = context.new_page()
    said, asked = list[str](), list[str]()
    opened.on("console", lambda message: said.append(message.text))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(file.as_uri())
    expect(opened.get_by_role("heading", name="每日回答")).to_be_visible()
    expect(opened.locator("svg rect")).to_have_count(7)
    expect(opened.locator(".figures li").first).to_have_css("border-radius", "8px")
    assert (said, asked) == ([], [file.as_uri()])
    context.close()
