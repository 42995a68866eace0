"""Core refuses the features that a group withholds, even to an admin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import NotAllowed
from core.people.audit_records import AuditFilter
from core.people.permissions import Permission
from core.people.records import Role
from core.review.records import FeedbackFilter
from core.usage.reports import UsageQuery
from tests.pages.drawn import House, build

TODAY = datetime.now(UTC).date()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


def test_uploads_and_exports_are_refused_and_nothing_else(house: House) -> None:
    portal, admin = house.portal, house.person(Role.ADMIN)
    attempts: list[Callable[[], object]] = [
        lambda: portal.files.upload(house.person(Role.ADMIN), "a.txt", b"text"),
        lambda: portal.program_files.upload(house.person(Role.ADMIN), "a.jsonl", [b"{}"]),
        lambda: portal.program_files.check_upload(house.person(Role.ADMIN)),
        lambda: list(portal.audit.all(house.person(Role.ADMIN), AuditFilter())),
        lambda: list(portal.feedback.all(house.person(Role.ADMIN), FeedbackFilter())),
        lambda: portal.usage.rows(house.person(Role.ADMIN), UsageQuery(first=TODAY, last=TODAY)),
    ]
    for attempt in attempts:
        attempt()
    group = portal.groups.add(admin, "Risk")
    portal.accounts.change(admin, admin.name, group="Risk")
    portal.groups.change(admin, group.id, withheld={Permission.UPLOAD, Permission.EXPORT})
    for attempt in attempts:
        with pytest.raises(NotAllowed, match=r"group \(Risk\)"):
            attempt()
    portal.audit.find(house.person(Role.ADMIN), AuditFilter())
    assert house.ask(house.person(Role.ADMIN), "Hi")
