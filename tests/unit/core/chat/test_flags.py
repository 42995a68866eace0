"""Pinned, archived and unread conversations, and deleting several."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.chat.conversations import MAX_AT_ONCE, Conversations
from core.chat.flags import ConversationFlags
from core.chat.turn_runner import TurnOptions
from core.chat.turns import Turns
from core.errors import Conflict, InvalidInput, NotFound
from core.inference.gateway import Gateway
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter
from tests.unit.core.chat.test_turns import finished
from tests.unit.core.conftest import MovingClock, NoIndex


@pytest.fixture
def conversations(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Iterator[Conversations]:
    service = Conversations(unit_of_work, NoIndex(), clock)
    yield service
    service.close()


@pytest.fixture
def flags(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> ConversationFlags:
    return ConversationFlags(unit_of_work, clock)


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture
def turns(unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock) -> Iterator[Turns]:
    service = Turns(unit_of_work, Gateway(unit_of_work, router, clock), clock, 32_000, 1_000_000)
    yield service
    service.close()


def titles(conversations: Conversations, user: User, *, archived: bool = False, pinned: bool | None = None) -> list[str]:
    return [each.title for each in conversations.list(user, archived=archived, pinned=pinned)]


def three(conversations: Conversations, clock: MovingClock, user: User) -> list[str]:
    made = []
    for title in ("one", "two", "three"):
        clock.forward(minutes=1)
        made.append(conversations.new(user, title).id)
    return made


def test_pinned_conversations_are_listed_alone_and_keep_their_position(
    conversations: Conversations, flags: ConversationFlags, clock: MovingClock, ana: User
) -> None:
    first, *_ = three(conversations, clock, ana)
    changed = conversations.get(ana, first).updated_at
    assert flags.pin(ana, first, True).updated_at == changed
    assert titles(conversations, ana, pinned=True) == ["one"]
    assert titles(conversations, ana, pinned=False) == ["three", "two"]
    assert titles(conversations, ana) == ["three", "two", "one"]
    flags.pin(ana, first, False)
    assert titles(conversations, ana, pinned=True) == []


def test_archived_conversations_are_listed_apart_until_something_is_asked_in_them(
    conversations: Conversations, flags: ConversationFlags, turns: Turns, clock: MovingClock, ana: User
) -> None:
    first, *_ = three(conversations, clock, ana)
    flags.pin(ana, first, True)
    assert flags.archive(ana, first, True).pinned_at is None
    assert titles(conversations, ana) == ["three", "two"] and titles(conversations, ana, archived=True) == ["one"]
    conversations.rename(ana, first, "uno")
    assert titles(conversations, ana, archived=True) == ["uno"]
    clock.forward(minutes=1)
    finished(turns, ana, turns.start(ana, first, "And now?", TurnOptions(), "r1"))
    assert titles(conversations, ana) == ["uno", "three", "two"] and titles(conversations, ana, archived=True) == []


def test_an_answer_makes_a_conversation_unread_until_it_is_opened(
    conversations: Conversations, flags: ConversationFlags, turns: Turns, ana: User
) -> None:
    chat = conversations.new(ana).id
    assert not conversations.get(ana, chat).unread
    finished(turns, ana, turns.start(ana, chat, "Hello", TurnOptions(), "r1"))
    assert conversations.get(ana, chat).unread
    conversations.rename(ana, chat, "Renamed")
    assert conversations.get(ana, chat).unread
    assert not flags.set_unread(ana, chat, False).unread
    assert not conversations.get(ana, chat).unread


def test_nobody_marks_somebody_elses_conversation(conversations: Conversations, flags: ConversationFlags, ana: User, admin: User) -> None:
    chat = conversations.new(ana).id
    for mark in (flags.pin, flags.archive, flags.set_unread):
        with pytest.raises(NotFound):
            mark(admin, chat, True)
    with pytest.raises(NotFound):
        conversations.delete_many(admin, [chat])


def test_several_are_deleted_together_or_not_at_all(
    conversations: Conversations, turns: Turns, router: FakeRouter, clock: MovingClock, ana: User
) -> None:
    first, second, third = three(conversations, clock, ana)
    router.hold()
    turn = turns.start(ana, third, "Hello", TurnOptions(), "r1")
    with pytest.raises(Conflict, match="still running"):
        conversations.delete_many(ana, [first, second, third])
    with pytest.raises(Conflict, match="still running"):
        conversations.delete_many_soon(ana, [first, second, third])
    assert len(conversations.list(ana)) == 3
    router.release()
    finished(turns, ana, turn)
    assert conversations.delete_many(ana, [first, third, first]) == 2
    assert titles(conversations, ana) == ["two"]
    with pytest.raises(InvalidInput):
        conversations.delete_many(ana, [])
    with pytest.raises(InvalidInput):
        conversations.delete_many(ana, ["x"] * (MAX_AT_ONCE + 1))


def test_several_that_were_deleted_together_come_back_together(conversations: Conversations, clock: MovingClock, ana: User) -> None:
    first, second, third = three(conversations, clock, ana)
    conversations.delete_soon(ana, third)
    conversations.delete_many_soon(ana, [first, second])
    assert titles(conversations, ana) == []
    conversations.restore(ana, second)
    assert titles(conversations, ana) == ["two", "one"]
    assert [each.id for each in conversations.deleted_just_now(ana)] == [third]
