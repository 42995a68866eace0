"""The queue and its batches, with a model of ten lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from core.errors import Busy, ModelFailed, Unavailable
from core.inference.vectors import Cancelled
from models.embedding.embedding_engine import EmbeddingEngine, Job
from models.embedding.llama_embedder import Rows, Tokens


class FakeModel:
    """A text's row is its first token and its length. Token 666 fails, 777 crashes, 888 gives no number; `gate` holds each batch."""

    slots, context, batch_tokens = 4, 100, 100

    def __init__(self) -> None:
        self.batches: list[list[list[int]]] = []
        self.gate = threading.Semaphore(1_000_000)
        self.aborted = threading.Event()
        self.closed = False

    def compute(self, texts: Sequence[Tokens]) -> Rows | None:
        self.batches.append([list(text) for text in texts])
        while not self.gate.acquire(timeout=0.005):
            if self.aborted.is_set():
                return None
        if any(666 in text for text in texts):
            raise ModelFailed("It hurts.")
        if any(777 in text for text in texts):
            raise RuntimeError
        return np.array([[np.nan if 888 in text else text[0], len(text)] for text in texts], np.float32)

    def abort(self, now: bool) -> None:
        (self.aborted.set if now else self.aborted.clear)()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def model() -> FakeModel:
    return FakeModel()


@pytest.fixture
def engine(model: FakeModel) -> Iterator[EmbeddingEngine]:
    engine = EmbeddingEngine(model, "fake", 20, queue_limit=200)
    yield engine
    assert engine.close(2)
    assert model.closed


def numbers(job: Job) -> list[list[float]]:
    return [list(row) for row in job.wait().rows]


