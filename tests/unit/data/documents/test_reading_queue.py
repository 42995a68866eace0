"""The order in which documents are read."""

from __future__ import annotations

import pytest

from data.documents.reading_queue import OPEN_EACH, STARVED_S, ReadingQueue, Turn


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def queue_of(clock: Clock, at_once: int = 2, most_open: int = 6) -> ReadingQueue:
    return ReadingQueue(at_once, most_open, slice_s=1.0, clock=clock)


def running(*turns: Turn) -> list[bool]:
    return [turn.running for turn in turns]


def test_one_persons_documents_are_read_in_their_order(clock: Clock) -> None:
    queue = queue_of(clock)
    first, second, third = (queue.enter("ana") for _ in range(3))
    assert running(first, second, third) == [True, True, False] and queue.position(third) == 1
    queue.leave(first)
    assert third.running


def test_another_persons_document_comes_before_the_rest_of_many(clock: Clock) -> None:
    queue = queue_of(clock)
    many = [queue.enter("ana") for _ in range(12)]
    clock.now = 0.5
    bos = queue.enter("bo")
    assert (queue.position(bos), queue.position(many[2])) == (1, 2)
    assert not queue.is_due(many[0]), "not before its slice is over"
    clock.now = 1.1
    assert queue.is_due(many[0])
    queue.pause(many[0])
    assert bos.running and not many[0].running
    queue.leave(bos)
    assert many[0].running and not many[2].running, "what is begun goes on first"


def test_a_document_that_nobody_else_waits_for_is_not_stopped(clock: Clock) -> None:
    queue = queue_of(clock, at_once=1)
    first, _second = queue.enter("ana"), queue.enter("ana")
    clock.now = 50
    assert not queue.is_due(first)


def test_two_long_documents_take_turns(clock: Clock) -> None:
    queue = queue_of(clock, at_once=1)
    anas, bos = queue.enter("ana"), queue.enter("bo")
    for second in range(1, 9):
        clock.now = second * 1.5
        now, other = (anas, bos) if anas.running else (bos, anas)
        assert queue.is_due(now)
        queue.pause(now)
        assert other.running
    assert queue.ran_s(anas) == pytest.approx(queue.ran_s(bos)) == 6.0


def test_a_long_document_comes_to_its_end_beside_a_stream_of_short_ones(clock: Clock) -> None:
    queue = queue_of(clock, at_once=1)
    long = queue.enter("ana")
    clock.now = 30
    short = queue.enter("p0")
    queue.pause(long)
    assert short.running
    for n in range(1, 200):
        following = queue.enter(f"p{n}")
        clock.now += 0.5
        queue.leave(short)
        if long.running:
            break
        short = following
    assert clock.now - 30 == pytest.approx(STARVED_S, abs=1.0)


def test_what_is_begun_is_bounded_in_all_and_by_person(clock: Clock) -> None:
    queue = queue_of(clock, at_once=1, most_open=3)
    anas = [queue.enter("ana") for _ in range(OPEN_EACH + 2)]
    others = [queue.enter(name) for name in ("bo", "cy", "di", "ed")]
    for _ in range(40):
        clock.now += 1.5
        for turn in [*anas, *others]:
            if turn.running and queue.is_due(turn):
                queue.pause(turn)
    begun = [turn for turn in [*anas, *others] if turn.begun]
    assert len(begun) == 3 and sum(turn in anas for turn in begun) <= OPEN_EACH


def test_who_left_is_forgotten(clock: Clock) -> None:
    queue = queue_of(clock, at_once=1)
    first = queue.enter("ana")
    clock.now = 100
    queue.leave(first)
    again, bos = queue.enter("ana"), queue.enter("bo")
    queue.leave(again)
    assert bos.running and queue.waited_s(bos) == 0
