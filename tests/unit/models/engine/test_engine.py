from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import Busy, ModelFailed, Unavailable
from core.inference.records import FinishReason
from core.inference.requests import Delta, Finished, Queued, SamplingParams
from models.engine.answers import SILENT_TOKENS
from models.engine.backend import Decoded, Part
from models.engine.engine import Engine
from models.engine.kv_cache.offload_files import OffloadFiles
from models.engine.sequence import Sequence as Running
from tests.unit.models.engine.fake_model import FakeModel, ask, collect, run


@pytest.fixture
def model() -> FakeModel:
    return FakeModel()


@pytest.fixture
def engine(model: FakeModel) -> Engine:
    """Not started: the tests call step() themselves."""
    return Engine(model, "fake", queue_limit=8)


def finished(event: object) -> Finished:
    assert isinstance(event, Finished), event
    return event


def test_greedy_answers_follow_the_prompt(engine: Engine) -> None:
    sequence = ask(engine, [60, 64])
    run(engine, sequence)
    text, last = collect(sequence)
    assert text == "ABCDE"
    assert finished(last).finish_reason is FinishReason.LENGTH


def test_the_same_seed_gives_the_same_answer_alone_and_in_a_crowd(model: FakeModel, engine: Engine) -> None:
    alone = ask(engine, [1, 2], temperature=1.0, seed=7)
    run(engine, alone)
    crowd = [ask(engine, [1, 2], user=str(seed), temperature=1.0, seed=seed) for seed in (3, 7, 9, 11)]
    run(engine, *crowd)
    answers = [collect(sequence)[0] for sequence in crowd]
    assert answers[1] == collect(alone)[0]
    assert len(set(answers)) == 4


def test_max_tokens_is_exact(engine: Engine) -> None:
    for wanted in (1, 2, 17):
        sequence = ask(engine, [5], tokens=wanted)
        run(engine, sequence)
        assert finished(collect(sequence)[1]).usage.completion_tokens == wanted


def test_the_end_token_stops_and_is_not_text(engine: Engine, model: FakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "ends", lambda token: token == ord("D"))
    sequence = ask(engine, [64], tokens=50)
    run(engine, sequence)
    text, last = collect(sequence)
    assert (text, finished(last).finish_reason, finished(last).usage.completion_tokens) == ("ABC", FinishReason.STOP, 3)


def test_a_stop_string_across_tokens_stops(engine: Engine) -> None:
    sequence = ask(engine, [64], tokens=50, stop=("DEF",))
    run(engine, sequence)
    text, last = collect(sequence)
    assert (text, finished(last).finish_reason) == ("ABC", FinishReason.STOP)


def test_tokens_without_text_are_reported_now_and_then(engine: Engine, model: FakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "piece", lambda token: b"" if token > 67 else bytes([token]))
    sequence = ask(engine, [64], tokens=40)
    run(engine, sequence)
    told = [sequence.events.get_nowait() for _ in range(sequence.events.qsize())]
    assert [(one.text, one.tokens) for one in told if isinstance(one, Delta)] == [
        ("A", 1), ("B", 2), ("C", 3), ("", 3 + SILENT_TOKENS), ("", 3 + 2 * SILENT_TOKENS),
    ]  # fmt: skip


def test_a_full_slot_ends_the_answer_with_length(model: FakeModel, engine: Engine) -> None:
    sequence = ask(engine, [1] * 190, tokens=50)
    run(engine, sequence)
    last = finished(collect(sequence)[1])
    assert (last.finish_reason, last.usage.completion_tokens) == (FinishReason.LENGTH, 10)


def test_running_answers_are_decoded_together(model: FakeModel, engine: Engine) -> None:
    sequences = [ask(engine, [number], user=str(number), tokens=20) for number in range(1, 5)]
    run(engine, *sequences)
    assert max(len(batch) for batch in model.batches) == 4
    assert len(model.batches) <= 22


