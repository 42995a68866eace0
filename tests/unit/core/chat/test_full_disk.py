"""Questions, answers and files when the disk is full: nothing that has begun is lost, nothing new begins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.chat import turn_runner
from core.chat.conversations import Conversations
from core.chat.records import MessageStatus
from core.chat.turn_runner import TurnOptions
from core.chat.turns import Turns
from core.errors import Unavailable
from core.inference.gateway import Gateway
from core.knowledge.files import Files
from core.operations.disk import DiskSpace
from core.people.records import User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from samples.fakes import FakeReader, FakeRouter
from tests.unit.core.chat.test_turns import finished, messages, until
from tests.unit.core.conftest import MovingClock


class SmallDisk:
    """A store that cannot write while `full`; `free` bytes are left."""

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work
        self.full = False
        self.free = 1000

    def __call__(self) -> UnitOfWork:
        work = self._unit_of_work()
        if self.full:
            work.commit = self._refuse  # type: ignore[method-assign]
        return work

    def _refuse(self) -> None:
        raise Unavailable("The database's disk is full or failing. Nothing was saved; ask an admin to free space.")


@pytest.fixture
def small(unit_of_work: UnitOfWorkFactory) -> SmallDisk:
    return SmallDisk(unit_of_work)


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture
def turns(small: SmallDisk, router: FakeRouter, clock: MovingClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Turns]:
    monkeypatch.setattr(turn_runner, "SAVE_AGAIN_S", 0.01)
    monkeypatch.setattr(turn_runner, "MAX_SAVE_AGAIN_S", 0.05)
    disk = DiskSpace(lambda: small.free, 100, iter(range(1000)).__next__)
    service = Turns(small, Gateway(small, router, clock), clock, 32_000, 1_000_000, disk)
    yield service
    service.close()


@pytest.fixture
def chat(conversations: Conversations, ana: User) -> str:
    return conversations.new(ana).id


def test_an_answer_that_cannot_be_saved_is_kept_until_it_can(
    turns: Turns, small: SmallDisk, router: FakeRouter, conversations: Conversations, ana: User, chat: str
) -> None:
    router.hold()
    turn = turns.start(ana, chat, "Hello?", TurnOptions(), "r1-full-disk")
    until(lambda: router.requests)
    small.full = True
    router.release()
    until(lambda: (now := turns.running(ana, chat)) is not None and now.snapshot().unsaved is not None)
    running = turns.running(ana, chat)
    assert running is not None
    seen = running.snapshot()
    assert (seen.text, seen.running) == ("Hello from the fake model", True)
    assert seen.unsaved is not None and "database's disk is full" in str(seen.unsaved)
    assert messages(conversations, ana, chat)[-1].status is MessageStatus.STREAMING
    small.full = False
    finished(turns, ana, turn)
    answer = messages(conversations, ana, chat)[-1]
    assert (answer.text, answer.status) == ("Hello from the fake model", MessageStatus.DONE)


def test_a_portal_that_stops_does_not_wait_for_space(turns: Turns, small: SmallDisk, router: FakeRouter, ana: User, chat: str) -> None:
    router.hold()
    turns.start(ana, chat, "Hello?", TurnOptions(), "r1-full-disk")
    until(lambda: router.requests)
    small.full = True
    router.release()
    until(lambda: (now := turns.running(ana, chat)) is not None and now.snapshot().unsaved is not None)
    turns.close()
    assert turns.count() == 0


def test_what_has_begun_is_saved_and_nothing_new_begins_where_little_is_left(
    turns: Turns, small: SmallDisk, router: FakeRouter, conversations: Conversations, ana: User, chat: str
) -> None:
    router.hold()
    turn = turns.start(ana, chat, "Hello?", TurnOptions(), "r1-full-disk")
    small.free = 99
    other = conversations.new(ana).id
    with pytest.raises(Unavailable, match="almost full"):
        turns.start(ana, other, "And this?", TurnOptions(), "r2-full-disk")
    assert messages(conversations, ana, other) == []
    router.release()
    finished(turns, ana, turn)
    assert messages(conversations, ana, chat)[-1].status is MessageStatus.DONE
    small.free = 100
    finished(turns, ana, turns.start(ana, other, "And this?", TurnOptions(), "r2-full-disk"))


def test_a_file_is_refused_before_it_is_read(unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User) -> None:
    files = Files(unit_of_work, clock, FakeReader(), 1_000_000, DiskSpace(lambda: 0, 1))
    with pytest.raises(Unavailable, match="almost full"):
        files.upload(ana, "notes.txt", b"text")
