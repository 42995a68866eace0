"""Chats that are never stored."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from sqlalchemy import text

from core.chat import temporary
from core.chat.records import Message, MessageStatus
from core.chat.temporary import MAX_EACH, TemporaryChats
from core.chat.turn_runner import TurnOptions
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, PromptTooLong, Unavailable
from core.inference.gateway import Gateway
from core.inference.records import FinishReason
from core.operations.records import LegalHold
from core.people import active_account
from core.people.accounts import Accounts
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from data.database import open_database
from samples.fakes import FakeRouter, answer
from tests.unit.core.conftest import MovingClock

STORED = ("conversations", "messages", "turns", "files", "folders", "index_jobs", "jobs", "audit_events")


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture
def chats(unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock) -> Iterator[TemporaryChats]:
    service = TemporaryChats(unit_of_work, Gateway(unit_of_work, router, clock), clock, 1_000)
    yield service
    service.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.005)


def ask(chats: TemporaryChats, user: User, words: str, request: str, chat: str | None = None) -> str:
    chat = chats.ask(user, chat, words, TurnOptions(), request)
    until(lambda: chats.count() == 0)
    return chat


def messages(chats: TemporaryChats, user: User, chat: str) -> list[Message]:
    return [each.message for each in chats.transcript(user, chat)]


def test_it_is_answered_and_goes_on(chats: TemporaryChats, router: FakeRouter, ana: User) -> None:
    router.next_answers.put(answer("First answer", reasoning="Hm"))
    chat = ask(chats, ana, "One?", "r1")
    assert ask(chats, ana, "Two?", "r2", chat) == chat
    assert [each.text for each in messages(chats, ana, chat)] == ["One?", "First answer", "Two?", "Hello from the fake model"]
    first = messages(chats, ana, chat)[1]
    assert first.reasoning == "Hm" and first.generation is not None and first.generation.finish_reason is FinishReason.STOP
    asked = router.requests[-1]
    assert [each.content for each in asked.messages] == ["One?", "First answer", "Two?"] and asked.conversation_id is None


def test_only_its_generation_row_is_stored(
    chats: TemporaryChats, router: FakeRouter, ana: User, unit_of_work: UnitOfWorkFactory, tmp_path: object
) -> None:
    database = open_database(f"sqlite:///{tmp_path}/portal.db")
    with database.connect() as sql:
        before = {table: sql.execute(text(f"select count(*) from {table}")).scalar() for table in STORED}
    ask(chats, ana, "A secret that nobody keeps", "r1")
    with database.connect() as sql:
        after = {table: sql.execute(text(f"select count(*) from {table}")).scalar() for table in STORED}
        rows = sql.execute(text("select user_id, conversation_id, message_id, completion_tokens from generations")).all()
    database.close()
    assert after == before
    assert [tuple(row) for row in rows] == [(ana.id, None, None, 5)]


def test_it_is_gone_when_it_is_left(chats: TemporaryChats, router: FakeRouter, ana: User) -> None:
    chat = ask(chats, ana, "One?", "r1")
    router.hold()
    chats.ask(ana, chat, "Two?", TurnOptions(), "r2")
    until(lambda: len(router.generations) == 2)
    chats.leave(ana, chat)
    until(router.generations[1].cancelled.is_set)
    for call in (lambda: chats.transcript(ana, chat), lambda: chats.ask(ana, chat, "Three?", TurnOptions(), "r3")):
        with pytest.raises(NotFound, match="is gone"):
            call()
    chats.leave(ana, chat)


def test_it_is_gone_after_a_while_without_use(chats: TemporaryChats, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary, "IDLE_S", 0.05)
    chat = chats.ask(ana, None, "One?", TurnOptions(), "r1")
    time.sleep(0.06)

    def gone() -> bool:
        try:
            monkeypatch.setattr(temporary, "IDLE_S", 0.0)
            chats.transcript(ana, chat)
        except NotFound:
            return True
        return False

    until(gone)


class _Timer:
    """A timer that the test fires itself."""

    made: ClassVar[list[_Timer]] = []

    def __init__(self, seconds: float, fire: Callable[[], None]) -> None:
        self.fire = fire
        self.made.append(self)

    def start(self) -> None: ...

    def cancel(self) -> None: ...


def test_a_chat_that_is_used_while_its_timer_fires_stays(chats: TemporaryChats, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary.threading, "Timer", _Timer)
    chat = ask(chats, ana, "One?", "r1")
    fired = _Timer.made[-1]
    assert len(messages(chats, ana, chat)) == 2
    fired.fire()  # It had begun when the chat was read, so nothing could cancel it.
    assert len(messages(chats, ana, chat)) == 2
    _Timer.made[-1].fire()
    with pytest.raises(NotFound):
        chats.transcript(ana, chat)


def test_the_oldest_gives_way(chats: TemporaryChats, ana: User, admin: User) -> None:
    theirs = ask(chats, admin, "Mine?", "r1")
    made = [ask(chats, ana, "Same?", f"r{n}") for n in range(MAX_EACH + 1)]
    with pytest.raises(NotFound):
        chats.transcript(ana, made[0])
    assert messages(chats, ana, made[1]) and messages(chats, ana, made[-1]) and messages(chats, admin, theirs)


def test_nobody_else_sees_it(chats: TemporaryChats, ana: User, admin: User) -> None:
    chat = ask(chats, ana, "One?", "r1")
    with pytest.raises(NotFound):
        chats.transcript(admin, chat)
    with pytest.raises(NotFound):
        chats.ask(admin, chat, "Two?", TurnOptions(), "r2")
    chats.leave(admin, chat)
    assert messages(chats, ana, chat)


def test_an_answer_that_runs_is_waited_for_and_stopped_with_its_text(chats: TemporaryChats, router: FakeRouter, ana: User) -> None:
    router.hold()
    chat = chats.ask(ana, None, "One?", TurnOptions(), "r1")
    assert chats.ask(ana, None, "One?", TurnOptions(), "r1") == chat and len(messages(chats, ana, chat)) == 2
    with pytest.raises(Conflict, match="still running"):
        chats.ask(ana, chat, "Two?", TurnOptions(), "r2")
    router.release(1)
    running = chats.running(ana, chat)
    assert running is not None
    until(lambda: running.snapshot().text == "Hello ")
    assert chats.stop(ana, chat)
    until(lambda: chats.count() == 0)
    last = messages(chats, ana, chat)[-1]
    assert (last.text, last.status) == ("Hello ", MessageStatus.STOPPED)
    assert not chats.stop(ana, chat)


def test_an_answer_ends_with_its_account_and_keeps_its_text(
    chats: TemporaryChats, router: FakeRouter, accounts: Accounts, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active_account, "LOOK_S", 0.0)
    router.hold()
    chat = chats.ask(ana, None, "Hello?", TurnOptions(), "r1")
    until(lambda: bool(router.generations))
    accounts.change(None, "ana", active=False)
    router.release(1)
    until(lambda: chats.count() == 0)
    assert router.generations[0].cancelled.is_set()
    assert messages(chats, ana, chat)[-1].status is MessageStatus.STOPPED


def test_a_failed_answer_says_why_and_the_next_question_goes_on(chats: TemporaryChats, router: FakeRouter, ana: User) -> None:
    router.refuse.append(Unavailable("The model is gone."))
    chat = ask(chats, ana, "One?", "r1")
    last = messages(chats, ana, chat)[-1]
    assert last.status is MessageStatus.FAILED and str(last.error) == "The model is gone."
    ask(chats, ana, "Two?", "r2", chat)
    assert [each.content for each in router.requests[-1].messages] == ["Two?"]


def test_the_oldest_turns_give_way_where_the_window_is_full(chats: TemporaryChats, router: FakeRouter, ana: User) -> None:
    chat = ask(chats, ana, "One?", "r1")
    router.refuse.append(PromptTooLong(200, 100))
    ask(chats, ana, "Two?", "r2", chat)
    assert [each.content for each in router.requests[-1].messages] == ["Two?"]


def test_empty_and_long_questions_are_refused_before_a_chat_begins(chats: TemporaryChats, ana: User) -> None:
    for words in (" ", "x" * 1_001):
        with pytest.raises(InvalidInput):
            chats.ask(ana, None, words, TurnOptions(), "r1")


def test_a_legal_hold_and_an_admin_switch_them_off(
    chats: TemporaryChats, ana: User, unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock
) -> None:
    assert chats.offered(ana)
    off = TemporaryChats(unit_of_work, Gateway(unit_of_work, router, clock), clock, 1_000, on=False)
    with unit_of_work() as work:
        work.retention.place_hold(LegalHold(ana.id, ana.name, "Case 12", clock()))
        work.commit()
    for service in (chats, off):
        assert not service.offered(ana)
        with pytest.raises(NotAllowed, match="not available"):
            service.ask(ana, None, "One?", TurnOptions(), "r1")