def test_a_long_prompt_is_read_in_chunks_between_others_tokens(model: FakeModel, engine: Engine) -> None:
    talking = ask(engine, [9], user="a", tokens=100)
    engine.step()
    long = ask(engine, list(range(1, 190)), user="b", tokens=1)
    run(engine, long)
    assert all(any(part.slot == talking.slot for part in batch) for batch in model.batches[1:])
    assert sum(len(part.tokens) for batch in model.batches for part in batch if part.slot != talking.slot) == 189


def test_a_short_prompt_overtakes_a_long_one(engine: Engine) -> None:
    long = ask(engine, list(range(1, 190)), user="a", tokens=1)
    engine.step()
    short = ask(engine, [5] * 10, user="b", tokens=1)
    run(engine, short)
    assert long.admitted is not None and long.slot is not None


def test_the_next_turn_reuses_what_the_slot_holds(engine: Engine) -> None:
    first = ask(engine, [10] * 30, tokens=5)
    run(engine, first)
    second = ask(engine, [*first.tokens, 7, 8], tokens=5)
    run(engine, second)
    usage = finished(collect(second)[1]).usage
    assert (usage.prompt_tokens, usage.cached_tokens) == (37, 34)


def test_a_shared_beginning_is_copied_from_a_busy_slot(model: FakeModel, engine: Engine) -> None:
    system = list(range(1, 41))
    first = ask(engine, [*system, 100], user="a", tokens=60)
    engine.step()
    second = ask(engine, [*system, 101], user="b", tokens=5)
    run(engine, second)
    assert finished(collect(second)[1]).usage.cached_tokens == 40
    run(engine, first)
    assert collect(first)[0] == bytes(range(101, 161)).decode("utf-8", "replace")


def test_reuse_does_not_change_the_answer(engine: Engine) -> None:
    prompts = [[3] * 20, [3] * 20 + [9], [3] * 10 + [8] * 5, [3] * 20]
    fresh = []
    for prompt in prompts:
        other = Engine(FakeModel(), "fresh")
        sequence = ask(other, prompt)
        run(other, sequence)
        fresh.append(collect(sequence)[0])
    for prompt, expected in zip(prompts, fresh, strict=True):
        sequence = ask(engine, prompt)
        run(engine, sequence)
        assert collect(sequence)[0] == expected


def test_cancel_frees_the_slot_with_the_next_step(model: FakeModel, engine: Engine) -> None:
    sequence = ask(engine, [1, 2], tokens=100)
    engine.step()
    engine.cancel(sequence)
    engine.step()
    assert engine.metrics().busy == 0
    assert finished(collect(sequence)[1]).finish_reason is FinishReason.CANCELLED
    assert model.samplers == 0


def test_cancel_in_the_middle_of_a_prompt_keeps_what_was_read(model: FakeModel, engine: Engine) -> None:
    prompt = list(range(1, 180))
    sequence = ask(engine, prompt, tokens=5)
    engine.step()
    engine.cancel(sequence)
    engine.step()
    again = ask(engine, prompt, tokens=5)
    run(engine, again)
    assert finished(collect(again)[1]).usage.cached_tokens == len(model.batches[0][0].tokens)


def test_cancel_while_waiting_never_reaches_the_model(model: FakeModel, engine: Engine) -> None:
    running = [ask(engine, [number], tokens=50) for number in range(1, 5)]
    engine.step()
    waiting = ask(engine, [99])
    engine.cancel(waiting)
    assert finished(collect(waiting)[1]).finish_reason is FinishReason.CANCELLED
    run(engine, *running)
    assert all(part.tokens[0] != 99 for batch in model.batches for part in batch)


def test_a_lone_prompt_that_is_cancelled_is_aborted(engine: Engine, model: FakeModel) -> None:
    sequence = ask(engine, [1] * 50)

    def cancelled_meanwhile(parts: list[Part]) -> Decoded:
        engine.cancel(sequence)
        assert model.aborting
        return Decoded.ABORTED

    model.answers = cancelled_meanwhile
    engine.step()
    engine.step()
    assert finished(collect(sequence)[1]).finish_reason is FinishReason.CANCELLED
    assert not model.aborting
    assert engine.metrics().aborted == 1


