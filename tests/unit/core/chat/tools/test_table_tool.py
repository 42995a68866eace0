"""The model queries the tables of a chat, corrects a wrong query, and answers from the rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from core.chat.conversations import Conversations
from core.chat.exports.exports import ChatExports, ExportFormat
from core.chat.records import Message, MessageStatus
from core.chat.tools.chat_tools import MIN_TABLES_CONTEXT, ChatTools
from core.chat.turn_runner import TurnOptions
from core.chat.turns import Turns
from core.inference.gateway import Gateway
from core.knowledge.files import Files
from core.knowledge.tables import result_text
from core.knowledge.tables.described import WHOLE_LENGTH
from core.knowledge.tables.queries import TableQueries
from core.people.records import User
from core.plugins.service import Plugins
from core.search.search import Search
from core.unit_of_work import UnitOfWorkFactory
from data.table_files.reader import ProcessTableReader
from samples.fakes import MODEL, FakeReader, FakeRouter, answer
from tests.unit.core.chat.test_turns import finished
from tests.unit.core.chat.tools.conftest import calls
from tests.unit.core.conftest import MovingClock, NoIndex, review_names

READER = ProcessTableReader()
DESKS = b"desk,usd\n" + b"".join(b"Rates,%d\nFX,1\n" % n for n in range(300))


@pytest.fixture
def files(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Files:
    return Files(unit_of_work, clock, FakeReader(), 1_000_000, tables=READER)


@pytest.fixture
def chat_tools(unit_of_work: UnitOfWorkFactory, gateway: Gateway, clock: MovingClock, plugins: Plugins) -> ChatTools:
    search = Search(unit_of_work, NoIndex(), NoIndex(), clock, review_names(unit_of_work, clock))  # type: ignore[arg-type]
    return ChatTools(unit_of_work, gateway, plugins, clock, search, TableQueries(unit_of_work, READER))


@pytest.fixture
def turns(unit_of_work: UnitOfWorkFactory, gateway: Gateway, clock: MovingClock, chat_tools: ChatTools) -> Iterator[Turns]:
    service = Turns(unit_of_work, gateway, clock, 32_000, 1_000_000, tools=chat_tools)
    yield service
    service.close()


def ask(turns: Turns, conversations: Conversations, user: User, chat: str, *files: str) -> Message:
    finished(turns, user, turns.start(user, chat, "What does FX hold?", TurnOptions(), uuid4().hex, files=files))
    return conversations.transcript(user, chat)[-1].message


def test_a_wrong_query_is_corrected_and_the_answer_keeps_both(
    turns: Turns, conversations: Conversations, router: FakeRouter, files: Files, ana: User
) -> None:
    chat = conversations.new(ana).id
    desks = files.upload(ana, "desks.csv", DESKS)
    router.next_answers.put(calls("query_tables", sql="SELECT sum(usdd) AS usd FROM desks WHERE desk = 'FX'"))
    router.next_answers.put(calls("query_tables", sql="SELECT sum(usd) AS usd FROM desks WHERE desk = 'FX'"))
    router.next_answers.put(answer("FX holds 300."))
    reply = ask(turns, conversations, ana, chat, desks.id)
    assert (reply.text, reply.status) == ("FX holds 300.", MessageStatus.DONE)
    wrong, right = reply.steps
    assert (wrong.title, wrong.result) == ("Query", "") and "usdd" in str(wrong.error) and "usd" in str(wrong.error)
    assert (right.result, right.error) == ("usd\n300\n(1 row)", None)
    found = result_text.read(right.result, was_cut=right.cut, seconds=0.0)
    assert found is not None and (found.rows, found.more) == (((300,),), False)
    first, second, third = (each for each in router.requests if each.id)
    assert first.tools[0].name == "query_tables" and '"usd" integer from 0 to 299' in first.tools[0].description
    assert "desks.csv" in first.messages[-1].content and "Rates,299" not in first.messages[-1].content
    assert "usdd" in second.messages[-1].content and third.messages[-1].content == "usd\n300\n(1 row)"


def test_a_query_that_tries_to_change_something_is_refused_and_the_model_reads_why(
    turns: Turns, conversations: Conversations, router: FakeRouter, files: Files, ana: User
) -> None:
    chat = conversations.new(ana).id
    router.next_answers.put(calls("query_tables", sql="DROP TABLE desks"))
    router.next_answers.put(calls("query_tables", query="SELECT 1"))
    router.next_answers.put(answer("I cannot do that."))
    reply = ask(turns, conversations, ana, chat, files.upload(ana, "desks.csv", DESKS).id)
    assert ["one SELECT statement" in str(reply.steps[0].error), "sql must be" in str(reply.steps[1].error)] == [True, True]
    assert reply.text == "I cannot do that."


def test_a_short_table_is_read_whole_and_a_chat_without_tables_offers_no_query(
    turns: Turns, conversations: Conversations, router: FakeRouter, files: Files, ana: User
) -> None:
    short, note = files.upload(ana, "two.csv", b"a,b\n1,2\n"), files.upload(ana, "note.txt", b"a,b\n1,2\n")
    assert len("a,b\n1,2\n") < WHOLE_LENGTH
    ask(turns, conversations, ana, conversations.new(ana).id, short.id)
    ask(turns, conversations, ana, conversations.new(ana).id, note.id)
    first, second = (each for each in router.requests if each.id)
    assert "[file: two.csv]\na,b\n1,2" in first.messages[-1].content
    assert ["query_tables" in [tool.name for tool in each.tools] for each in (first, second)] == [True, False]


def test_a_model_with_a_small_window_reads_the_text_instead(
    turns: Turns, conversations: Conversations, router: FakeRouter, files: Files, ana: User
) -> None:
    router.available = [replace(MODEL, context=MIN_TABLES_CONTEXT - 1)]
    ask(turns, conversations, ana, conversations.new(ana).id, files.upload(ana, "desks.csv", DESKS).id)
    [asked] = (each for each in router.requests if each.id)
    assert "query_tables" not in [tool.name for tool in asked.tools]
    assert "[file: desks.csv]" in asked.messages[-1].content and "\nRates,299\n" in asked.messages[-1].content


def test_the_query_and_its_rows_are_exported_with_the_answer(
    turns: Turns, conversations: Conversations, router: FakeRouter, files: Files, ana: User, unit_of_work: UnitOfWorkFactory,
    clock: MovingClock, plugins: Plugins, gateway: Gateway,
) -> None:  # fmt: skip
    chat = conversations.new(ana).id
    sql = "SELECT desk, count(*) AS n FROM desks GROUP BY desk ORDER BY desk"
    router.next_answers.put(calls("query_tables", sql=sql))
    ask(turns, conversations, ana, chat, files.upload(ana, "desks.csv", DESKS).id)
    exports = ChatExports(unit_of_work, clock, lambda text: text, plugins, gateway.privacy)
    for format in (ExportFormat.MARKDOWN, ExportFormat.HTML, ExportFormat.JSON):
        content = exports.export(ana, [chat], format).content.decode()
        assert "GROUP BY desk" in content and "FX,300" in content
