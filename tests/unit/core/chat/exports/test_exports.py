"""Conversations exported as files."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import pytest

from core.chat.context.records import AnswerContext
from core.chat.conversations import Conversations
from core.chat.exports.exports import MAX_CHATS, ChatExports, ExportFormat
from core.chat.exports.masked import masked_message
from core.chat.records import Author, Message, MessageStatus
from core.chat.turn_runner import TurnOptions
from core.chat.turns import Turns
from core.documents.records import Source
from core.errors import InvalidInput, NotAllowed, NotFound
from core.people.permissions import Permission
from core.people.records import User
from core.plugins.service import Plugins
from core.privacy.filter import PrivacyFilter
from core.unit_of_work import UnitOfWorkFactory
from data.documents.markdown_html import to_html
from data.plugins.json_schemas import JsonSchemas
from data.plugins.process import WorkerPluginProcess
from samples.fakes import FakeRouter, answer
from tests.unit.core.chat.test_turns import finished
from tests.unit.core.conftest import MovingClock

REPLY = "Use **two** parts:\n\n```python\nprint('<b>')\n```"


@pytest.fixture
def exports(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> ChatExports:
    plugins, privacy = Plugins(unit_of_work, clock, WorkerPluginProcess(), JsonSchemas()), PrivacyFilter(unit_of_work, clock)
    return ChatExports(unit_of_work, clock, to_html, plugins, privacy)


@pytest.fixture
def chat(conversations: Conversations, turns: Turns, router: FakeRouter, ana: User) -> str:
    """Return two versions of an answer."""
    made = conversations.new(ana, "Rates: 2026/Q1").id
    router.next_answers.put(answer("The first version"))
    turn = turns.start(ana, made, "How <much>?", TurnOptions(), "r1")
    finished(turns, ana, turn)
    router.next_answers.put(answer(REPLY, reasoning="Hm"))
    finished(turns, ana, turns.regenerate(ana, turn.answer_id, TurnOptions(), "r2"))
    return made


def test_markdown_has_what_the_transcript_shows(exports: ChatExports, ana: User, chat: str) -> None:
    file = exports.export(ana, [chat], ExportFormat.MARKDOWN)
    text = file.content.decode()
    assert file.name == "Rates- 2026-Q1.md" and text.startswith("# Rates: 2026/Q1\n\n## Question · ")
    assert "How <much>?" in text and REPLY in text and "## Answer · fake · " in text
    assert "The first version" not in text


def test_json_has_every_version_with_its_measurements(exports: ChatExports, ana: User, chat: str) -> None:
    made = json.loads(exports.export(ana, [chat], ExportFormat.JSON).content)
    assert (made["format"], made["title"], len(made["messages"])) == ("glm-portal-conversation", "Rates: 2026/Q1", 3)
    question, first, second = made["messages"]
    assert first["parent_id"] == second["parent_id"] == question["id"] and made["head_id"] == second["id"]
    assert (second["text"], second["reasoning"], second["model"]) == (REPLY, "Hm", "fake")


def test_html_runs_and_loads_nothing_of_what_was_written(
    exports: ChatExports, conversations: Conversations, turns: Turns, router: FakeRouter, ana: User
) -> None:
    hostile = "<script>alert(1)</script> ![x](http://evil.example/p.png) [y](javascript:alert(1)) <img src=x onerror=alert(1)>"
    made = conversations.new(ana, "<i>title</i>").id
    router.next_answers.put(answer(hostile))
    finished(turns, ana, turns.start(ana, made, hostile, TurnOptions(), "r1"))
    page = exports.export(ana, [made], ExportFormat.HTML).content.decode()
    for dangerous in ("<script", "<img", "<i>", 'href="javascript'):
        assert dangerous not in page
    assert "default-src 'none'" in page and "&lt;script&gt;" in page


def test_html_shows_markdown(exports: ChatExports, ana: User, chat: str) -> None:
    page = exports.export(ana, [chat], ExportFormat.HTML).content.decode()
    assert "<strong>two</strong>" in page and "print('&lt;b&gt;')" in page


def test_several_come_as_a_zip_file_with_names_of_their_own(
    exports: ChatExports, conversations: Conversations, ana: User, chat: str
) -> None:
    others = [conversations.new(ana, title).id for title in ("Plan", "PLAN", "", "../../etc/passwd")]
    file = exports.export(ana, [chat, *others, chat], ExportFormat.MARKDOWN)
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        names = archive.namelist()
    assert file.name == "chats.zip"
    assert sorted(names) == sorted(["Rates- 2026-Q1.md", "Plan.md", "PLAN (2).md", "Chat.md", "etc-passwd.md"])


def test_nobody_exports_what_is_not_theirs(exports: ChatExports, ana: User, admin: User, chat: str) -> None:
    with pytest.raises(NotFound):
        exports.export(admin, [chat], ExportFormat.JSON)
    with pytest.raises(NotAllowed):
        exports.export(replace(ana, withheld=frozenset({Permission.EXPORT})), [chat], ExportFormat.JSON)
    with pytest.raises(InvalidInput):
        exports.export(ana, [f"{n}" for n in range(MAX_CHATS + 1)], ExportFormat.JSON)


def test_an_export_is_in_the_audit_log(exports: ChatExports, ana: User, chat: str, unit_of_work: UnitOfWorkFactory) -> None:
    exports.export(ana, [chat], ExportFormat.JSON)
    from core.people.audit_records import AuditFilter

    with unit_of_work() as work:
        [entry] = work.audit.find(AuditFilter(action="conversation.export"), 10, None)
    assert (entry.event.actor_id, entry.event.subject, entry.event.details) == (ana.id, "json", {"rows": "1"})


def test_the_sources_of_an_answer_are_masked_with_their_collection(clock: MovingClock) -> None:
    name = "Call 13800138000"
    source = Source(
        document_id="d", document=name, collection=name, start=0, end=1, page=1, first_line=1, last_line=1, heading=name, score=1.0
    )  # fmt: skip
    message = Message(
        id="m", conversation_id="c", parent_id=None, author=Author.ASSISTANT, text="[1]", status=MessageStatus.DONE, created_at=clock(),
        context=AnswerContext(sources=(source,)),
    )  # fmt: skip
    context = masked_message(message, lambda text: text.replace("13800138000", "[PHONE]")).context
    assert context is not None and "13800138000" not in str(context.sources) and str(context.sources).count("[PHONE]") == 3
