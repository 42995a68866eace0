"""Make reports, and write them as files in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from core.changes.markers import described, marked
from core.clock import Clock
from core.errors import NotFound, Unavailable
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.plugins.records import Chat, ChatMessage
from core.plugins.service import Plugins
from core.unit_of_work import UnitOfWorkFactory
from core.usage.boards.service import Boards
from core.usage.records import Language
from core.usage.reporting.content import from_json
from core.usage.reporting.files import markdown, zipped
from core.usage.reporting.html import page, shown
from core.usage.reporting.records import Marked, Report, ReportPlan
from core.usage.reporting.schedule import days_of
from core.usage.sheets.service import Sheets

DOCUMENT = "document"
"""The author of a text that the PDF export lays out without a heading of its own."""


class ReportFormat(StrEnum):
    HTML = "html"
    PDF = "pdf"
    """Written by the plugin for PDF, if it is on for the person."""
    CSV = "csv"
    """One file for each card, in a ZIP file."""


@dataclass(frozen=True, slots=True)
class ReportFile:
    name: str
    media_type: str
    content: bytes


class ReportWriter:
    """Makes reports for people who may see usage."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, boards: Boards, sheets: Sheets, plugins: Plugins, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._boards = boards
        self._sheets = sheets
        self._plugins = plugins
        self._clock = clock

    def make(self, user: User, plan: ReportPlan, today: date | None = None) -> Report:
        """Return the report of a plan. today: the day it is made for. Raises Unavailable while days are being added up."""
        choices = self._boards.choices(user)
        if not choices.complete:
            raise Unavailable("The days of this report are being added up. Try again in a few minutes.")
        query = days_of(plan, today or choices.today)
        sheets = [(self._sheets.read(user, board, query), tuple(cards)) for board, cards in plan.boards()]
        zone = ZoneInfo(choices.zone)
        begin, end = (datetime.combine(day, time(), zone) for day in (query.first, query.last + timedelta(days=1)))
        with self._unit_of_work() as work:
            found = [(each.at.astimezone(zone).date(), described(each)) for each in marked(work, begin, end)]
        marks = [Marked(day, *words) for day, words in found if words is not None]
        return Report(name=plan.name, query=query, zone=choices.zone, made_at=self._clock(), sheets=sheets, marks=marks)

    def formats(self, user: User) -> Sequence[ReportFormat]:
        """Return the formats that this person can have; none without the permission to export."""
        require(user, Permission.VIEW_USAGE)
        if not allows(user, Permission.EXPORT):
            return []
        pdf = any(each.name == ReportFormat.PDF for each in self._plugins.export_formats(user))
        return [each for each in ReportFormat if pdf or each is not ReportFormat.PDF]

    def shown(self, user: User, plan: ReportPlan, language: Language) -> str:
        """Make a report and return it as a part of a page. Raises Unavailable."""
        return shown(self.make(user, plan), language)

    def shown_made(self, user: User, report_id: str, language: Language) -> str:
        """Return a report that was made on schedule as a part of a page. Raises NotFound."""
        return shown(self.read(user, report_id), language)

    def write(self, user: User, plan: ReportPlan, format: ReportFormat, language: Language) -> ReportFile:
        """Make a report and return it as a file. Raises NotAllowed, NotFound for a format that is off, Unavailable."""
        require(user, Permission.EXPORT)
        made = self.make(user, plan)
        self._note(user, made, format)
        return self.file(user, made, format, language)

    def made(self, user: User, report_id: str, format: ReportFormat, language: Language) -> ReportFile:
        """Return a report that was made on schedule as a file. Raises NotAllowed, NotFound."""
        require(user, Permission.EXPORT)
        report = self.read(user, report_id)
        self._note(user, report, format)
        return self.file(user, report, format, language)

    def read(self, user: User, report_id: str) -> Report:
        """Return a report that was made on schedule. Raises NotFound."""
        require(user, Permission.VIEW_USAGE)
        with self._unit_of_work() as work:
            found = work.reports.report(report_id)
        if found is None:
            raise NotFound("This report does not exist. It may have been removed.")
        return from_json(found[1])

    def file(self, user: User, report: Report, format: ReportFormat, language: Language) -> ReportFile:
        """Write a report. Raises NotFound for PDF while its plugin is off for this person."""
        name = f"{_file_name(report.name)}_{report.query.first}_{report.query.last}"
        if format is ReportFormat.HTML:
            return ReportFile(f"{name}.html", "text/html; charset=utf-8", page(report, language).encode())
        if format is ReportFormat.CSV:
            return ReportFile(f"{name}.zip", "application/zip", zipped(report))
        message = ChatMessage(author=DOCUMENT, text=markdown(report, language), created_at=report.made_at)
        exporter, [content] = self._plugins.write(user, ReportFormat.PDF, [Chat(report.name, report.made_at.astimezone(UTC), (message,))])
        return ReportFile(f"{name}.pdf", exporter.media_type, content)

    def _note(self, user: User, report: Report, format: ReportFormat) -> None:
        with self._unit_of_work() as work:
            record(work, self._clock(), user.id, "report.export", report.name, format=format.value)
            work.commit()


def _file_name(name: str) -> str:
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:60] or "report"
