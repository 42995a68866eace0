"""Exports of other portals become conversations, once each, with a report."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest

from core.chat.conversations import Conversations
from core.chat.imports.service import ChatImports
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.people.permissions import Permission
from core.people.records import User
from core.programs.files import ProgramFiles
from core.tasks.handlers import Report
from core.tasks.jobs import Jobs
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.chat.imports.test_reading import OPEN_WEBUI, chatgpt
from tests.unit.core.conftest import MovingClock, NoIndex


@pytest.fixture
def imports(unit_of_work: UnitOfWorkFactory, clock: MovingClock, jobs: Jobs) -> ChatImports:
    return ChatImports(unit_of_work, clock, jobs, ProgramFiles(unit_of_work, clock, 10_000_000, 30))


def run(imports: ChatImports, user: User, data: object) -> dict[str, object]:
    """Begin an import and run its job here."""
    job = imports.start(user, "export.json", json.dumps(data).encode())
    [kind] = imports.job_kinds()
    return dict(kind.run(job, Report(threading.Event())) or {})


def test_chats_come_with_their_versions_and_are_imported_once(
    imports: ChatImports, unit_of_work: UnitOfWorkFactory, clock: MovingClock, jobs: Jobs, ana: User
) -> None:
    data = [chatgpt(), chatgpt(conversation_id="c2", title="")]
    result = run(imports, ana, data)
    assert result == {"from": "ChatGPT", "chats": 2, "messages": 6, "lost": {"file": 2, "tool": 2}}
    conversations = Conversations(unit_of_work, NoIndex(), clock)
    found = {each.title: each for each in conversations.list(ana)}
    assert set(found) == {"Bonds", "What is a bond?"}
    shown = conversations.transcript(ana, found["Bonds"].id)
    assert [each.message.text for each in shown] == ["What is a bond?", "A loan."]
    assert len(shown[1].versions) == 2
    [kind] = imports.job_kinds()
    job = imports.recent(ana)[0]
    with pytest.raises(NotFound):
        kind.run(job, Report(threading.Event()))  # The upload is gone.
    jobs.cancel(ana, job.id)
    again = run(imports, ana, data)
    assert (again["chats"], again["lost"]) == (0, {"file": 2, "tool": 2, "twice": 2})


def test_two_people_import_the_same_chat(imports: ChatImports, ana: User, admin: User) -> None:
    assert [run(imports, each, [OPEN_WEBUI])["chats"] for each in (ana, admin)] == [1, 1]


def test_one_import_at_a_time_and_only_where_uploads_are_allowed(imports: ChatImports, ana: User, admin: User) -> None:
    job = imports.start(ana, "a.json", b"[]")
    with pytest.raises(Conflict):
        imports.start(ana, "b.json", b"[]")
    with pytest.raises(NotAllowed):
        imports.start(replace(admin, withheld=frozenset({Permission.UPLOAD})), "c.json", b"[]")
    with pytest.raises(NotFound):
        imports.start_from(admin, str(job.payload["file"]))
    [kind] = imports.job_kinds()
    with pytest.raises(InvalidInput, match="no export"):
        kind.run(job, Report(threading.Event()))
