from __future__ import annotations

import random
import time
from collections import Counter

import pytest

from core.errors import Busy
from core.inference.requests import SamplingParams
from models.engine.batching.step_time import FIRST_TOKEN, SMALLEST_CHUNK, STEP_WHILE_DECODING_S
from models.engine.scheduler import BATCH_WAITS_S, ORDINARY_ANSWER, Scheduler
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


def test_before_the_first_answer_ends_the_wait_follows_from_the_pace_of_the_steps() -> None:
    scheduler = Scheduler(2, 64, 10)
    assert scheduler.expected_wait(1) is None
    for slot in (0, 1):
        running(scheduler, slot, question()).max_tokens = 4000
    scheduler.step_time.learn(2, 0, 0.1)
    assert scheduler.expected_wait(3) == pytest.approx(3 * 0.1 * ORDINARY_ANSWER / 2)
    running(scheduler, 1, question()).max_tokens = 20
    assert scheduler.expected_wait(3) == pytest.approx(3 * 0.1 * 20 / 2)
    scheduler.running[0].admitted = time.perf_counter() - 8
    scheduler.release(scheduler.running[0])
    assert scheduler.expected_wait(3) == pytest.approx(12, rel=0.01)


def test_positions_are_reported_once_until_they_change() -> None:
    scheduler = Scheduler(1, 64, 10)
    for user in ("a", "b"):
        scheduler.submit(question(user=user))
    assert [position for _, position in scheduler.moved()] == [1, 2]
    assert list(scheduler.moved()) == []
    scheduler.next_waiting()
    assert [position for _, position in scheduler.moved()] == [1]


def test_every_decoding_answer_is_in_every_batch() -> None:
    scheduler = Scheduler(8, 16, 10)
    for slot in range(7):
        running(scheduler, slot, question(), done=4)
    long = running(scheduler, 7, question(500))
    batch = scheduler.next_batch()
    assert batch.slots == list(range(8))
    assert len(batch.parts[-1].tokens) == 16 - 7
    assert batch.sequences[-1] is long and not batch.parts[-1].wants_logits


def test_the_shortest_prompt_is_read_first() -> None:
    scheduler = Scheduler(2, 64, 10)
    running(scheduler, 0, question(500))
    running(scheduler, 1, question(40))
    assert {part.slot: len(part.tokens) for _, part in scheduler.next_batch()} == {1: 40, 0: 24}


def test_a_prompt_that_fits_into_a_step_is_not_cut() -> None:
    scheduler = Scheduler(3, 64, 10)
    for slot, length in enumerate((40, 50, 20)):
        running(scheduler, slot, question(length))
    assert {part.slot: len(part.tokens) for _, part in scheduler.next_batch()} == {0: 40, 2: 20}


def beside_four_answers(*prompts: int) -> list[int]:
    """Return how much of each prompt is read in a step in which others may wait for 75 tokens."""
    scheduler = Scheduler(8, 512, 10)
    scheduler.step_time.learn(0, 100, 0.2)
    for slot in range(4):
        running(scheduler, slot, question(), done=4)
    for slot, length in enumerate(prompts, start=4):
        running(scheduler, slot, question(length))
    read = {part.slot: len(part.tokens) for _, part in scheduler.next_batch()}
    return [read.get(slot, 0) for slot in range(4, 4 + len(prompts))]


def test_a_short_rest_of_a_prompt_is_read_along() -> None:
    assert beside_four_answers(90) == [90]
    assert beside_four_answers(120) == [75]
    assert beside_four_answers(90, 20) == [0, 20], "whole with the next step"
    assert beside_four_answers(120, 20) == [55, 20]


def test_a_short_rest_never_exceeds_the_batch() -> None:
    scheduler = Scheduler(2, 64, 10)
    scheduler.step_time.learn(0, 100, 0.1)
    running(scheduler, 0, question(), done=4)
    running(scheduler, 1, question(70))
    assert sum(len(part.tokens) for _, part in scheduler.next_batch()) == 64


def prompts_in_a_step(plain_s: float | None, prompts: int = 3) -> int:
    """Return how many prompts of 100 tokens, 0.1 s each, a step takes where nobody waits for a token."""
    scheduler = Scheduler(8, 512, 10)
    scheduler.step_time.learn(0, 100, 0.1)
    if plain_s is not None:
        scheduler.step_time.learn(2, 0, plain_s)
    for slot in range(prompts):
        running(scheduler, slot, question(100))
    return len(scheduler.next_batch())


