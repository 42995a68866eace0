"""Which slots are computed together: decisions on made-up costs, then an engine whose answers move and fill gaps."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from core.inference.requests import SamplingParams
from models.engine.backend import Decoded, Part
from models.engine.batching.micro_batches import Arrangement, MicroBatches
from models.engine.batching.row_costs import GPU_ROW, RowCosts
from models.engine.costs import Costs
from models.engine.engine import Engine
from models.engine.llama.backend import LlamaBackend
from samples.gguf_maker import make_gguf
from tests.this_machine import load_options
from tests.unit.models.engine.fake_model import FakeModel, ask, collect, know, run

Seconds = Callable[[int], float]


def on_a_gpu(rows: int) -> float:
    """Reading the weights is nearly all of it."""
    return 1.0 + 0.01 * rows


def steep(rows: int) -> float:
    """Reading the weights takes long, and so does a row."""
    return 1.0 + 0.3 * rows


def in_tiles(rows: int) -> float:
    """Return costs at which a part of four rows takes longer than all four."""
    return 1.0 + 0.2 * rows + (0.5 if rows % 4 else 0.0)


def alone_is_quickest(rows: int) -> float:
    return 1.0 if rows == 1 else 3.0 * rows


def in_proportion(rows: int) -> float:
    return float(rows)


def batches(costs: Seconds, slots: int = 16, held: int = 5, context: int = 200, batch_tokens: int = 64) -> MicroBatches:
    model = FakeModel(slots=slots, context=context, batch_tokens=batch_tokens)
    model.own_streams = True
    rows = RowCosts.of_backend(model)
    know(rows, costs)
    return MicroBatches(model, rows, lambda slot: held)


def row(slot: int, guesses: int = 0) -> Part:
    return Part(slot, 5, [3] * (1 + guesses), True, draft_tokens=guesses)


def runs(arranged: Arrangement) -> list[list[int]]:
    """Return the slots of each micro-batch as llama.cpp takes them: the first token left, then each in the slot beside the last."""
    left = [part.slot for part in arranged.parts]
    found = []
    while left:
        run = [left.pop(0)]
        for slot in left[:]:
            if slot == run[-1] + 1:
                run.append(slot)
                left.remove(slot)
        found.append(run)
    return found


def groups(costs: Seconds, *slots: int, **shape: int) -> list[list[int]]:
    return sorted(runs(batches(costs, **shape).arrange([row(slot) for slot in slots])))


def test_gaps_are_filled_where_reading_the_weights_takes_long() -> None:
    assert groups(on_a_gpu, 1, 4, 5, 9) == [[*range(1, 10)]]
    assert groups(in_proportion, 1, 4, 5, 9) == [[1], [4, 5], [9]]


def test_a_wide_gap_is_not_filled() -> None:
    assert groups(steep, 0, 2, 12, 13) == [[0, 1, 2], [12, 13]]


def test_a_run_is_filled_up_to_a_number_that_is_quicker() -> None:
    assert groups(in_tiles, 0, 1, 2) == [[0, 1, 2, 3]]
    assert groups(in_tiles, 13, 14, 15) == [[13, 14, 15]], "there is no slot after the last"
    assert groups(in_tiles, 0, 1, 2, 3) == [[0, 1, 2, 3]]


def test_an_answer_by_itself_is_left_alone_whatever_was_measured() -> None:
    assert groups(lambda rows: 1.0 if rows % 4 else 0.1, 2) == [[2]]


def test_a_run_is_taken_apart_where_that_is_quicker() -> None:
    assert groups(alone_is_quickest, 3, 4, 5) == [[3], [4], [5]]


def test_a_little_quicker_is_not_worth_it() -> None:
    assert groups(lambda rows: 1.0 if rows == 1 else 1.01 * rows, 3, 4, 5) == [[3, 4, 5]]


def test_a_full_slot_is_no_padding() -> None:
    assert groups(on_a_gpu, 0, 2, held=200) == [[0], [2]]


def test_what_does_not_fit_into_a_batch_is_left_as_it_is() -> None:
    assert groups(on_a_gpu, 0, 9, batch_tokens=9) == [[0], [9]]
    assert groups(on_a_gpu, 0, 9, batch_tokens=10) == [[*range(10)]]


def test_a_slot_that_filled_up_meanwhile_is_no_padding() -> None:
    assert [part.slot for part in batches(on_a_gpu).arrange([row(0), row(2)]).padding] == [1]
    assert not batches(on_a_gpu, held=200).arrange([row(0), row(2)]).padding


def test_nothing_is_arranged_before_the_costs_are_known() -> None:
    made = MicroBatches(FakeModel(), RowCosts.of_backend(FakeModel()), lambda slot: 0)
    parts = [row(0), row(3)]
    assert made.arrange(parts).parts is parts
    assert made.near([0], [1, 3]) == [1, 3]


def test_a_prompt_between_rows_closes_the_gap_with_its_first_token() -> None:
    made = batches(on_a_gpu)
    reading = Part(4, 5, [3] * 9, True)
    arranged = made.arrange([row(1), row(3), reading, row(6)])
    assert [part.slot for part in arranged.parts] == [1, 2, 3, 4, 5, 6]
    assert arranged.parts[3] is reading
    assert [part.slot for part in arranged.padding] == [2, 5]
    assert not arranged.groups, "nothing is learned of rows from it"


def test_a_prompt_beside_the_rows_is_read_after_them() -> None:
    reading = Part(12, 5, [3] * 9, True)
    arranged = batches(steep).arrange([row(1), row(3), reading])
    assert [part.slot for part in arranged.parts] == [1, 2, 3, 12]


def test_draft_tokens_of_one_sequence_join_a_padded_batch_those_of_several_stay_together() -> None:
    made = batches(on_a_gpu)
    assert [part.slot for part in made.arrange([row(1), row(3, guesses=2)]).padding] == [2]
    assert not made.arrange([row(1, guesses=2), row(3, guesses=2)]).padding


@pytest.mark.parametrize("costs", [on_a_gpu, in_tiles, alone_is_quickest, in_proportion])
def test_every_part_is_there_once_at_its_index_and_padding_is_idle(costs: Seconds) -> None:
    rng = random.Random(1)
    made = batches(costs, slots=24)
    for _ in range(300):
        slots = sorted(rng.sample(range(24), rng.randrange(1, 25)))
        parts = [row(slot) if rng.random() < 0.9 else Part(slot, 5, [3] * rng.randrange(2, 5), True) for slot in slots]
        arranged = made.arrange(parts)
        assert [arranged.parts[index] for index in arranged.indexes] == parts
        assert len({part.slot for part in arranged.parts}) == len(arranged.parts) == len(parts) + len(arranged.padding)
        assert {part.slot for part in arranged.padding}.isdisjoint(slots)
        assert all(part.start == 5 and not part.wants_logits for part in arranged.padding)
        if arranged.groups:
            mine = sum(costs(count) for count in arranged.groups)
            own = sum(costs(len(run)) for run in runs(Arrangement(parts, ())))
            assert sorted(arranged.groups) == sorted(len(run) for run in runs(arranged))
            assert mine <= own


def test_one_more_answer_begins_beside_those_that_run() -> None:
    made = batches(steep)
    assert list(made.near([4, 5], [0, 1, 2, 3, 6, 7, 9])) == [3, 6]
    assert list(made.near([4, 6], [0, 5, 9])) == [5], "between two it joins them"
    assert list(made.near([], [0, 9])) == [0, 9]
    assert list(batches(on_a_gpu).near([4, 5], [0, 1, 3, 6, 9])) == [0, 1, 3, 6, 9], "to close a gap is cheaper than to move"
    assert list(batches(in_proportion).near([4], [0, 3, 9])) == [0, 3, 9], "it makes no difference where"


def scattered(engine: Engine, count: int, length: int = 60) -> list[list[int]]:
    """Conversations, one a slot, that have had a turn."""
    talks = [[100 + number] * length for number in range(count)]
    asked = [ask(engine, talk, user=str(number)) for number, talk in enumerate(talks)]
    run(engine, *asked)
    return [list(sequence.tokens) for sequence in asked]


@pytest.fixture
def model() -> FakeModel:
    model = FakeModel(slots=8)
    model.own_streams = True
    model.offload_bytes = 10_000
    return model


@pytest.fixture
def costs(model: FakeModel) -> Costs:
    """Unknown until a test knows the rows."""
    return Costs.of_backend(model)


@pytest.fixture
def engine(model: FakeModel, costs: Costs) -> Engine:
    return Engine(model, "fake", prompt_lookup=False, costs=costs)


def test_the_engine_measures_while_nobody_waits(model: FakeModel) -> None:
    def takes(parts: list[Part]) -> Decoded:
        time.sleep(0.0005)
        return Decoded.DONE

    model.answers = takes
    costs = Costs.of_backend(model)
    engine = Engine(model, "fake", costs=costs)
    engine.start()
    deadline = time.monotonic() + 60
    while not engine.settled:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    rows = [sum(len(part.tokens) for part in batch) for batch in model.batches]
    assert sorted(set(rows)) == list(range(1, 17)), "guesses included"
    assert all(len(batch) == (1 if count > 8 else count) for batch, count in zip(model.batches, rows, strict=True))
    assert all(part.wants_logits for batch in model.batches for part in batch)
    assert not any(model.memory) and engine.metrics().steps == 0
    assert costs.rows.of(8) > 0.0004
    assert engine.close()


def test_a_question_breaks_measuring_off_and_is_answered(model: FakeModel) -> None:
    started = []

    def slow(parts: list[Part]) -> Decoded:
        started.append(len(parts))
        deadline = time.monotonic() + 60
        while not model.aborting and len(started) == 1 and time.monotonic() < deadline:
            time.sleep(0.001)
        return Decoded.ABORTED if model.aborting else Decoded.DONE

    model.answers = slow
    engine = Engine(model, "fake")
    engine.start()
    while not started:
        time.sleep(0.001)
    assert collect(ask(engine, [5]))[0] == bytes(range(6, 11)).decode()
    while not engine.settled:
        time.sleep(0.005)
    assert not any(map(len, model.memory[1:])), "what was computed along is forgotten"
    assert engine.close()


def test_on_a_gpu_nothing_is_measured_and_gaps_are_padded_after_the_first_step(model: FakeModel) -> None:
    model.on_gpu = True
    costs = Costs.of_backend(model)
    engine = Engine(model, "fake", prompt_lookup=False, costs=costs)
    assert engine.settled and not costs.rows.known
    talks = scattered(engine, 8)
    assert costs.rows.known
    assert costs.rows.of(16) == pytest.approx(costs.rows.of(1) * (1 + 16 * GPU_ROW) / (1 + GPU_ROW))
    asked = [ask(engine, talks[number], user=str(number)) for number in (0, 3)]
    run(engine, *asked)
    expected = [bytes(range(talks[number][-1] + 1, talks[number][-1] + 6)).decode() for number in (0, 3)]
    assert [collect(sequence)[0] for sequence in asked] == expected
    # By the costs of the real steps, a gap is padded or a conversation moves beside the other one.
    assert engine.metrics().padding_tokens + engine.metrics().copied_tokens > 0


def test_a_model_that_cannot_compute_padding_is_left_alone(model: FakeModel, engine: Engine) -> None:
    model.answers = lambda parts: Decoded.FAILED
    engine.measure()
    assert engine.settled and not any(model.memory)
    model.answers = lambda parts: Decoded.DONE
    sequence = ask(engine, [5])
    run(engine, sequence)
    assert collect(sequence)[0] == bytes(range(6, 11)).decode()


def test_answers_are_filled_between_and_stay_the_same(model: FakeModel, engine: Engine, costs: Costs) -> None:
    talks = scattered(engine, 8)
    know(costs.rows, lambda rows: 1.0 + (0.2 * rows if rows < 7 else 0.0))
    expected = [bytes(range(talk[-1] + 1, talk[-1] + 6)).decode() for talk in talks]
    for chosen in ([0, 6], [1, 7], [0, 3, 6]):
        model.batches.clear()
        asked = [ask(engine, talks[number], user=str(number)) for number in chosen]
        run(engine, *asked)
        assert [collect(sequence)[0] for sequence in asked] == [expected[number] for number in chosen]
        held = [len(tokens) for tokens in engine.held()]
        assert [len(tokens) for tokens in model.memory] == held, "nothing of a padding is left"


def test_a_conversation_moves_beside_those_that_run_and_loses_nothing(model: FakeModel, engine: Engine, costs: Costs) -> None:
    talks = scattered(engine, 8)
    know(costs.rows, steep)
    first = ask(engine, talks[1], user="1", tokens=20)
    engine.step()
    second = ask(engine, talks[6], user="6")
    engine.step()
    assert (first.slot, second.slot in (0, 2)) == (1, True)
    assert second.cached == len(talks[6]) - 1
    moved_to, taken = second.slot, talks[second.slot or 0]
    run(engine, first, second)
    back = ask(engine, [*taken, 9])
    run(engine, back)
    assert back.cached >= len(taken) - 1, "whoever made room was offloaded"
    again = ask(engine, [*second.tokens, 9], user="6")
    engine.step()
    assert (again.slot, again.cached) == (moved_to, len(second.tokens) - 1), "it stays where it is"


def test_what_a_conversation_left_behind_is_overwritten_first(model: FakeModel, engine: Engine, costs: Costs) -> None:
    talks = scattered(engine, 8)
    know(costs.rows, steep)
    running = ask(engine, talks[0], user="0", tokens=100)
    engine.step()
    moved = ask(engine, talks[7], user="7", tokens=100)
    engine.step()
    assert moved.slot == 1
    offloaded = engine.metrics().offloaded
    run(engine, running, moved)
    new = ask(engine, [99] * 40)
    run(engine, new)
    assert engine.metrics().offloaded == offloaded, "it is held elsewhere"
    assert model.memory[7][:40] == [99] * 40


def test_random_questions_leave_the_slots_holding_what_is_noted(model: FakeModel, engine: Engine, costs: Costs) -> None:
    scattered(engine, 8)
    know(costs.rows, lambda rows: 1.0 + 0.1 * rows)
    rng = random.Random(3)
    asked: list = []
    for number in range(400):
        talk = [100 + rng.randrange(20)] * rng.randrange(40, 120)
        asked.append(ask(engine, talk, user=str(number % 5), tokens=rng.randrange(1, 20)))
        if rng.random() < 0.2:
            engine.cancel(rng.choice(asked))
        for _ in range(rng.randrange(4)):
            engine.step()
    run(engine, *asked)
    assert model.memory == engine.held()
    metrics = engine.metrics()
    assert (metrics.failures, metrics.busy, model.samplers) == (0, 0, 0)
    assert min(metrics.padding_tokens, metrics.copied_tokens, metrics.restored_tokens) > 0


@pytest.fixture(params=["glm4", "glm4moe", "deepseek2"])
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LlamaBackend]:
    path = make_gguf(tmp_path / "a.gguf", request.param, context=256, sharpness=30.0)
    backend = LlamaBackend(path, load_options(path, context=256, slots=8, offload_bytes=10_000_000))
    yield backend
    backend.close()


def answers(engine: Engine, prompts: Sequence[list[int]], tokens: int = 12) -> list[str]:
    """Asked at once."""
    asked = [engine.submit(prompt, SamplingParams(temperature=0), tokens, str(number)) for number, prompt in enumerate(prompts)]
    run(engine, *asked)
    return [collect(sequence)[0] for sequence in asked]


def test_real_answers_do_not_change_when_conversations_move_and_gaps_are_filled(real: LlamaBackend) -> None:
    rng = random.Random(2)
    talks = [[rng.randrange(65, 123) for _ in range(70)] for _ in range(8)]
    plain = Engine(real, "plain", prompt_lookup=False)
    expected = [answers(plain, [talk])[0] for talk in talks]
    for slot in range(real.slots):
        real.cut(slot, 0)
    costs = Costs.of_backend(real)
    engine = Engine(real, "arranged", prompt_lookup=False, costs=costs)
    answers(engine, talks, 1)
    know(costs.rows, lambda rows: 1.0 + 0.1 * rows)
    for chosen in ([0, 3], [7, 1, 4], [2, 6], [5, 0, 7, 3]):
        assert answers(engine, [talks[number] for number in chosen]) == [expected[number] for number in chosen]
    metrics = engine.metrics()
    assert metrics.copied_tokens + metrics.restored_tokens > 0
    assert metrics.cached_tokens >= 0.9 * 69 * 11, "all but each prompt's last token"
    held = [real.held(slot) for slot in range(real.slots)]
    assert held == [len(tokens) for tokens in engine.held()]


def test_real_answers_do_not_change_when_prompts_are_read_between_them(real: LlamaBackend) -> None:
    rng = random.Random(4)
    talks = [[rng.randrange(65, 123) for _ in range(70)] for _ in range(8)]
    plain = Engine(real, "plain", prompt_lookup=False)
    expected = [answers(plain, [talk], 30)[0] for talk in talks]
    for slot in range(real.slots):
        real.cut(slot, 0)
    costs = Costs.of_backend(real)
    engine = Engine(real, "arranged", prompt_lookup=False, costs=costs)
    answers(engine, talks, 1)
    know(costs.rows, lambda rows: 1.0 + 0.01 * rows)
    for first, later in (([0, 4], [2]), ([7, 5], [6, 3]), ([1, 6], [4, 2])):
        new = [[*talks[number][:35], *reversed(talks[number])] for number in later]
        asked = [engine.submit(talks[number], SamplingParams(temperature=0), 30, str(number)) for number in first]
        engine.step()
        engine.step()
        reading = [engine.submit(prompt, SamplingParams(temperature=0), 3, "later") for prompt in new]
        run(engine, *asked, *reading)
        assert [collect(sequence)[0] for sequence in asked] == [expected[number] for number in first]
    assert engine.metrics().failures == 0


def test_a_real_model_is_measured(real: LlamaBackend) -> None:
    costs = Costs.of_backend(real)
    engine = Engine(real, "measured", costs=costs)
    while not engine.settled:
        engine.measure()
    assert costs.rows.known
    assert all(real.held(slot) == 0 for slot in range(real.slots))


def test_a_measurement_that_is_aborted_is_no_error_in_the_log(
    real: LlamaBackend, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(real, "aborted")
    real.abort(True)
    with monkeypatch.context() as aborted:
        aborted.setattr(real, "abort", lambda now: None)
        engine.measure()
    real.abort(False)
    assert not engine.settled, "it is tried again"
    assert not [entry for entry in caplog.records if entry.levelname == "ERROR"]
