"""When MTP drafts, and that it changes no answer, on the fake model, which drafts by counting."""

from __future__ import annotations

import pytest

from models.engine.engine import Engine
from models.engine.speculative.accept_rate import AcceptRate
from models.engine.speculative.mtp_drafter import MtpDrafter
from tests.unit.models.engine.fake_model import FakeModel, ask, collect, known_costs, run

COSTS = (1.0, 0.01)
"""Seconds of a step and of a draft token: those of a large model."""


def drafting(model: FakeModel, costs: tuple[float | None, float | None] = COSTS, rounds_s: dict[int, float] | None = None) -> Engine:
    """Return an engine that drafts with MTP alone and believes in these costs, whatever the fake takes."""
    model.can_draft = True
    step_s, row_s = costs
    known = known_costs(model, None if row_s is None else lambda rows: rows * row_s, step_s)
    return Engine(model, "fake", drafters=[MtpDrafter(model, known.drafts, rounds_s)], costs=known)


PROMPTS = ([5, 6, 7], [9] * 30, list(range(90, 40, -1)), [3])


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("chats", [1, 4])
def test_drafting_changes_no_answer(temperature: float, chats: int) -> None:
    expected, found = [], []
    model = FakeModel()
    for answers, engine in ((expected, Engine(FakeModel(), "plain")), (found, drafting(model))):
        for first in range(0, 4, chats):
            asked = [ask(engine, prompt, tokens=40, temperature=temperature, seed=3) for prompt in PROMPTS[first : first + chats]]
            run(engine, *asked)
            answers += [collect(sequence)[0] for sequence in asked]
    assert found == expected
    assert model.drafted


def test_right_drafts_save_steps_and_are_counted_apart() -> None:
    model = FakeModel()
    engine = drafting(model)
    sequence = ask(engine, [5, 6, 7], tokens=40)
    run(engine, sequence)
    metrics = engine.metrics()
    assert len(model.batches) < 12
    assert metrics.mtp_tokens == metrics.mtp_accepted == metrics.draft_tokens == metrics.accepted_tokens > 25
    assert model.memory[0] == sequence.tokens[: len(model.memory[0])]
    assert metrics.cells_used == len(model.memory[0])


def test_wrong_drafts_leave_nothing_and_are_soon_given_up() -> None:
    model = FakeModel()
    model.draft = lambda wanted: [[255] * count for _, _, count in wanted]  # type: ignore[method-assign]
    engine = drafting(model, (1.0, 0.2))
    sequence = ask(engine, [5, 6, 7], tokens=100)
    run(engine, sequence)
    metrics = engine.metrics()
    assert metrics.mtp_accepted == 0
    assert 0 < metrics.mtp_tokens < 15
    assert model.memory[0] == sequence.tokens[: len(model.memory[0])]


def test_an_answer_whose_trail_is_lost_goes_on_without() -> None:
    model = FakeModel()
    model.draft = lambda wanted: [[] for _ in wanted]  # type: ignore[method-assign]
    engine = drafting(model)
    sequence = ask(engine, [5, 6, 7], tokens=20)
    run(engine, sequence)
    assert len(collect(sequence)[0]) == 20
    assert engine.metrics().mtp_tokens == 0


@pytest.mark.parametrize("costs", [(None, 0.01), (1.0, None), (1.0, 0.9)])
def test_nothing_is_drafted_before_the_costs_are_known_nor_where_it_costs_more(costs: tuple[float | None, float | None]) -> None:
    model = FakeModel()
    engine = drafting(model, costs)
    run(engine, ask(engine, [5, 6, 7], tokens=20))
    assert model.drafted == []


def test_a_slow_layer_is_asked_once_and_then_left_alone() -> None:
    """Until it is tried again, after some hundred tokens."""
    model = FakeModel(context=400)
    engine = drafting(model, (0.01, 0.0001), dict.fromkeys(range(1, 5), 0.008))
    run(engine, *(ask(engine, [5, 6, number], user=str(number), tokens=60) for number in range(4)))
    assert model.drafted == []
    run(engine, ask(engine, [5, 6, 7], tokens=395))
    assert model.drafted


def test_in_a_crowd_a_draft_token_is_worth_less() -> None:
    far = {}
    for chats in (1, 2, 4):
        model = FakeModel()
        engine = drafting(model, (1.0, 0.15))
        run(engine, *(ask(engine, [5, 6, number], user=str(number), tokens=30) for number in range(chats)))
        far[chats] = max(part.draft_tokens for batch in model.batches for part in batch)
    assert far[1] > far[2] > far[4]


def test_drafts_stop_where_the_answer_or_the_context_ends_and_at_what_one_decode_can_check() -> None:
    model = FakeModel(context=64)
    engine = drafting(model)
    short, long = ask(engine, [5, 6, 7], tokens=12), ask(engine, [5] * 40, user="bob", tokens=60)
    run(engine, short, long, *(ask(engine, [number], user=str(number), tokens=40) for number in range(2)))
    assert (short.generated, len(long.tokens)) == (12, 64)
    assert 0 < max(sum(part.draft_tokens for part in batch) for batch in model.batches) <= model.max_draft_tokens


def test_no_draft_is_made_while_a_prompt_is_read() -> None:
    model = FakeModel(batch_tokens=16)
    engine = drafting(model)
    first = ask(engine, [5, 6, 7], tokens=100)
    for _ in range(8):
        engine.step()
    second = ask(engine, list(range(1, 60)), user="bob", tokens=5)
    run(engine, first, second)
    reading = [batch for batch in model.batches if any(len(part.tokens) - part.draft_tokens > 1 for part in batch)]
    assert len(reading) > 3 and not any(part.draft_tokens for batch in reading for part in batch)


def test_a_model_that_cannot_be_cut_back_does_not_draft() -> None:
    model = FakeModel()
    model.can_cut = False
    engine = drafting(model)
    run(engine, ask(engine, [5, 6, 7], tokens=20))
    assert model.drafted == []


def test_the_accept_rate_follows_experience_and_comes_back_slowly() -> None:
    rate = AcceptRate(0.7)
    for _ in range(10):
        rate.learn(4, 0)
    assert rate.value < 0.1
    for _ in range(100):
        rate.skipped()
    assert 0.2 < rate.value < 0.4
    for _ in range(10):
        rate.learn(4, 4)
    assert rate.value > 0.9
    rate.skipped()
    assert rate.value > 0.9