def test_who_asked_first_does_not_wait_for_others_prompts_where_a_step_more_is_short() -> None:
    assert prompts_in_a_step(0.008) == 1
    assert prompts_in_a_step(0.03) == 2
    assert prompts_in_a_step(0.2) == 3
    assert prompts_in_a_step(None) == 3, "not known yet"
    assert prompts_in_a_step(0.008, prompts=5) == 2, "the others would wait for every step more"


def test_a_long_prompt_that_has_waited_overtakes_newer_short_ones() -> None:
    scheduler = Scheduler(2, 64, 10)
    running(scheduler, 0, question(500, ago=60))
    running(scheduler, 1, question(60))
    assert scheduler.next_batch().slots == [0]


def test_a_slow_machine_reads_prompts_in_small_chunks_while_others_decode() -> None:
    scheduler = Scheduler(3, 512, 10)
    scheduler.step_time.learn(0, 100, 1.0)
    running(scheduler, 0, question(400))
    assert len(scheduler.next_batch().parts[0].tokens) == 50
    running(scheduler, 1, question(), done=4)
    running(scheduler, 2, question(), done=4)
    chunk = {part.slot: len(part.tokens) for _, part in scheduler.next_batch()}
    assert chunk == {0: max(SMALLEST_CHUNK, round(STEP_WHILE_DECODING_S * 100)), 1: 1, 2: 1}


def test_where_many_wait_for_their_first_token_more_of_prompts_is_read() -> None:
    scheduler = Scheduler(8, 512, 10)
    scheduler.step_time.learn(0, 100, 1.0)
    for slot in (0, 1):
        running(scheduler, slot, question(), done=4)
    for slot in (2, 3):
        running(scheduler, slot, question(400))
    read = sum(len(part.tokens) for _, part in scheduler.next_batch()) - 2
    assert read == pytest.approx(FIRST_TOKEN * STEP_WHILE_DECODING_S * 100, abs=1)
    for slot in range(4, 8):
        running(scheduler, slot, question(), done=4)
    assert sum(len(part.tokens) for _, part in scheduler.next_batch()) - 6 == max(SMALLEST_CHUNK, round(STEP_WHILE_DECODING_S * 100))


def test_what_others_tokens_take_does_not_count_for_a_prompts() -> None:
    scheduler = Scheduler(2, 512, 10)
    scheduler.step_time.learn(1, 0, 0.05)
    scheduler.step_time.learn(1, 100, 0.15)
    assert scheduler.step_time.prompt_token_s == pytest.approx(0.001)


def test_what_so_many_answers_take_counts_for_no_prompt_before_it_is_known() -> None:
    """As many people ask at once, each step has more answers than any before: prompts would be read in ever smaller pieces."""
    scheduler = Scheduler(64, 512, 100)
    scheduler.step_time.learn(0, 100, 0.1)
    for answers in range(10, 60, 10):
        scheduler.step_time.learn(answers, 50, 0.05 + 0.002 * answers)
    assert scheduler.step_time.prompt_token_s == pytest.approx(0.001)
    for _ in range(20):
        scheduler.step_time.learn(60, 100, 0.05)
    assert scheduler.step_time.prompt_token_s == pytest.approx(0.0005, rel=0.01), "at most that"


def test_a_fast_machine_fills_the_batch() -> None:
    scheduler = Scheduler(1, 512, 10)
    scheduler.step_time.learn(0, 1000, 0.01)
    running(scheduler, 0, question(4000))
    assert len(scheduler.next_batch().parts[0].tokens) == 512


def test_interactive_questions_go_before_work_that_nobody_watches() -> None:
    scheduler = Scheduler(8, 64, 10)
    for batch, user in ((True, "a"), (False, "b")):
        asked = question(user=user)
        asked.batch = batch
        scheduler.submit(asked)
    assert scheduler.next_waiting().user_id == "b"


def test_work_that_nobody_watches_does_not_wait_for_ever() -> None:
    scheduler = Scheduler(8, 64, 10)
    old = question(user="a", ago=BATCH_WAITS_S + 1)
    old.batch = True
    for asked in (old, question(user="b")):
        scheduler.submit(asked)
    assert scheduler.next_waiting() is old


def test_who_holds_a_fair_share_waits_even_for_work_that_nobody_watches() -> None:
    scheduler = Scheduler(8, 64, 10)
    for slot in (0, 1):
        running(scheduler, slot, question(user="a"))
    other = question(user="b")
    other.batch = True
    for asked in (question(user="a", ago=5), other):
        scheduler.submit(asked)
    assert scheduler.next_waiting() is other