def until(condition: object, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_rows_come_in_the_order_of_the_texts(engine: EmbeddingEngine) -> None:
    texts = [[number] * (1 + number % 7) for number in range(50)]
    job = engine.submit(texts)
    engine.start()
    assert numbers(job) == [[text[0], len(text)] for text in texts]
    assert job.wait().usage.prompt_tokens == sum(map(len, texts))


def test_a_batch_holds_at_most_its_slots_and_its_tokens(engine: EmbeddingEngine, model: FakeModel) -> None:
    job = engine.submit([[1] * 8] * 6 + [[2]] * 9)
    engine.start()
    job.wait()
    assert max(map(len, model.batches)) == 4
    assert all(sum(map(len, batch)) <= 20 for batch in model.batches)
    assert len(model.batches) < 8


def test_a_text_longer_than_a_batch_is_read_alone(engine: EmbeddingEngine, model: FakeModel) -> None:
    job = engine.submit([[1], [2] * 90, [3]])
    engine.start()
    assert numbers(job) == [[1, 1], [2, 90], [3, 1]]
    assert [2] * 90 in [batch[0] for batch in model.batches if len(batch) == 1]


def test_a_short_request_does_not_wait_for_the_end_of_a_long_one(engine: EmbeddingEngine, model: FakeModel) -> None:
    long, short = engine.submit([[1] * 5] * 30), engine.submit([[2]])
    engine.start()
    short.wait()
    long.wait()
    assert [2] in model.batches[0]


def test_a_long_text_is_not_passed_over_for_ever(engine: EmbeddingEngine, model: FakeModel) -> None:
    many, more, long = engine.submit([[1] * 5] * 15), engine.submit([[2] * 5] * 15), engine.submit([[3] * 30])
    engine.start()
    for job in (many, more, long):
        job.wait()
    assert [3] * 30 in [text for batch in model.batches[:3] for text in batch]


def test_what_fails_together_is_tried_alone_and_only_its_cause_is_lost(engine: EmbeddingEngine) -> None:
    good, bad, nan = engine.submit([[1], [2]]), engine.submit([[666], [5]]), engine.submit([[888]])
    engine.start()
    assert numbers(good) == [[1, 1], [2, 1]]
    with pytest.raises(ModelFailed, match="It hurts"):
        bad.wait()
    with pytest.raises(ModelFailed, match="contains NaN"):
        nan.wait()
    until(lambda: engine.idle)
    assert engine.metrics().failures == 2


def test_a_crash_of_a_batch_ends_its_requests_and_not_the_engine(engine: EmbeddingEngine) -> None:
    bad = engine.submit([[777]])
    engine.start()
    with pytest.raises(ModelFailed, match="Try again"):
        bad.wait()
    assert numbers(engine.submit([[3]])) == [[3, 1]]


def test_a_full_queue_says_when_to_come_back(engine: EmbeddingEngine) -> None:
    engine.submit([[1] * 100])
    engine.submit([[1] * 90])
    with pytest.raises(Busy, match="190 tokens are ahead") as caught:
        engine.submit([[1] * 20])
    assert caught.value.retry_after >= 1
    engine.submit([[1] * 10])


def test_one_request_larger_than_the_queue_is_taken_when_nothing_waits(engine: EmbeddingEngine) -> None:
    job = engine.submit([[1] * 50] * 20)
    engine.start()
    assert len(numbers(job)) == 20
    assert engine.submit([[2]]).wait()


def test_cancelling_leaves_the_queue_and_breaks_off_a_batch_that_nobody_wants(engine: EmbeddingEngine, model: FakeModel) -> None:
    model.gate = threading.Semaphore(0)
    engine.start()
    running, waiting, wanted = engine.submit([[1] * 20]), engine.submit([[2] * 50] * 2), None
    until(lambda: model.batches)
    engine.cancel(waiting)
    wanted = engine.submit([[3]])
    begin = time.monotonic()
    engine.cancel(running)
    for job in (running, waiting):
        with pytest.raises(Cancelled):
            job.wait()
    until(lambda: len(model.batches) == 2)
    assert time.monotonic() - begin < 20
    model.gate.release(10)
    assert numbers(wanted) == [[3, 1]]
    assert model.batches == [[[1] * 20], [[3]]]
    until(lambda: engine.idle)
    assert engine.waiting_tokens == 0


def test_cancelling_one_of_a_batch_keeps_the_others(engine: EmbeddingEngine, model: FakeModel) -> None:
    model.gate = threading.Semaphore(0)
    one, other = engine.submit([[1]]), engine.submit([[2]])
    engine.start()
    until(lambda: model.batches)
    engine.cancel(one)
    model.gate.release()
    assert numbers(other) == [[2, 1]]
    engine.cancel(other)


def test_closing_tells_those_who_wait_and_those_who_run(model: FakeModel) -> None:
    model.gate = threading.Semaphore(0)
    engine = EmbeddingEngine(model, "fake", 20)
    running, waiting = engine.submit([[1] * 20]), engine.submit([[2] * 20])
    engine.start()
    until(lambda: model.batches)
    assert engine.close(2)
    for job in (running, waiting):
        with pytest.raises(Unavailable, match="fake was unloaded before"):
            job.wait()
    with pytest.raises(Unavailable):
        engine.submit([[1]])
    assert model.closed


def test_ten_thousand_requests_and_cancels_leave_nothing_behind(model: FakeModel) -> None:
    rng = np.random.default_rng(1)
    engine = EmbeddingEngine(model, "fake", 20, queue_limit=10**9)
    engine.start()
    jobs = []
    for number in range(10_000):
        jobs.append(engine.submit([[number % 500] * int(length) for length in rng.integers(1, 9, int(rng.integers(1, 4)))]))
        if number % 3 == 0:
            engine.cancel(jobs[int(rng.integers(len(jobs)))])
    for job in jobs:
        try:
            assert len(job.wait().rows) == len(job.texts)
        except Cancelled:
            assert job.cancelled
    until(lambda: engine.idle)
    assert (engine.waiting_tokens, engine.metrics().waiting, engine.metrics().busy) == (0, 0, 0)
    assert engine.close(2)
