from __future__ import annotations

from collections.abc import Callable

import pytest

from core.inference.requests import SamplingParams
from models.engine.backend import Part
from models.engine.batching.batch import Batch
from models.engine.batching.row_costs import RowCosts
from models.engine.engine import Engine
from models.engine.sequence import Sequence
from models.engine.speculative.draft_costs import DraftCosts
from models.engine.speculative.passage import Passage
from models.engine.speculative.prompt_lookup import PromptLookup
from tests.unit.models.engine.fake_model import FakeModel, FixedStepTime, ask, collect, know, known_costs, run


def next_of(passage: Passage, tokens: list[int], most: int) -> list[int]:
    passage.follow(tokens)
    return passage.draft(tokens, most)


def test_what_followed_the_same_tokens_is_drafted() -> None:
    tokens = [*range(1, 12), *range(1, 7)]
    assert next_of(Passage(tokens), tokens, 4) == [7, 8, 9, 10]
    assert next_of(Passage(tokens), tokens, 2) == [7, 8]
    assert next_of(Passage([1, 2]), [1, 2], 16) == []


@pytest.mark.parametrize("tokens", [[1, 2, 3, 4, 5, 9, 2, 3], [*range(20), 3, 4, 5], [0, 1, 2, 7, 0, 1, 2]])
def test_an_end_without_precedent_gives_no_draft(tokens: list[int]) -> None:
    """Nor do a few tokens that meet by chance."""
    assert next_of(Passage(tokens), tokens, 16) == []


def test_the_last_precedent_counts_the_answer_included() -> None:
    tokens = [*range(6), 50, 60, *range(6)]
    passage = Passage(tokens)
    tokens += [70, 80, *range(6)]
    assert next_of(passage, tokens, 2) == [70, 80]


def test_where_one_token_differs_the_passage_goes_on() -> None:
    tokens = [*range(40), *range(6)]
    passage = Passage(tokens)
    assert next_of(passage, tokens, 3) == [6, 7, 8]
    tokens += [6, 99]
    passage.learn(3, 1)
    assert next_of(passage, tokens, 3) == [8, 9, 10]


def test_a_passage_is_given_up_where_its_drafts_keep_failing() -> None:
    tokens = [*range(40), *range(6)]
    passage = Passage(tokens)
    for token in (91, 92):
        drafted = next_of(passage, tokens, 3)
        assert drafted
        passage.learn(len(drafted), 0)
        tokens.append(token)
    assert next_of(passage, tokens, 3) == []


def test_wrong_drafts_make_the_next_less_likely_until_the_first_accept_rate_comes_back() -> None:
    passage = Passage([*range(40), *range(6)])
    prior = passage.accept_rate
    passage.learn(4, 0)
    assert passage.accept_rate < prior
    passage.learn(16, 16)
    assert passage.accept_rate > prior
    trust = passage.accept_rate
    passage.skipped()
    assert passage.accept_rate == trust, "what was earned is not lost where there is nothing to draft"
    for _ in range(20):
        passage.learn(4, 0)
    assert passage.accept_rate < prior
    for _ in range(1_000):
        passage.skipped()
    assert passage.accept_rate == pytest.approx(prior)


def test_a_passage_that_an_answer_goes_along_is_trusted_more_without_a_draft() -> None:
    text = list(range(40))
    tokens = [*text, *text[:6]]
    passage = Passage(tokens)
    prior = passage.accept_rate
    for token in (*text[6:20], 99, *text[21:30]):
        passage.follow(tokens)
        passage.skipped()
        tokens.append(token)
    assert passage.accept_rate > 0.85 > prior
    assert next_of(passage, tokens, 3) == text[30:33], "past the token that differed"


def test_a_passage_that_says_nothing_is_trusted_less_without_a_draft() -> None:
    tokens = [*range(40), *range(6)]
    passage = Passage(tokens)
    prior = passage.accept_rate
    for token in (91, 92):
        passage.follow(tokens)
        tokens.append(token)
    assert next_of(passage, tokens, 3) == [] and passage.accept_rate < prior


def test_a_draft_that_was_checked_is_not_counted_again() -> None:
    tokens = [*range(40), *range(6)]
    once = Passage(tokens)
    once.follow(tokens)
    once.learn(3, 3)
    known = once.accept_rate
    once.follow([*tokens, 6, 7, 8, 9])
    assert once.accept_rate == known


def paying(model: FakeModel) -> Engine:
    """Return an engine that takes draft tokens for free."""
    return Engine(model, "fake", costs=known_costs(model, lambda rows: 1e-9, 1.0))