def test_the_youngest_answer_of_who_holds_most_makes_room_for_others() -> None:
    scheduler = Scheduler(4, 64, 10)
    mine = [running(scheduler, slot, question(user="a", ago=9 - slot)) for slot in range(4)]
    assert scheduler.to_preempt() is None
    scheduler.submit(question(user="a"))
    assert scheduler.to_preempt() is None
    scheduler.submit(question(user="b"))
    assert scheduler.to_preempt() is mine[3]
    scheduler.preempt(mine[3])
    assert scheduler.free == [3]
    assert scheduler.next_waiting().user_id == "b"
    moved = [position for one, position in scheduler.moved() if one is not mine[3]]
    assert moved == [2], "one that has begun goes on first, without a report"
    assert mine[3].queue_position == 0


def test_watched_answers_are_not_paused_for_work_that_nobody_watches() -> None:
    scheduler = Scheduler(4, 64, 10)
    mine = [running(scheduler, slot, question(user="a", ago=9 - slot)) for slot in range(4)]
    other = question(user="b")
    other.batch = True
    scheduler.submit(other)
    assert scheduler.to_preempt() is None
    mine[1].batch = True
    assert scheduler.to_preempt() is mine[1]


@pytest.mark.parametrize("seed", range(20))
def test_nobody_keeps_more_than_a_fair_share_while_others_wait(seed: int) -> None:
    rng = random.Random(seed)
    scheduler = Scheduler(8, 64, 1000)
    for _ in range(300):
        if rng.random() < 0.5:
            asked = question(user=rng.choice("aaaaabbcd"))
            asked.batch = rng.random() < 0.3
            scheduler.submit(asked)
        elif scheduler.running:
            ended = rng.choice(list(scheduler.running.values()))
            scheduler.release(ended)
        while scheduler.waiting and scheduler.free:
            running(scheduler, scheduler.free[0], scheduler.next_waiting())
        while (one := scheduler.to_preempt()) is not None:
            scheduler.preempt(one)
            running(scheduler, scheduler.free[0], scheduler.next_waiting())
        held = Counter(one.user_id for one in scheduler.running.values())
        poor = {one.user_id for one in scheduler.waiting if held[one.user_id] < 2 and not one.batch}
        assert not poor or max(held.values()) <= 2


def waiting_of(scheduler: Scheduler, users: list[str]) -> int:
    """Return how many of these users' questions are let in before one is refused."""
    for number, user in enumerate(users):
        try:
            scheduler.submit(question(user=user))
        except Busy:
            return number
    return len(users)


def measured(slots: int, answer_s: float, max_wait_s: float) -> Scheduler:
    """Make a scheduler whose slots are all taken by other people; an answer takes so long."""
    scheduler = Scheduler(slots, 64, 256, max_wait_s=max_wait_s)
    sequence = running(scheduler, 0, question())
    sequence.admitted = time.perf_counter() - answer_s
    scheduler.release(sequence)
    for slot in range(slots):
        running(scheduler, slot, question(user=f"running {slot}"))
    return scheduler


@pytest.mark.parametrize(("answer_s", "let_in"), [(1.0, 40), (2.0, 20), (10.0, 4), (100.0, 4)])
def test_nobody_is_let_in_who_would_wait_too_long_but_a_round_of_answers_always_is(answer_s: float, let_in: int) -> None:
    """(100 s: the next round takes longer than anyone should wait, but the model would otherwise serve only four people.)"""
    scheduler = measured(4, answer_s, 10.0)
    assert waiting_of(scheduler, [f"user {number}" for number in range(300)]) == pytest.approx(let_in, abs=1)
    with pytest.raises(Busy) as caught:
        scheduler.submit(question(user="late"))
    assert 1 <= caught.value.retry_after <= answer_s * 2


def test_one_who_asks_a_hundred_questions_keeps_nobody_else_out() -> None:
    scheduler = measured(4, 4.0, 10.0)
    assert waiting_of(scheduler, ["many"] * 300) < 15
    assert waiting_of(scheduler, ["one", "two", "three"]) == 3
    endless = Scheduler(4, 64, 8)
    assert waiting_of(endless, ["many"] * 300) == 8
    assert waiting_of(endless, [f"user {number}" for number in range(300)]) == 24


def test_work_that_nobody_watches_may_wait() -> None:
    scheduler = measured(4, 100.0, 10.0)
    waiting_of(scheduler, [f"user {number}" for number in range(300)])
    unwatched = question(user="night")
    unwatched.batch = True
    scheduler.submit(unwatched)
