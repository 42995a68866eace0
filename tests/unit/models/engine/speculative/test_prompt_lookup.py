from __future__ import annotations

from collections.abc import Callable

import pytest

from core.inference.requests import SamplingParams
from models.engine.backend import Part
from models.engine.batching.row_costs import RowCosts
from models.engine.engine import Engine
from models.engine.sequence import Sequence
from models.engine.speculative.draft_costs import GuessCosts
from models.engine.speculative.guesser import Guesser
from models.engine.speculative.prompt_lookup import Speculation
from tests.unit.models.engine.fake_model import FakeModel, ask, believe, collect, run


def next_of(guesser: Guesser, tokens: list[int], most: int) -> list[int]:
    guesser.follow(tokens)
    return guesser.guess(tokens, most)


def test_what_followed_the_same_tokens_is_guessed() -> None:
    tokens = [*range(1, 12), *range(1, 7)]
    assert next_of(Guesser(tokens), tokens, 4) == [7, 8, 9, 10]
    assert next_of(Guesser(tokens), tokens, 2) == [7, 8]
    assert next_of(Guesser([1, 2]), [1, 2], 16) == []


@pytest.mark.parametrize("tokens", [[1, 2, 3, 4, 5, 9, 2, 3], [*range(20), 3, 4, 5], [0, 1, 2, 7, 0, 1, 2]])
def test_an_end_without_precedent_gives_no_guess(tokens: list[int]) -> None:
    """Nor do a few tokens that meet by chance."""
    assert next_of(Guesser(tokens), tokens, 16) == []


def test_the_last_precedent_counts_the_answer_included() -> None:
    tokens = [*range(6), 50, 60, *range(6)]
    guesser = Guesser(tokens)
    tokens += [70, 80, *range(6)]
    assert next_of(guesser, tokens, 2) == [70, 80]


def test_where_one_token_differs_the_passage_goes_on() -> None:
    tokens = [*range(40), *range(6)]
    guesser = Guesser(tokens)
    assert next_of(guesser, tokens, 3) == [6, 7, 8]
    tokens += [6, 99]
    guesser.learn(3, 1)
    assert next_of(guesser, tokens, 3) == [8, 9, 10]


def test_a_passage_is_given_up_where_its_guesses_keep_failing() -> None:
    tokens = [*range(40), *range(6)]
    guesser = Guesser(tokens)
    for token in (91, 92):
        guessed = next_of(guesser, tokens, 3)
        assert guessed
        guesser.learn(len(guessed), 0)
        tokens.append(token)
    assert next_of(guesser, tokens, 3) == []


def test_wrong_guesses_make_the_next_less_likely_and_the_hope_comes_back() -> None:
    guesser = Guesser([*range(40), *range(6)])
    hope = guesser.right
    guesser.learn(4, 0)
    assert guesser.right < hope
    guesser.learn(16, 16)
    assert guesser.right > hope
    trust = guesser.right
    guesser.skipped()
    assert guesser.right == trust, "what was earned is not lost where there is nothing to guess"
    for _ in range(20):
        guesser.learn(4, 0)
    assert guesser.right < hope
    for _ in range(1_000):
        guesser.skipped()
    assert guesser.right == pytest.approx(hope)


def test_a_passage_that_an_answer_goes_along_is_trusted_more_though_nobody_guessed() -> None:
    passage = list(range(40))
    tokens = [*passage, *passage[:6]]
    guesser = Guesser(tokens)
    hope = guesser.right
    for token in (*passage[6:20], 99, *passage[21:30]):
        guesser.follow(tokens)
        guesser.skipped()
        tokens.append(token)
    assert guesser.right > 0.85 > hope
    assert next_of(guesser, tokens, 3) == passage[30:33], "past the token that differed"


def test_a_passage_that_tells_nothing_is_trusted_less_though_nobody_guessed() -> None:
    tokens = [*range(40), *range(6)]
    guesser = Guesser(tokens)
    hope = guesser.right
    for token in (91, 92):
        guesser.follow(tokens)
        tokens.append(token)
    assert next_of(guesser, tokens, 3) == [] and guesser.right < hope


def test_a_guess_that_was_checked_is_not_counted_again() -> None:
    tokens = [*range(40), *range(6)]
    once = Guesser(tokens)
    once.follow(tokens)
    once.learn(3, 3)
    known = once.right
    once.follow([*tokens, 6, 7, 8, 9])
    assert once.right == known


def paying(model: FakeModel) -> Engine:
    """An engine that takes guesses for free."""
    engine = Engine(model, "fake", speculate=True)
    believe(engine, lambda rows: 1e-9, plain_s=1.0)
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


def extended(row_s: Callable[[int], float], answers: int = 1, plain_s: float | None = None) -> int:
    """How many guesses are added to a step of so many answers that quote."""
    rows = RowCosts(answers + 16)
    while rows.missing is not None:
        rows.measured(row_s(rows.missing))
    speculation = Speculation(16, 1_000, GuessCosts(rows, own_streams=True))
    tokens = [*range(40), *range(6)]
    batch = []
    for slot in range(answers):
        sequence = Sequence(len(tokens), list(tokens), SamplingParams(), 100, "somebody")
        sequence.guesser = Guesser(sequence.tokens)
        batch.append((sequence, Part(slot, len(tokens) - 1, tokens[-1:], wants_logits=True)))
    speculation.extend(batch, plain_s or row_s(answers))
    assert all(len(part.tokens) == 1 + part.guessed for _, part in batch)
    return sum(part.guessed for _, part in batch)


def test_guesses_are_made_for_as_long_as_the_next_brings_more_than_it_costs() -> None:
    made = [extended(lambda rows, cost=cost: 1.0 + cost * rows) for cost in (9.0, 0.5, 0.1, 0.001)]  # type: ignore[misc]
    assert made[0] == 0
    assert made == sorted(made)
    assert made[-1] == 8, "less likely ones are not thought about"
    assert extended(lambda rows: rows, answers=8) == 0


def test_nothing_is_guessed_before_the_costs_are_known() -> None:
    batch = [(Sequence(46, [*range(40), *range(6)], SamplingParams(), 100, "somebody"), Part(0, 45, [5], wants_logits=True))]
    batch[0][0].guesser = Guesser(batch[0][0].tokens)
    for plain_s, rows in ((1.0, RowCosts(0)), (None, RowCosts(17))):
        while plain_s is None and rows.missing is not None:
            rows.measured(1e-9)
        Speculation(16, 1_000, GuessCosts(rows, own_streams=True)).extend(batch, plain_s)
        assert batch[0][1].guessed == 0


def test_of_a_very_long_prompt_the_last_part_is_looked_at() -> None:
    tokens = [*range(20_000), *range(19_000, 19_006)]
    assert next_of(Guesser(tokens), tokens, 2) == [19_006, 19_007]
    early = [*range(20_000), *range(6)]
    assert next_of(Guesser(early), early, 2) == []