def test_a_full_queue_answers_busy_with_a_time(engine: Engine) -> None:
    for number in range(1, 5):
        ask(engine, [number], tokens=100)
    engine.step()
    for _ in range(8):
        ask(engine, [1])
    with pytest.raises(Busy) as caught:
        ask(engine, [1])
    assert caught.value.retry_after >= 1


def test_those_who_wait_learn_their_queue_position(engine: Engine) -> None:
    running = [ask(engine, [number], user=f"a{number}", tokens=3) for number in range(1, 5)]
    engine.step()
    waiting = [ask(engine, [9], user="b", tokens=3), ask(engine, [9], user="c", tokens=3)]
    engine.step()
    told = [sequence.events.get_nowait() for sequence in waiting]
    assert all(isinstance(one, Queued) for one in told) and [one.position for one in told] == [1, 2]
    assert 0 < 2 * told[0].wait_s == told[1].wait_s, "at the step_time of the steps so far, though no answer has ended"
    run(engine, *running, *waiting)


def test_who_is_admitted_learns_so_before_the_prompt_is_prefilled(engine: Engine) -> None:
    running = [ask(engine, [number], user=f"a{number}", tokens=1) for number in range(1, 5)]
    late = ask(engine, list(range(1, 150)), user="b", tokens=3)
    run(engine, *running)
    while late.admitted is None:
        engine.step()
    told = [late.events.get_nowait() for _ in range(late.events.qsize())]
    assert told == [Queued(1, None), Queued(0, None)], "and nothing of its text yet"
    assert all(not isinstance(one.events.get_nowait(), Queued) for one in running), "who never waited hears of no queue"
    run(engine, late)


def test_a_user_with_many_questions_does_not_block_the_others(engine: Engine) -> None:
    crowd = [ask(engine, [number], user="greedy", tokens=10) for number in range(1, 9)]
    engine.step()
    late = ask(engine, [9], user="late", tokens=10)
    run(engine, late)
    assert sum(sequence.admitted is None for sequence in crowd) >= 1


def test_a_failing_batch_loses_only_its_cause(model: FakeModel, engine: Engine) -> None:
    bad = ask(engine, [66], user="a", tokens=10)
    good = [ask(engine, [number], user=str(number), tokens=10) for number in (1, 2, 3)]
    model.answers = lambda parts: Decoded.FAILED if any(part.slot == bad.slot for part in parts) else Decoded.DONE
    run(engine, bad, *good)
    assert isinstance(collect(bad)[1], ModelFailed)
    assert engine.metrics().decode_failures == 2, "with the others and alone"
    assert all(finished(collect(sequence)[1]).usage.completion_tokens == 10 for sequence in good)
    assert engine.metrics().busy == 0


def test_a_full_context_memory_forgets_idle_conversations_first(model: FakeModel, engine: Engine) -> None:
    idle = ask(engine, [1] * 40)
    run(engine, idle)
    held = engine.metrics().cells_used
    full = [True]
    model.answers = lambda parts: Decoded.FULL if full and full.pop() else Decoded.DONE
    sequence = ask(engine, [2] * 5)
    run(engine, sequence)
    assert finished(collect(sequence)[1]).usage.completion_tokens == 5
    assert engine.metrics().cells_used < held
    assert engine.metrics().full == 1


def test_a_kv_cache_that_stays_full_fails_in_words(model: FakeModel, engine: Engine) -> None:
    model.answers = lambda parts: Decoded.FULL
    sequence = ask(engine, [2] * 5)
    run(engine, sequence)
    assert "KV cache of model fake is full" in str(collect(sequence)[1])


@pytest.mark.parametrize("shared_cells", [0, 150])
def test_ten_thousand_random_questions_and_cancels_leak_nothing(shared_cells: int) -> None:
    model = FakeModel(slots=8, context=64, batch_tokens=48)
    model.shared_cells = shared_cells
    engine = Engine(model, "fake", queue_limit=40)
    rng = random.Random(5)
    asked = []
    for _ in range(10_000):
        if rng.random() < 0.4:
            try:
                prompt = [rng.randrange(1, 4) for _ in range(rng.randrange(1, 40))]
                asked.append(ask(engine, prompt, user=rng.choice("abc"), tokens=rng.randrange(1, 20)))
            except Busy:
                engine.step()
        elif asked and rng.random() < 0.3:
            engine.cancel(rng.choice(asked))
        else:
            engine.step()
    while not engine.idle:
        engine.step()
    assert all(isinstance(collect(sequence)[1], Finished) for sequence in asked)
    assert model.samplers == 0
    metrics = engine.metrics()
    assert (metrics.busy, metrics.waiting) == (0, 0)
    assert metrics.cells_used == sum(map(len, model.memory)) <= metrics.cells_total


