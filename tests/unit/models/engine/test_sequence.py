from __future__ import annotations

import random
import time

import pytest

from core.inference.records import FinishReason
from core.inference.requests import Finished
from models.engine.engine import Engine
from tests.unit.models.engine.fake_model import FakeModel, ask, collect, run


@pytest.fixture
def engine() -> Engine:
    return Engine(FakeModel(), "fake", queue_limit=8)


def test_a_stop_token_ends_the_answer_and_is_not_text(engine: Engine) -> None:
    sequence = ask(engine, [64], tokens=50, stop_tokens=(200, ord("E")))
    run(engine, sequence)
    text, last = collect(sequence)
    assert isinstance(last, Finished)
    assert (text, last.finish_reason, last.usage.completion_tokens) == ("ABCD", FinishReason.STOP, 5)


def test_a_stop_token_lets_go_of_what_was_held_back(engine: Engine) -> None:
    sequence = ask(engine, [64], tokens=50, stop=("CDx",), stop_tokens=(ord("E"),))
    run(engine, sequence)
    assert collect(sequence)[0] == "ABCD"


@pytest.mark.parametrize("seed", range(5))
def test_times_hold_for_any_number_of_tokens(engine: Engine, seed: int) -> None:
    rng = random.Random(seed)
    for tokens in (1, 2, 3, rng.randrange(4, 60)):
        sequence = ask(engine, [rng.randrange(1, 250) for _ in range(rng.randrange(1, 90))], tokens=tokens, temperature=1.0, seed=seed)
        run(engine, sequence)
        last = collect(sequence)[1]
        assert isinstance(last, Finished)
        timings = last.timings
        assert len(sequence.gaps) == tokens - 1
        assert (timings.inter_token_p50_s is None) == (tokens == 1)
        if timings.inter_token_p50_s is not None and timings.inter_token_p95_s is not None:
            assert min(sequence.gaps) <= timings.inter_token_p50_s <= timings.inter_token_p95_s <= max(sequence.gaps)
        assert timings.prefill_tokens + last.usage.cached_tokens == last.usage.prompt_tokens
        assert timings.prefill_s is not None and timings.ttft_s is not None
        assert 0 < timings.prefill_s <= timings.ttft_s - timings.queue_s
        assert timings.device_s is not None and 0 < timings.device_s <= timings.duration_s - timings.queue_s
        assert timings.steps >= 1
        assert timings.steps <= tokens + 90


def test_answers_in_one_batch_share_the_time_of_its_steps(engine: Engine) -> None:
    began = time.perf_counter()
    sequences = [ask(engine, [n, 2, 3, 4], tokens=8) for n in (1, 2, 3)]
    while not engine.idle:
        engine.step()
    took = time.perf_counter() - began
    assert 0 < sum(sequence.device_s for sequence in sequences) <= took
    assert all(sequence.device_s > 0 for sequence in sequences)