PROMPTS = ([*range(5, 60), 5, 6, 7], [1, 2, 3, 9, 9, 1, 2, 3], [4] * 30, list(range(90, 40, -1)))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("chats", [1, 4])
def test_drafting_changes_no_answer(temperature: float, chats: int) -> None:
    expected, found = [], []
    for answers, engine in ((expected, Engine(FakeModel(), "plain", prompt_lookup=False)), (found, paying(FakeModel()))):
        for first in range(0, 4, chats):
            asked = [ask(engine, prompt, tokens=40, temperature=temperature, seed=3) for prompt in PROMPTS[first : first + chats]]
            run(engine, *asked)
            answers += [collect(sequence)[0] for sequence in asked]
    assert found == expected


def test_right_draft_tokens_save_steps_and_wrong_ones_leave_nothing() -> None:
    model = FakeModel()
    engine = paying(model)
    sequence = ask(engine, PROMPTS[0], tokens=40)
    run(engine, sequence)
    assert len(model.batches) < 20
    assert engine.metrics().accepted_tokens > 20
    assert model.memory[0] == sequence.tokens[: len(model.memory[0])]
    assert engine.metrics().cells_used == len(model.memory[0])


def test_draft_tokens_never_exceed_what_one_decode_can_check() -> None:
    model = FakeModel(slots=4, context=200)
    engine = paying(model)
    asked = [ask(engine, PROMPTS[0], user=str(number), tokens=100) for number in range(4)]
    run(engine, *asked)
    most = max(sum(part.draft_tokens for part in batch) for batch in model.batches)
    assert 0 < most <= model.max_draft_tokens


def test_an_answer_ends_within_its_draft_tokens_where_it_would_have_ended() -> None:
    for stop, text in (((), "<=>?@ABCDEFGHIJKLMNO"), (("DE",), "<=>?@ABC")):
        engine = paying(FakeModel())
        sequence = ask(engine, [*range(57, 90), 57, 58, 59], tokens=20, stop=stop)
        run(engine, sequence)
        assert collect(sequence)[0] == text


def quoting(slots: int, step_s: float | None) -> tuple[Batch, list[Sequence]]:
    """Return a step of so many sequences that quote, and what it takes without draft tokens."""
    tokens = [*range(40), *range(6)]
    sequences = [Sequence(len(tokens), list(tokens), SamplingParams(), 100, "somebody") for _ in range(slots)]
    parts = [Part(slot, len(tokens) - 1, tokens[-1:], wants_logits=True) for slot in range(slots)]
    return Batch(FixedStepTime(step_s), zip(sequences, parts, strict=True)), sequences


def proposed(row_s: Callable[[int], float], answers: int = 1) -> int:
    """Return how many draft tokens are proposed in a step of so many answers that quote."""
    rows = RowCosts(answers + 16)
    know(rows, row_s)
    batch, sequences = quoting(answers, row_s(answers))
    lookup = PromptLookup(16, 1_000, DraftCosts(rows, own_streams=True))
    for sequence in sequences:
        lookup.begin(sequence)
    lookup.propose(batch)
    assert all(len(part.tokens) == 1 + part.draft_tokens for part in batch.parts)
    return batch.draft_tokens


def test_draft_tokens_are_proposed_for_as_long_as_the_next_brings_more_than_it_costs() -> None:
    made = [proposed(lambda rows, cost=cost: 1.0 + cost * rows) for cost in (9.0, 0.5, 0.1, 0.001)]  # type: ignore[misc]
    assert made[0] == 0
    assert made == sorted(made)
    assert made[-1] == 8, "less likely ones are not thought about"
    assert proposed(lambda rows: rows, answers=8) == 0


@pytest.mark.parametrize(("step_s", "rows"), [(1.0, 0), (None, 17)], ids=["rows", "step"])
def test_nothing_is_drafted_before_the_costs_are_known(step_s: float | None, rows: int) -> None:
    costs = RowCosts(rows)
    know(costs, lambda count: 1e-9)
    batch, [sequence] = quoting(1, step_s)
    lookup = PromptLookup(16, 1_000, DraftCosts(costs, own_streams=True))
    lookup.begin(sequence)
    lookup.propose(batch)
    assert batch.draft_tokens == 0


def test_a_sequence_that_ended_is_forgotten() -> None:
    rows = RowCosts(17)
    know(rows, lambda count: 1e-9)
    batch, [sequence] = quoting(1, 1.0)
    lookup = PromptLookup(16, 1_000, DraftCosts(rows, own_streams=True))
    lookup.begin(sequence)
    lookup.end(sequence)
    lookup.propose(batch)
    assert batch.draft_tokens == 0


def test_of_a_very_long_prompt_the_last_part_is_looked_at() -> None:
    tokens = [*range(20_000), *range(19_000, 19_006)]
    assert next_of(Passage(tokens), tokens, 2) == [19_006, 19_007]
    early = [*range(20_000), *range(6)]
    assert next_of(Passage(early), early, 2) == []
