from __future__ import annotations

import time

import pytest

from core.errors import Busy
from core.generation import SamplingParams
from models.engine.scheduler import SMALLEST_CHUNK, STEP_WHILE_DECODING_S, Scheduler
from models.engine.sequence import Sequence


def question(length: int = 5, user: str = "ann", ago: float = 0.0) -> Sequence:
    return Sequence(length, list(range(length)), SamplingParams(), 10, user, arrived=time.perf_counter() - ago)


def running(scheduler: Scheduler, slot: int, sequence: Sequence, done: int = 0) -> Sequence:
    scheduler.start(sequence, slot)
    sequence.done = done
    return sequence


def test_users_take_turns_however_many_questions_they_ask() -> None:
    scheduler = Scheduler(5, 64, 100)
    for ago, user in ((9, "a"), (8, "a"), (7, "a"), (6, "b"), (5, "c")):
        scheduler.submit(question(user=user, ago=ago))
    served = [running(scheduler, slot, scheduler.next_waiting()).user_id for slot in range(5)]
    assert served == ["a", "b", "c", "a", "a"]


def test_a_user_with_running_answers_waits_for_one_without() -> None:
    scheduler = Scheduler(4, 64, 100)
    for slot in (0, 1):
        running(scheduler, slot, question(user="a"))
    scheduler.submit(question(user="a", ago=9))
    scheduler.submit(question(user="b"))
    assert scheduler.next_waiting().user_id == "b"


def test_the_queue_is_bounded_and_says_when_to_come_back() -> None:
    scheduler = Scheduler(1, 64, 2)
    sequence = running(scheduler, 0, question())
    sequence.admitted = time.perf_counter() - 30
    scheduler.release(sequence)
    for _ in range(2):
        scheduler.submit(question())
    with pytest.raises(Busy) as caught:
        scheduler.submit(question())
    assert 55 < caught.value.retry_after < 65


def test_places_are_told_once_until_they_change() -> None:
    scheduler = Scheduler(1, 64, 10)
    for user in ("a", "b"):
        scheduler.submit(question(user=user))
    assert [place for _, place in scheduler.moved()] == [1, 2]
    assert list(scheduler.moved()) == []
    scheduler.next_waiting()
    assert [place for _, place in scheduler.moved()] == [1]


def test_every_decoding_answer_is_in_every_batch() -> None:
    scheduler = Scheduler(8, 16, 10)
    for slot in range(7):
        running(scheduler, slot, question(), done=4)
    long = running(scheduler, 7, question(500))
    batch = scheduler.parts()
    assert [part.slot for _, part in batch] == list(range(8))
    assert len(batch[-1][1].tokens) == 16 - 7
    assert batch[-1][0] is long and not batch[-1][1].wants_logits


def test_the_shortest_prompt_is_read_first() -> None:
    scheduler = Scheduler(2, 64, 10)
    running(scheduler, 0, question(500))
    running(scheduler, 1, question(40))
    assert {part.slot: len(part.tokens) for _, part in scheduler.parts()} == {1: 40, 0: 24}


def test_a_long_prompt_that_has_waited_overtakes_newer_short_ones() -> None:
    scheduler = Scheduler(2, 64, 10)
    running(scheduler, 0, question(500, ago=60))
    running(scheduler, 1, question(60))
    assert [part.slot for _, part in scheduler.parts()] == [0]


def test_a_slow_machine_reads_prompts_in_small_chunks_while_others_decode() -> None:
    scheduler = Scheduler(2, 512, 10)
    scheduler.measured(100, 1.0)
    running(scheduler, 0, question(400))
    assert len(scheduler.parts()[0][1].tokens) == 50
    running(scheduler, 1, question(), done=4)
    chunk = {part.slot: len(part.tokens) for _, part in scheduler.parts()}
    assert chunk == {0: max(SMALLEST_CHUNK, round(STEP_WHILE_DECODING_S * 100)), 1: 1}


def test_a_fast_machine_fills_the_batch() -> None:
    scheduler = Scheduler(1, 512, 10)
    scheduler.measured(1000, 0.01)
    running(scheduler, 0, question(4000))
    assert len(scheduler.parts()[0][1].tokens) == 512
