"""Answers with draft tokens equal those without, whatever else the platform does: on a real model with clear preferences."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from core.inference.requests import ChatMessage, Delta, Finished, GenerationRequest, SamplingParams
from core.models.load_settings import LoadSettings
from models.engine.batching.step_time import StepTime
from models.engine.speculative.draft_costs import DraftCosts
from models.engine.speculative.prompt_lookup import PromptLookup
from models.platforms.local_generation import REPEATED, RESUMED, LocalGeneration
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter
from models.serving.swapping.running_answer import RunningAnswer
from samples.gguf_maker import make_gguf
from tests.this_machine import EXTRA_BUFFERS
from tests.unit.models.serving.pool.test_pool import GUIDE, load

QUESTION = "Say this again: the quick brown fox jumps over the lazy dog, and the quick brown fox jumps over the lazy dog."
CLOSE_THOUGHTS = 264
UNPRINTABLE = tuple((token, -100.0) for token in chain(range(32), range(127, 263)))
"""Without them each token is a character, so that texts are the same only if the tokens are."""
Answer = tuple[str, str, Finished]
"""(reasoning, text, end)"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_gguf(tmp_path_factory.mktemp("models") / "sharp.gguf", context=2048)


@contextmanager
def loaded(model: Path, folder: Path, *, drafting: bool) -> Iterator[Pool]:
    """Yield a pool with the model, which remembers nothing. drafting: at every step, as if draft tokens cost nothing; else never."""
    pool = Pool(folder, GUIDE, settings_file=folder / "notes.json", extra_buffers=EXTRA_BUFFERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StepTime, "expected", lambda *_: 1.0)
        if not drafting:
            patch.setattr(PromptLookup, "propose", lambda *_: None)
        patch.setattr(DraftCosts, "known", True)
        patch.setattr(DraftCosts, "added", lambda *_: 0.0)
        patch.setattr(DraftCosts, "learn", lambda *_: None)
        load(pool, model, LoadSettings(context=2048, slots=4))
        yield pool
        pool.close()


def start(pool: Pool, *, thinking: bool = False, guard: bool = False, **asked: Any) -> LocalGeneration:
    params = SamplingParams(**{"logit_bias": UNPRINTABLE, "max_tokens": 200, **asked})
    request = GenerationRequest((ChatMessage("user", QUESTION),), "ann", None, params, thinking, guard=guard)
    held = PoolRouter(pool).start(request)
    assert isinstance(held, RunningAnswer) and isinstance(held.inner, LocalGeneration)
    return held.inner


def read(running: LocalGeneration) -> Answer:
    events = list(running.events())
    deltas = [event for event in events if isinstance(event, Delta)]
    assert isinstance(events[-1], Finished)
    return "".join(delta.reasoning for delta in deltas), "".join(delta.text for delta in deltas), events[-1]


@pytest.mark.parametrize("temperature", [1.0, 1.3])
def test_several_answers_from_one_seed(tmp_path: Path, temperature: float) -> None:
    """As REST starts them for n: each with the seed after the one before.

    Which of them share a batch is a matter of time, and llama.cpp adds up in another order for batches of another shape: the model is one
    whose next token depends on the last one only, where that is too little to matter.
    """
    model = make_gguf(tmp_path / "forgetful.gguf", context=2048, forgetful=True)
    found: list[list[Answer]] = []
    for drafting in (False, True):
        with loaded(model, tmp_path, drafting=drafting) as pool, ThreadPoolExecutor(4) as threads:
            running = [start(pool, seed=7 + number, temperature=temperature) for number in range(4)]
            found.append(list(threads.map(read, running)))
    plain, drafted = ([answer[:2] for answer in answers] for answers in found)
    assert drafted == plain
    assert len(set(plain)) == 4
    assert not any(end.timings.draft_tokens for *_, end in found[0])
    assert all(end.timings.accepted_tokens for *_, end in found[1])


@pytest.mark.parametrize(
    ("asked", "liked"), [({"temperature": 0.0}, 4.0), ({"temperature": 0.6, "seed": 3}, 5.0)], ids=["greedy", "seeded"]
)
def test_an_answer_that_is_resumed_where_it_began_to_repeat_itself(
    model: Path, tmp_path: Path, asked: dict[str, Any], liked: float
) -> None:
    """How many of the repeated tokens are shown, and how many came before it was noticed, is a matter of time: tokens are compared."""
    found = []
    for drafting in (False, True):
        with loaded(model, tmp_path, drafting=drafting) as pool:
            running = start(pool, guard=True, max_tokens=1800, logit_bias=(*UNPRINTABLE, (ord("O"), liked)), **asked)
            end = read(running)[2]
        assert end.timings.retries == 1 and end.note in (RESUMED, REPEATED)
        assert (end.timings.accepted_tokens > 0) == drafting
        second = running.sequence
        found.append((second.tokens[: second.prompt_length], second.tokens[second.prompt_length :]))
    (plain_begin, plain), (drafted_begin, drafted) = found
    assert drafted_begin == plain_begin
    compared = min(len(plain), len(drafted))
    assert compared > 200 and len(set(plain[:compared])) > 3
    assert drafted[:compared] == plain[:compared]


@pytest.mark.parametrize("temperature", [0.0, 0.8])
@pytest.mark.parametrize("eager", [-100.0, 8.0], ids=["closed for it", "closed by itself"])
def test_thoughts_with_a_budget(model: Path, tmp_path: Path, temperature: float, eager: float) -> None:
    bias = (*UNPRINTABLE, (CLOSE_THOUGHTS, eager))
    found = []
    for drafting in (False, True):
        with loaded(model, tmp_path, drafting=drafting) as pool:
            asked: dict[str, Any] = {"thinking_budget": 60, "logit_bias": bias, "temperature": temperature, "seed": 2}
            found.append(read(start(pool, thinking=True, **asked)))
        assert (found[-1][2].timings.accepted_tokens > 0) == drafting
    plain, drafted = found
    assert drafted[:2] == plain[:2]
    assert plain[0] and plain[1]
    assert (len(plain[0]) == 60) == (eager < 0)
    assert drafted[2].usage == plain[2].usage