def test_closing_fails_what_runs_and_frees_the_model() -> None:
    model = FakeModel(seconds_per_token=0.1)
    engine = Engine(model, "fake")
    engine.start()
    sequence = ask(engine, [1], tokens=190)
    while not isinstance(sequence.events.get(timeout=60), Delta):
        pass
    begin = time.monotonic()
    assert engine.close()
    assert time.monotonic() - begin < 20
    assert isinstance(collect(sequence)[1], Unavailable)
    assert model.closed
    assert model.samplers == 0
    with pytest.raises(Unavailable):
        ask(engine, [1])


def test_an_error_in_a_step_ends_the_answers_and_not_the_engine(model: FakeModel, caplog: pytest.LogCaptureFixture) -> None:
    engine = Engine(model, "fake")

    def broken(parts: list[Part]) -> Decoded:
        raise RuntimeError("a bug")

    model.answers = broken
    engine.start()
    assert isinstance(collect(ask(engine, [1]))[1], ModelFailed)
    assert "a bug" in caplog.text
    model.answers = lambda parts: Decoded.DONE
    assert finished(collect(ask(engine, [1, 2]))[1]).usage.completion_tokens == 5
    engine.close()


def test_timings_say_queue_first_token_and_speed() -> None:
    engine = Engine(FakeModel(slots=1, seconds_per_token=0.002), "fake")
    first, second = ask(engine, [1], tokens=20), ask(engine, [2], tokens=20)
    engine.start()
    one, two = finished(collect(first)[1]).timings, finished(collect(second)[1]).timings
    engine.close()
    assert one.ttft_s is not None and two.ttft_s is not None
    assert two.queue_s >= one.duration_s - one.queue_s - 0.01
    assert two.ttft_s > two.queue_s
    assert one.tokens_per_second == pytest.approx(19 / (one.duration_s - one.ttft_s), rel=0.1) and one.tokens_per_second < 500
    metrics = engine.metrics()
    assert metrics.decoded_tokens == 40
    assert metrics.spreads is not None
    assert metrics.spreads.inter_token.counts[-1] == 38
    assert metrics.spreads.queue_wait.counts[-1] == metrics.spreads.first_token.counts[-1] == 2
    assert metrics.spreads.queue_wait.total == pytest.approx(one.queue_s + two.queue_s)
    assert metrics.spreads.step_answers.counts[0] == metrics.spreads.step_duration.counts[-1] == 40, "one answer a step"


def test_a_model_that_cannot_be_cut_back_still_goes_on_with_a_conversation() -> None:
    model = FakeModel()
    model.can_cut = False
    engine = Engine(model, "recurrent")
    first = ask(engine, [10] * 30, tokens=5)
    run(engine, first)
    second = ask(engine, [*first.tokens, 7, 8], tokens=5)
    other = ask(engine, [10] * 20, user="b", tokens=5)
    run(engine, second, other)
    assert finished(collect(second)[1]).usage.cached_tokens == 34
    assert finished(collect(other)[1]).usage.cached_tokens == 0


def test_a_model_that_cannot_be_cut_back_starts_over_after_an_abort() -> None:
    model = FakeModel()
    model.can_cut = False
    engine = Engine(model, "recurrent")
    sequence = ask(engine, [64], tokens=5)
    engine.step()
    aborts = [True]
    model.answers = lambda parts: Decoded.ABORTED if aborts and aborts.pop() else Decoded.DONE
    run(engine, sequence)
    assert collect(sequence)[0] == "ABCDE"


