"""A question that waits for the running answer to end."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from core.chat.conversations import Conversations
from core.chat.follow_ups.records import options_of, options_text
from core.chat.follow_ups.service import FollowUps
from core.chat.turn_runner import TurnOptions
from core.chat.turns import Turns
from core.errors import Conflict, ModelFailed, NotFound
from core.inference.requests import SamplingParams
from core.people.accounts import Accounts
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter
from tests.unit.core.chat.test_turns import finished
from tests.unit.core.conftest import MovingClock


@pytest.fixture
def follow_ups(unit_of_work: UnitOfWorkFactory, clock: MovingClock, turns: Turns) -> FollowUps:
    return FollowUps(unit_of_work, clock, turns, 32_000)


@pytest.fixture
def chat(conversations: Conversations, turns: Turns, router: FakeRouter, ana: User) -> str:
    """Return a chat in which an answer runs."""
    router.hold()
    made = conversations.new(ana).id
    turns.start(ana, made, "First", TurnOptions(), "r1")
    return made


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def texts(conversations: Conversations, user: User, chat: str) -> list[str]:
    return [each.message.text for each in conversations.transcript(user, chat)]


def test_it_is_sent_when_the_answer_ends(
    follow_ups: FollowUps, turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    follow_ups.put(ana, chat, "Second", TurnOptions(params=SamplingParams(seed=7)))
    with pytest.raises(Conflict, match="already"):
        follow_ups.put(ana, chat, "Third", TurnOptions())
    assert len(router.requests) <= 1
    router.release()
    until(lambda: len(texts(conversations, ana, chat)) == 4 and turns.count() == 0)
    assert texts(conversations, ana, chat)[::2] == ["First", "Second"]
    assert router.requests[-1].params.seed == 7
    assert follow_ups.get(ana, chat) is None


def test_it_is_taken_back(
    follow_ups: FollowUps, turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    follow_ups.put(ana, chat, "Second", TurnOptions())
    assert follow_ups.take_back(ana, chat).text == "Second"
    with pytest.raises(NotFound):
        follow_ups.take_back(ana, chat)
    router.release()
    until(lambda: turns.count() == 0)
    assert len(texts(conversations, ana, chat)) == 2


def test_after_a_failure_it_waits_for_its_author(
    follow_ups: FollowUps, turns: Turns, conversations: Conversations, router: FakeRouter, ana: User
) -> None:
    router.hold()
    router.next_answers.put([ModelFailed("broken")])
    made = conversations.new(ana).id
    turns.start(ana, made, "First", TurnOptions(), "r1")
    follow_ups.put(ana, made, "Second", TurnOptions(model="gone"))
    router.release()
    until(lambda: turns.count() == 0)
    assert follow_ups.get(ana, made) is not None
    turn = follow_ups.send(ana, made)
    assert turn is not None
    finished(turns, ana, turn)
    assert follow_ups.get(ana, made) is None


def test_a_person_who_was_disabled_sends_nothing(
    follow_ups: FollowUps, turns: Turns, accounts: Accounts, conversations: Conversations, router: FakeRouter, admin: User,
    ana: User, chat: str,
) -> None:
    follow_ups.put(ana, chat, "Second", TurnOptions())
    accounts.change(admin, ana.name, active=False)
    router.release()
    until(lambda: turns.count() == 0)
    assert len(texts(conversations, ana, chat)) == 2


def test_nobody_else_sees_queues_or_takes_back(follow_ups: FollowUps, admin: User, ana: User, router: FakeRouter, chat: str) -> None:
    follow_ups.put(ana, chat, "Second", TurnOptions())
    for act in (follow_ups.get, follow_ups.take_back, follow_ups.send):
        with pytest.raises(NotFound):
            act(admin, chat)
    with pytest.raises(NotFound):
        follow_ups.put(admin, chat, "x", TurnOptions())
    router.release()


def test_options_are_the_same_after_they_were_stored() -> None:
    options = TurnOptions("glm", thinking=False, params=SamplingParams(stop=("a", "b"), logit_bias=((1, 2.0),), temperature=0.5))
    assert options_of(options_text(options)) == options
