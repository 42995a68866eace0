"""A question that is asked in one call: where it is stored, and what a refusal leaves behind."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from core.asking.asking import Asking, Question
from core.chat.conversations import Conversations
from core.chat.follow_ups.service import FollowUps
from core.chat.records import TurnOptions
from core.chat.turns import Turns
from core.errors import InvalidInput, NotFound, Unavailable
from core.operations.disk import ENDLESS, DiskSpace
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.review.side_by_side import SideBySide
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter
from tests.unit.core.conftest import MovingClock, NoIndex, feedback_queue

HELLO = Question(text="Hello?", options=[TurnOptions()], request_id="r1")


def asking_of(work: UnitOfWorkFactory, clock: MovingClock, turns: Turns, chats: Conversations, disk: DiskSpace = ENDLESS) -> Asking:
    lanes = SideBySide(work, clock, turns, feedback_queue(work, NoIndex(), clock))
    return Asking(work, chats, turns, FollowUps(work, clock, turns, 100), lanes, PrivacyFilter(work, clock), disk, 100)


@pytest.fixture
def asking(unit_of_work: UnitOfWorkFactory, clock: MovingClock, turns: Turns, conversations: Conversations) -> Asking:
    return asking_of(unit_of_work, clock, turns, conversations)


def ended(turns: Turns) -> None:
    deadline = time.monotonic() + 60
    while turns.count():
        assert time.monotonic() < deadline, "the answers never ended"
        time.sleep(0.01)


def texts(conversations: Conversations, user: User, chat: str) -> list[str]:
    return [each.message.text for each in conversations.transcript(user, chat)][::2]


def test_the_first_question_begins_a_conversation_and_the_next_one_goes_on_in_it(
    asking: Asking, turns: Turns, conversations: Conversations, ana: User
) -> None:
    first = asking.ask(ana, None, HELLO)
    ended(turns)
    second = asking.ask(ana, first.conversation_id, replace(HELLO, text="And then?", request_id="r2"))
    ended(turns)
    assert second.conversation_id == first.conversation_id and not second.queued
    assert texts(conversations, ana, first.conversation_id) == ["Hello?", "And then?"]


def test_the_same_request_again_asks_nothing_new(asking: Asking, turns: Turns, conversations: Conversations, ana: User) -> None:
    first = asking.ask(ana, None, HELLO)
    assert asking.ask(ana, None, HELLO).conversation_id == first.conversation_id, "also while the answer runs"
    ended(turns)
    assert asking.ask(ana, None, HELLO).conversation_id == first.conversation_id
    assert [each.id for each in conversations.list(ana)] == [first.conversation_id]
    assert texts(conversations, ana, first.conversation_id) == ["Hello?"]


def test_several_options_are_answered_side_by_side(asking: Asking, turns: Turns, router: FakeRouter, ana: User) -> None:
    router.hold()
    asking.ask(ana, None, replace(HELLO, options=[TurnOptions("fake"), TurnOptions("fake", thinking=False)]))
    assert turns.count() == 2
    router.release()


def test_a_question_waits_while_an_answer_runs(
    asking: Asking, turns: Turns, conversations: Conversations, router: FakeRouter, ana: User
) -> None:
    router.hold()
    chat = asking.ask(ana, None, HELLO).conversation_id
    assert asking.ask(ana, chat, replace(HELLO, text="And then?", request_id="r2")).queued
    assert texts(conversations, ana, chat) == ["Hello?"]
    router.release()


@pytest.mark.parametrize("wrong", [{"text": " "}, {"text": "x" * 101}, {"files": ["missing"]}])
def test_a_question_that_is_refused_leaves_no_conversation(
    asking: Asking, conversations: Conversations, ana: User, wrong: dict[str, object]
) -> None:
    with pytest.raises((InvalidInput, NotFound)):
        asking.ask(ana, None, replace(HELLO, **wrong))  # type: ignore[arg-type]
    assert conversations.list(ana) == []


def test_nothing_is_asked_on_a_full_disk(
    unit_of_work: UnitOfWorkFactory, clock: MovingClock, turns: Turns, conversations: Conversations, ana: User
) -> None:
    full = DiskSpace(lambda: 0, 1)
    with pytest.raises(Unavailable):
        asking_of(unit_of_work, clock, turns, conversations, full).ask(ana, None, HELLO)
    assert conversations.list(ana) == []


def test_nobody_asks_in_the_conversation_of_another_person(
    asking: Asking, turns: Turns, conversations: Conversations, ana: User, admin: User
) -> None:
    chat = asking.ask(ana, None, HELLO).conversation_id
    ended(turns)
    with pytest.raises(NotFound):
        asking.ask(admin, chat, replace(HELLO, request_id="r2"))


def test_a_conversation_with_messages_is_not_discarded(asking: Asking, turns: Turns, conversations: Conversations, ana: User) -> None:
    chat = asking.ask(ana, None, HELLO).conversation_id
    ended(turns)
    conversations.discard(conversations.get(ana, chat))
    assert texts(conversations, ana, chat) == ["Hello?"]