def test_a_user_alone_may_use_every_slot_until_others_come(engine: Engine) -> None:
    mine = [ask(engine, [number] * 20, user="a", tokens=60) for number in range(1, 5)]
    engine.step()
    assert engine.metrics().busy == 4
    other = ask(engine, [9], user="b", tokens=10)
    engine.step()
    assert other.slot is not None
    assert engine.metrics().preempted == 1
    run(engine, other, *mine)
    for number, sequence in enumerate(mine, start=1):
        assert collect(sequence)[0] == bytes(range(number + 1, number + 61)).decode("utf-8", "replace")


def test_a_paused_answer_can_be_cancelled(model: FakeModel, engine: Engine) -> None:
    mine = [ask(engine, [number] * 20, user="a", tokens=60) for number in range(1, 5)]
    engine.step()
    other = ask(engine, [9], user="b", tokens=50)
    engine.step()
    paused = next(sequence for sequence in mine if sequence.slot is None)
    engine.cancel(paused)
    engine.step()
    assert finished(collect(paused)[1]).finish_reason is FinishReason.CANCELLED
    run(engine, other, *mine)
    assert model.samplers == 0


def test_a_conversation_that_left_its_slot_comes_back_from_the_hosts_memory() -> None:
    model = FakeModel(slots=1, context=200)
    model.offload_bytes = 10_000
    engine = Engine(model, "fake")
    talk = [7] * 80
    for beginning in (talk, [8] * 80):
        run(engine, ask(engine, beginning, tokens=5))
    assert (engine.metrics().offloaded, engine.metrics().offloaded_bytes) == (1, 84)
    again = ask(engine, [*talk, 3], tokens=5)
    run(engine, again)
    assert finished(collect(again)[1]).usage.cached_tokens == 80
    assert model.memory[0][:80] == talk
    metrics = engine.metrics()
    assert (metrics.restored_tokens, metrics.cached_tokens, metrics.prompt_tokens) == (80, 80, 241)
    assert metrics.offloaded == 1, "the other conversation now"


def test_a_state_that_cannot_be_restored_is_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FakeModel(slots=1, context=200)
    model.offload_bytes = 10_000
    engine = Engine(model, "fake")
    for beginning in ([7] * 80, [8] * 80):
        run(engine, ask(engine, beginning, tokens=5))
    monkeypatch.setattr(model, "restore", lambda slot, state: False)
    again = ask(engine, [7] * 81, tokens=5)
    run(engine, again)
    assert collect(again)[0] == bytes(range(8, 13)).decode()
    assert again.cached == 0


@pytest.fixture
def files(tmp_path: Path) -> Iterator[OffloadFiles]:
    files = OffloadFiles(tmp_path, 10_000)
    yield files
    files.close()


def engine_with_little_memory(files: OffloadFiles) -> tuple[FakeModel, Engine]:
    """Make an engine with one slot, and host memory for one conversation."""
    model = FakeModel(slots=1, context=200)
    model.offload_bytes = 100
    return model, Engine(model, "fake", files=files)


def test_a_conversation_that_left_the_hosts_memory_too_comes_back_from_the_disk(files: OffloadFiles) -> None:
    model, engine = engine_with_little_memory(files)
    talk = [7] * 80
    for beginning in (talk, [8] * 80, [9] * 80):
        run(engine, ask(engine, beginning, tokens=5))
    assert (engine.metrics().offloaded, engine.metrics().disk_offloaded) == (1, 1)
    again = ask(engine, [*talk, 3], tokens=5)
    run(engine, again)
    assert finished(collect(again)[1]).usage.cached_tokens == 80
    assert model.memory[0][:80] == talk
    metrics = engine.metrics()
    assert (metrics.disk_tokens, metrics.restored_tokens, metrics.cached_tokens) == (80, 0, 80)
    assert (metrics.disk_offloaded, metrics.disk_failures) == (1, 0), "the second conversation, which made room"


