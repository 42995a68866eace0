"""Ask random questions and cancel some, against a real model with everything on: nothing may be left over, no answer may change.

Uses draft tokens of prompt lookup and MTP, two LoRA adapters, shared and separate KV caches with too little room, offload to too little
memory and then to the disk, prefetch, priorities, several users.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from collections.abc import Sequence as Row
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import settings
from bench.engine_parts.stress.questions import CONTEXT, Question, make_model, questions, received
from bootstrap.models import loadable
from core.errors import Busy
from core.inference.requests import Finished
from models import machine
from models.engine.batching.row_costs import RowCosts
from models.engine.batching.step_time import StepTime
from models.engine.costs import Costs
from models.engine.engine import Engine
from models.engine.kv_cache.offload_files import OffloadFiles
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.options import BackendOptions
from models.engine.sequence import Sequence
from models.engine.speculative.draft_costs import DraftCosts

SLOTS, SHARED_CELLS = 6, 512
OFFLOAD_BYTES, DISK_BYTES = 200_000, 1_000_000


@dataclass(slots=True)
class Left:
    """The result of a run."""

    ends: Counter[str] = field(default_factory=Counter)
    different: list[tuple[str, str]] = field(default_factory=list)
    """(expected answer, given answer)"""
    memory_bytes: int = 0
    metrics: Any = None


class _OneSecond(StepTime):
    """Predicts a second for every step, so that draft tokens seem free."""

    def expected(self, sequences: int) -> float:
        return 1.0


@contextmanager
def everything(
    model: Path, adapters: Row[tuple[int, str, float]], folder: Path, *, shared: bool, threads: int
) -> Iterator[tuple[Engine, LlamaBackend, Path]]:
    """Yield the engine, its backend, and the folder into which the disk tier writes."""
    options = BackendOptions(
        context=CONTEXT,
        slots=SLOTS,
        threads=threads,
        offload_bytes=OFFLOAD_BYTES,
        mtp=True,
        shared_cells=SHARED_CELLS if shared else 0,
        adapters=adapters,
    )
    files = OffloadFiles(folder / "offloaded", DISK_BYTES)
    backend = LlamaBackend(model, loadable(settings.load().home, model, options))
    rows = RowCosts.of_backend(backend)
    steep(rows)
    costs = Costs(_OneSecond(backend.batch_tokens), rows, DraftCosts(rows, own_streams=backend.own_streams))
    engine = Engine(backend, "stress", queue_limit=64, costs=costs, files=files)
    engine.start()
    try:
        yield engine, backend, folder / "offloaded"
    finally:
        engine.close()
        files.close()


def steep(costs: RowCosts) -> None:
    """Set costs as if reading the weights took long, and a row too: then answers move together, and small gaps between them are filled."""
    while costs.missing is not None:
        costs.measured(0.01 + 0.003 * costs.missing)


def stress(folder: Path, count: int, threads: int, *, shared: bool, kinds: int = 42, seed: int = 0) -> Left:
    """Ask `count` questions. Raises AssertionError if they leave anything behind that they should not."""
    rng = random.Random(seed)
    model, adapters = make_model(folder)
    known = questions(model, adapters, kinds, threads)
    before = _open_files(), threading.active_count()
    left = Left()
    samplers: Counter[str] = Counter()
    with everything(model, adapters, folder, shared=shared, threads=threads) as (engine, backend, folder_of_files):
        _count_samplers(backend, samplers)
        asked: list[tuple[Question, Sequence]] = []
        more = 0
        for number in range(count):
            question = rng.choice(known)
            asked.append((question, _ask(engine, question, rng)))
            if rng.random() < 0.3:
                engine.cancel(rng.choice(asked[-30:])[1])
            if rng.random() < 0.05:
                time.sleep(rng.random() / 20)
            if rng.random() < 0.02:
                _rest(engine, left, asked)
                # Choose a conversation whose next question has already been prefilled when it arrives.
                first = rng.choice(range(1, kinds - 1, 3))
                _take(engine, left, [(known[first], _ask(engine, known[first], rng))])
                _wait_for(lambda: not engine.prefetching)
                asked.append((known[first + 1], _ask(engine, known[first + 1], rng)))
                more += 2
            if len(asked) > 200:
                _take(engine, left, asked[:100])
                del asked[:100]
            if number == count // 5:
                left.memory_bytes = -machine.resident_bytes()
        _rest(engine, left, asked)
        left.memory_bytes += machine.resident_bytes()
        left.metrics = engine.metrics()
        _check(engine, backend, folder_of_files)
        assert samplers["made"] == samplers["freed"], samplers
    assert sum(left.ends.values()) == count + more
    assert not list(folder_of_files.glob("*")), "files of conversations are left"
    _wait_for(lambda: (_open_files(), threading.active_count()) == before)
    return left


def _rest(engine: Engine, left: Left, asked: list[tuple[Question, Sequence]]) -> None:
    """Wait until all questions have ended."""
    _take(engine, left, asked)
    asked.clear()
    _wait_for(lambda: engine.idle and not engine.prefetching)


def _ask(engine: Engine, question: Question, rng: random.Random) -> Sequence:
    while True:
        try:
            user, batch = f"person {rng.randrange(5)}", rng.random() < 0.3
            return engine.submit(list(question.prompt), question.params, question.tokens, user, batch=batch, adapter=question.adapter)
        except Busy:
            time.sleep(0.005)


def _take(engine: Engine, left: Left, asked: Row[tuple[Question, Sequence]]) -> None:
    for question, sequence in asked:
        text, end = received(sequence)
        assert isinstance(end, Finished), end
        left.ends[end.finish_reason.value] += 1
        assert sequence.slot is None and sequence.sampler is None
        if not sequence.cancelled:
            if (text, len(sequence.logprobs)) != (question.answer, question.logprobs):
                left.different.append((question.answer, text))
            engine.prefetch(list(sequence.tokens), list(question.following))


def _check(engine: Engine, backend: LlamaBackend, folder_of_files: Path) -> None:
    metrics = engine.metrics()
    assert (metrics.busy, metrics.waiting, metrics.failures) == (0, 0, 0), metrics
    held = list(map(backend.held, range(SLOTS)))
    known = [len(tokens) for tokens in engine.held()]
    assert held == known, f"the slots hold {held} tokens, the engine knows of {known}"
    assert 0 < metrics.offloaded_bytes <= OFFLOAD_BYTES
    _wait_for(lambda: len(list(folder_of_files.glob("*/*.kv"))) == engine.metrics().disk_offloaded)
    assert engine.metrics().disk_offloaded_bytes <= DISK_BYTES
    assert engine.metrics().disk_failures == 0


def _count_samplers(backend: Any, counts: Counter[str]) -> None:
    make, free = backend.new_sampler, backend.free_sampler

    def made(*arguments: Any) -> Any:
        counts["made"] += 1
        return make(*arguments)

    def freed(sampler: Any) -> None:
        counts["freed"] += 1
        free(sampler)

    backend.new_sampler, backend.free_sampler = made, freed


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _wait_for(true: Any, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.005)
