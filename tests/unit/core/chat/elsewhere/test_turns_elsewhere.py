"""Two replicas on one database: the turns of one replica are shown, guarded and stopped by the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from core.chat.conversations import Conversations
from core.chat.elsewhere.followed_turn import FollowedTurn
from core.chat.lifecycle.leases import LEASE
from core.chat.records import MessageStatus, Turn
from core.chat.running_turn import RunningTurn, Snapshot
from core.chat.turn_runner import TurnOptions
from core.chat.turns import Turns
from core.errors import Conflict, Unavailable
from core.inference.gateway import Gateway
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter
from tests.unit.core.chat.test_turns import leftover, messages
from tests.unit.core.conftest import MovingClock, NoIndex

LONG_S = 60.0
Replica = Callable[[], Turns]


class NobodyLeads:
    def holds(self) -> bool:
        return False


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture
def replica(unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock) -> Iterator[Replica]:
    made: list[Turns] = []

    def make() -> Turns:
        gateway = Gateway(unit_of_work, router, clock)
        made.append(Turns(unit_of_work, gateway, clock, 32_000, 1_000_000, leadership=NobodyLeads(), shared=True))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def chat(unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User) -> str:
    return Conversations(unit_of_work, NoIndex(), clock).new(ana).id


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


def test_an_answer_of_one_replica_is_followed_on_another(replica: Replica, router: FakeRouter, ana: User, chat: str) -> None:
    here, there = replica(), replica()
    router.hold()
    turn = here.start(ana, chat, "Hello?", TurnOptions(), "r1")
    running = there.running(ana, chat)
    assert isinstance(running, FollowedTurn) and isinstance(here.running(ana, chat), RunningTurn)
    assert there.find(ana, turn.id) is running and there.running_conversations(ana) == {chat}
    router.release(2)
    own = here.running(ana, chat)
    assert own is not None
    until(lambda: own.snapshot().text)
    time.sleep(1.5)  # A word that comes more than a second after the last save is saved at once.
    router.release(1)
    first = running.wait(0, LONG_S)
    assert first.running and first.text and "Hello from the fake model".startswith(first.text)
    router.release()
    last = running.wait_finished(LONG_S)
    assert (last.status, last.text) == (MessageStatus.DONE, "Hello from the fake model")
    until(lambda: there.find(ana, turn.id) is None and not there.running_conversations(ana))


def test_stop_reaches_the_replica_that_answers(replica: Replica, router: FakeRouter, ana: User, chat: str) -> None:
    here, there = replica(), replica()
    router.hold()
    turn = here.start(ana, chat, "Hello?", TurnOptions(), "r1")
    running = there.running(ana, chat)
    assert running is not None
    assert there.stop(ana, chat) is True
    assert running.wait_finished(LONG_S).status is MessageStatus.STOPPED
    until(lambda: here.find(ana, turn.id) is None)
    assert there.stop(ana, chat) is False


def test_nobody_follows_or_stops_the_answer_of_another_person_on_another_replica(
    replica: Replica, router: FakeRouter, accounts: Accounts, ana: User, chat: str
) -> None:
    bob = accounts.add(None, "bob", Role.ANALYST, password="correct horse")
    here, there = replica(), replica()
    router.hold()
    turn = here.start(ana, chat, "Hello?", TurnOptions(), "r1")
    assert there.running(bob, chat) is None and there.find(bob, turn.id) is None and there.stop(bob, chat) is False
    assert there.running_conversations(bob) == set()


def test_the_same_request_on_another_replica_is_the_same_turn_and_another_question_waits(
    replica: Replica, router: FakeRouter, ana: User, chat: str
) -> None:
    here, there = replica(), replica()
    router.hold()
    turn = here.start(ana, chat, "Hello?", TurnOptions(), "r1")
    assert there.start(ana, chat, "Hello?", TurnOptions(), "r1").id == turn.id
    with pytest.raises(Conflict, match="still running"):
        there.start(ana, chat, "And?", TurnOptions(), "r2")
    with pytest.raises(Conflict, match="still running"):
        there.regenerate(ana, turn.answer_id, TurnOptions(), "r3")
    until(lambda: len(router.requests) == 1)


def test_a_replica_that_starts_leaves_the_running_answers_of_others_alone(
    replica: Replica, unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User, chat: str
) -> None:
    leftover(unit_of_work, ana, chat, clock)  # Its process may be alive: the lease runs.
    there = replica()
    running = there.running(ana, chat)
    assert running is not None and running.snapshot().text == "Half an"
    assert there.recover(everything=False) == 0
    clock.forward(seconds=(LEASE + timedelta(seconds=1)).total_seconds())
    assert there.recover(everything=False) == 1
    last = running.wait_finished(LONG_S)
    assert (last.status, last.text) == (MessageStatus.INTERRUPTED, "Half an")
    assert messages(Conversations(unit_of_work, NoIndex(), clock), ana, chat)[-1].text == "Half an"


def test_a_draining_replica_begins_nothing_and_finishes_what_runs(replica: Replica, router: FakeRouter, ana: User, chat: str) -> None:
    here, there = replica(), replica()
    router.hold()
    turn = here.start(ana, chat, "Hello?", TurnOptions(), "r1")
    running = here.find(ana, turn.id)
    assert running is not None
    here.drain()
    with pytest.raises(Unavailable, match="stopping"):
        here.start(ana, chat, "And?", TurnOptions(), "r2")
    router.release()
    assert running.wait_finished(LONG_S).status is MessageStatus.DONE
    until(lambda: here.count() == 0)
    there.start(ana, chat, "And?", TurnOptions(), "r2")


def test_news_with_less_text_take_nothing_away_while_the_answer_runs() -> None:
    from core.chat.records import MessageStatus as Status
    from tests.store.things import NOW

    turn = Turn("t", "ana", "r", "c", "q", "a", Status.STREAMING, NOW, NOW)
    followed = FollowedTurn(turn, lambda: None)
    for text in ("Hello", "Hell", "Hello there"):
        followed.publish(Snapshot(turn_id="t", question_id="q", answer_id="a", text=text))
        assert followed.snapshot().text.startswith("Hello")
    followed.publish(Snapshot(turn_id="t", question_id="q", answer_id="a", text="Hell", status=Status.DONE))
    assert (followed.snapshot().text, followed.snapshot().version) == ("Hell", 4)