def test_what_is_in_a_slot_is_not_read_from_the_disk(files: OffloadFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    _, engine = engine_with_little_memory(files)
    for beginning in ([7] * 80, [8] * 80, [9] * 80, [*[7] * 80, 1]):
        run(engine, ask(engine, beginning, tokens=5))
    monkeypatch.setattr(files, "read", lambda kept: pytest.fail("read"))
    run(engine, ask(engine, [*[7] * 80, 1, 2], tokens=5))
    assert engine.metrics().slot_tokens == 81


def test_a_file_that_cannot_be_read_only_means_that_the_prompt_is_computed(files: OffloadFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    _, engine = engine_with_little_memory(files)
    for beginning in ([7] * 80, [8] * 80, [9] * 80):
        run(engine, ask(engine, beginning, tokens=5))
    monkeypatch.setattr(files, "read", lambda kept: None)
    again = ask(engine, [*[7] * 80, 3], tokens=5)
    run(engine, again)
    assert (again.cached, collect(again)[0]) == (0, bytes(range(4, 9)).decode())


def test_an_unloaded_models_files_are_removed(files: OffloadFiles, tmp_path: Path) -> None:
    _, engine = engine_with_little_memory(files)
    for beginning in ([7] * 80, [8] * 80, [9] * 80):
        run(engine, ask(engine, beginning, tokens=5))
    engine.start()
    assert engine.close()
    assert engine.metrics().disk_offloaded == 0


def answered(engine: Engine, prompt: list[int], tokens: int = 5) -> Running:
    sequence = ask(engine, prompt, tokens=tokens)
    run(engine, sequence)
    return sequence


def test_what_the_next_turn_begins_with_is_prefetched_while_nobody_waits(model: FakeModel, engine: Engine) -> None:
    talk = [5] * 40
    expected = [*talk, *range(100, 140)]
    engine.prefetch(answered(engine, talk, 60).tokens, expected)
    before = engine.metrics()
    while engine.prefetching:
        engine.prefetch_some()
    assert expected in model.memory
    following = answered(engine, [*expected, 9])
    assert (following.cached, collect(following)[0]) == (80, bytes(range(10, 15)).decode())
    metrics = engine.metrics()
    assert (metrics.prefetched_tokens, metrics.slot_tokens, metrics.prefetch_computed_tokens, metrics.cached_tokens) == (40, 40, 40, 80)
    assert (before.answers, before.busy, metrics.answers) == (1, 0, 2), "it is no answer and takes no slot"


def test_little_that_is_not_held_is_not_worth_prefetching(model: FakeModel, engine: Engine) -> None:
    ended = answered(engine, [5] * 40)
    engine.prefetch(ended.tokens, [*ended.tokens, *[9] * 10])
    assert not engine.prefetching


def test_a_question_goes_before_prefetch(model: FakeModel, engine: Engine) -> None:
    engine.prefetch(answered(engine, [5] * 40, 60).tokens, [*[5] * 40, *range(100, 190)])
    engine.prefetch_some()
    read = engine.metrics().prefetch_computed_tokens
    question = ask(engine, [8] * 20)
    engine.prefetch_some()
    assert engine.metrics().prefetch_computed_tokens == read, "somebody waits"
    run(engine, question)
    while engine.prefetching:
        engine.prefetch_some()
    assert [*[5] * 40, *range(100, 190)] in model.memory, "it goes on afterwards"


def test_a_question_aborts_prefetch() -> None:
    model = FakeModel(slots=2, batch_tokens=64)
    engine = Engine(model, "fake")
    ended = answered(engine, [5] * 40, 60)
    started = threading.Event()

    def slow(parts: list[Part]) -> Decoded:
        started.set()
        deadline = time.monotonic() + 60
        while not model.aborting and time.monotonic() < deadline:
            time.sleep(0.001)
        model.answers = lambda parts: Decoded.DONE
        return Decoded.ABORTED if model.aborting else Decoded.DONE

    model.answers = slow
    # Before the start: an engine with nothing to prefetch measures its model, and the question would abort that instead.
    engine.prefetch(ended.tokens, [*[5] * 40, *range(100, 190)])
    engine.start()
    assert started.wait(60)
    text, event = collect(ask(engine, [*[5] * 40, *range(100, 190), 7]))
    assert (text, finished(event).finish_reason) == (bytes(range(8, 13)).decode(), FinishReason.LENGTH)
    assert engine.metrics().prefetch_computed_tokens == 0
    assert engine.close()


def test_a_conversation_that_went_on_in_another_slot_is_not_prefetched(model: FakeModel, engine: Engine) -> None:
    ended = answered(engine, [5] * 40, 60)
    engine.prefetch(ended.tokens, [*[5] * 40, *range(100, 190)])
    following = answered(engine, [*[5] * 40, *range(100, 190), 7])
    assert ended.tokens[:-1] in model.memory and following.tokens[:-1] in model.memory, "both are held"
    engine.prefetch_some()
    assert (engine.prefetching, engine.metrics().prefetch_computed_tokens) == (False, 0)


def test_a_conversation_that_left_its_slot_is_not_prefetched(model: FakeModel) -> None:
    model = FakeModel(slots=1)
    engine = Engine(model, "fake")
    ended = answered(engine, [5] * 40, 60)
    answered(engine, [6] * 40)
    engine.prefetch(ended.tokens, [*[5] * 40, *range(100, 150)])
    engine.prefetch_some()
    assert not engine.prefetching
    assert model.memory[0][:40] == [6] * 40


def test_a_model_that_cannot_be_cut_back_prefetches_nothing(model: FakeModel, engine: Engine) -> None:
    model.can_cut = False
    engine.prefetch(answered(engine, [5] * 40).tokens, [*[5] * 40, *range(100, 150)])
    assert not engine.prefetching


def test_a_decode_that_fails_while_prefetching_harms_nobody(model: FakeModel, engine: Engine) -> None:
    engine.prefetch(answered(engine, [5] * 40, 60).tokens, [*[5] * 40, *range(100, 150)])
    model.answers = lambda parts: Decoded.FAILED
    engine.prefetch_some()
    model.answers = lambda parts: Decoded.DONE
    assert not engine.prefetching
    assert answered(engine, [*[5] * 40, 9]).cached == 40
    assert engine.metrics().failures == 0


def test_random_questions_and_expectations_leave_the_slots_holding_what_is_noted() -> None:
    chance = random.Random(4)
    model = FakeModel(slots=3, context=400)
    model.offload_bytes = 400
    engine = Engine(model, "fake", queue_limit=100)
    talks: list[list[int]] = [[number] * 30 for number in range(1, 9)]
    for _ in range(300):
        talk = chance.choice(talks)
        sequence = ask(engine, list(talk), tokens=chance.randrange(1, 60))
        run(engine, sequence)
        assert sequence.tokens[:-1] in model.memory
        stripped = [*talk, *(chance.randrange(1, 250) for _ in range(chance.randrange(1, 40)))]
        engine.prefetch(sequence.tokens, stripped)
        for _ in range(chance.randrange(3)):
            engine.prefetch_some()
        assert model.memory == engine.held()
        talk[:] = [*stripped, chance.randrange(1, 100)] if len(stripped) < 300 else talk[:30]
    metrics = engine.metrics()
    kinds = (metrics.slot_tokens, metrics.prefetched_tokens, metrics.copied_tokens, metrics.restored_tokens, metrics.disk_tokens)
    assert sum(kinds) == metrics.cached_tokens
    assert all(kinds[:2]) and kinds[3]
    assert model.samplers == 0


def test_who_stops_an_answer_waits_for_no_step_that_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.engine.engine.STUCK_S", 0.05)
    backend, go_on = FakeModel(), threading.Event()

    def stuck(parts: list[Part]) -> Decoded:
        go_on.wait(60)
        return Decoded.DONE

    def until(true: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    backend.answers = stuck
    engine = Engine(backend, "fake", prompt_lookup=False)
    engine.start()
    try:
        sequence = engine.submit([1, 2, 3], SamplingParams(max_tokens=5), 5, "ann")
        until(lambda: engine.metrics().step_running_s > 0.05)
        began = time.monotonic()
        engine.cancel(sequence)
        event = sequence.events.get(timeout=60)
        assert isinstance(event, Finished) and event.finish_reason is FinishReason.CANCELLED
        assert time.monotonic() - began < 20
        go_on.set()
        until(lambda: engine.metrics().step_running_s == 0 and engine.idle)
    finally:
        go_on.set()
        engine.close()
