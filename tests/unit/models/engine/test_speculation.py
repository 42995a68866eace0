from __future__ import annotations

import random

import pytest

from models.engine.engine import Engine
from models.engine.speculation import Guesser
from tests.unit.models.engine.fake_model import FakeModel, ask, collect, run


def test_what_followed_the_same_tokens_is_guessed() -> None:
    tokens = [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3]
    assert Guesser(tokens).guess(tokens, 16) == [4, 5, 6, 7]
    assert Guesser(tokens).guess(tokens, 2) == [4, 5]
    assert Guesser([1, 2]).guess([1, 2], 16) == []


def test_an_end_without_precedent_gives_no_guess() -> None:
    tokens = [1, 2, 3, 4, 5, 9, 2, 3]
    assert Guesser(tokens).guess(tokens, 16) == []


def test_the_last_precedent_counts_the_answer_included() -> None:
    tokens = [1, 2, 3, 50, 60, 1, 2, 3]
    guesser = Guesser(tokens)
    tokens += [70, 80, 1, 2, 3]
    assert guesser.guess(tokens, 2) == [70, 80]


def test_guesses_grow_while_they_come_true_and_shrink_when_not() -> None:
    tokens = [*range(40), 0, 1, 2]
    guesser = Guesser(tokens)
    lengths = []
    for right in (4, 8, 16, 1):
        guessed = guesser.guess(tokens, 99)
        lengths.append(len(guessed))
        guesser.learn(len(guessed), right)
    assert [*lengths, len(guesser.guess(tokens, 99))] == [4, 8, 16, 16, 2]
    assert guesser.right < 0.9


def paying(model: FakeModel) -> Engine:
    """An engine that takes guesses for free."""
    engine = Engine(model, "fake", speculate=True)
    for answers in range(1, model.slots + 1):
        engine._speculation.learn(answers, 0, 0, 1.0, None)
        engine._speculation.learn(answers, 1, 0, 1.0, None)
        engine._speculation.learn(answers, 0, 0, 1.0, None)
    return engine


PROMPTS = ([*range(5, 60), 5, 6, 7], [1, 2, 3, 9, 9, 1, 2, 3], [4] * 30, list(range(90, 40, -1)))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("chats", [1, 4])
def test_guessing_changes_no_answer(temperature: float, chats: int) -> None:
    expected, found = [], []
    for answers, engine in ((expected, Engine(FakeModel(), "plain", speculate=False)), (found, paying(FakeModel()))):
        for first in range(0, 4, chats):
            asked = [ask(engine, prompt, tokens=40, temperature=temperature, seed=3) for prompt in PROMPTS[first : first + chats]]
            run(engine, *asked)
            answers += [collect(sequence)[0] for sequence in asked]
    assert found == expected


def test_right_guesses_save_steps_and_wrong_ones_leave_nothing() -> None:
    model = FakeModel()
    engine = paying(model)
    sequence = ask(engine, PROMPTS[0], tokens=40)
    run(engine, sequence)
    assert len(model.batches) < 20
    assert engine.metrics().guessed_right > 20
    assert model.memory[0] == sequence.tokens[: len(model.memory[0])]
    assert engine.metrics().cells_used == len(model.memory[0])


def test_guesses_never_exceed_what_one_decode_can_check() -> None:
    model = FakeModel(slots=4, context=200)
    engine = paying(model)
    asked = [ask(engine, PROMPTS[0], user=str(number), tokens=100) for number in range(4)]
    run(engine, *asked)
    most = max(sum(part.guessed for part in batch) for batch in model.batches)
    assert 0 < most <= model.most_guesses


def test_an_answer_ends_within_its_guesses_where_it_would_have_ended() -> None:
    for stop, text in (((), "<=>?@ABCDEFGHIJKLMNO"), (("DE",), "<=>?@ABC")):
        engine = paying(FakeModel())
        sequence = ask(engine, [*range(57, 90), 57, 58, 59], tokens=20, stop=stop)
        run(engine, sequence)
        assert collect(sequence)[0] == text


def test_guesses_that_cost_as_much_as_a_step_are_not_made() -> None:
    rng = random.Random(1)
    engine = Engine(FakeModel(), "fake", speculate=True)
    speculation = engine._speculation
    speculation.learn(1, 0, 0, 1.0, 0.9)
    sequence = ask(engine, [rng.randrange(3) for _ in range(60)], tokens=40)
    sequence.slot, sequence.done = 0, 59
    part = engine._scheduler._part(sequence, 1)
    speculation.extend([(sequence, part)], 0.9)
    assert part.guessed == 0
    speculation.extend([(sequence, part)], 0.1)
    assert part.guessed > 0


def test_of_a_very_long_prompt_the_last_part_is_looked_at() -> None:
    tokens = [*range(20_000), 19_000, 19_001, 19_002]
    assert Guesser(tokens).guess(tokens, 2) == [19_003, 19_004]
    assert Guesser([*tokens[:-3], 0, 1, 2]).guess([*tokens[:-3], 0, 1, 2], 2) == []
