"""Core refuses the features that a group withholds, even to an admin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.arena.records import VoteFilter
from core.errors import NotAllowed, NotFound
from core.grounding.exports.exports import ExportFormat
from core.people.audit_records import AuditFilter
from core.people.permissions import Permission
from core.people.records import Role
from core.review.records import FeedbackFilter
from core.usage.records import Language
from core.usage.reporting.writer import ReportFormat
from core.usage.reports import UsageQuery
from core.workflows.results import ResultFormat
from tests.pages.drawn import House, build

TODAY = datetime.now(UTC).date()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


def test_uploads_and_exports_are_refused_and_nothing_else(house: House) -> None:
    portal, admin = house.portal, house.person(Role.ADMIN)
    collection = portal.collections.add(admin, "Rates").id
    attempts: list[Callable[[], object]] = [
        lambda: portal.files.upload(house.person(Role.ADMIN), "a.txt", b"text"),
        lambda: portal.program_files.upload(house.person(Role.ADMIN), "a.jsonl", [b"{}"]),
        lambda: portal.program_files.check_upload(house.person(Role.ADMIN)),
        lambda: list(portal.audit.all(house.person(Role.ADMIN), AuditFilter())),
        lambda: list(portal.feedback.all(house.person(Role.ADMIN), FeedbackFilter())),
        lambda: portal.usage.rows(house.person(Role.ADMIN), UsageQuery(first=TODAY, last=TODAY)),
        lambda: portal.sheets.export(house.person(Role.ADMIN), "overview", "answers_per_day", UsageQuery(first=TODAY, last=TODAY)),
        lambda: portal.leaderboard.csv(house.person(Role.ADMIN), VoteFilter()),
        lambda: portal.memories.export(house.person(Role.ADMIN)),
        lambda: portal.documents.add(house.person(Role.ADMIN), collection, "a.txt", b"text"),
    ]
    of_nothing: list[Callable[[], object]] = [
        lambda: portal.report_writer.made(house.person(Role.ADMIN), "none", ReportFormat.CSV, Language.EN),
        lambda: portal.workflow_results.export(house.person(Role.ADMIN), "none", ResultFormat.MARKDOWN),
        lambda: portal.ground_batches.export(house.person(Role.ADMIN), "none", ExportFormat.CSV),
        lambda: portal.exports.export(house.person(Role.ADMIN), ["none"], "markdown"),
    ]
    for attempt in attempts:
        attempt()
    for attempt in of_nothing:
        with pytest.raises(NotFound):
            attempt()
    group = portal.groups.add(admin, "Risk")
    portal.accounts.change(admin, admin.name, group="Risk")
    portal.groups.change(admin, group.id, withheld={Permission.UPLOAD, Permission.EXPORT})
    for attempt in [*attempts, *of_nothing]:
        with pytest.raises(NotAllowed, match=r"group \(Risk\)"):
            attempt()
    portal.audit.find(house.person(Role.ADMIN), AuditFilter())
    assert house.ask(house.person(Role.ADMIN), "Hi")
