"""Random questions and cancels against a real model: nothing may be left behind."""

from __future__ import annotations

import queue
import random
import time
from pathlib import Path

from bench._chats import engine
from core.errors import Busy, PortalError
from core.generation import Finished, SamplingParams
from models import machine
from models.engine.native import lib
from models.engine.sequence import Sequence
from tests.gguf_maker import make_gguf

SLOTS, CONTEXT = 8, 256


def stress(folder: Path, questions: int, threads: int, seed: int = 0) -> str:
    """What was left after `questions`, in words. Raises AssertionError if a slot, a sampler or an answer was."""
    rng = random.Random(seed)
    model = make_gguf(folder / "small.gguf", context=CONTEXT)
    with engine(model, slots=SLOTS, context=CONTEXT, threads=threads) as side:
        asked: list[Sequence] = []
        early = unfinished = 0
        for number in range(questions):
            begin = [number % 5] * rng.randrange(40)
            prompt = begin + [rng.randrange(97, 123) for _ in range(rng.randrange(1, 60))]
            params = SamplingParams(temperature=rng.choice((0.0, 1.0)), top_k=40, seed=number)
            while True:
                try:
                    asked.append(side.engine.submit(prompt, params, rng.randrange(1, 24), f"person {rng.randrange(12)}"))
                    break
                except Busy:
                    time.sleep(0.01)
            if rng.random() < 0.5:
                side.engine.cancel(rng.choice(asked[-50:]))
            if len(asked) > 600:
                unfinished += sum(not _finished(sequence) for sequence in asked[:300])
                del asked[:300]
            if number == questions // 5:
                early = machine.resident_bytes()
        unfinished += sum(not _finished(sequence) for sequence in asked)
        while not side.engine.idle:
            time.sleep(0.01)
        memory = machine.resident_bytes()
        metrics = side.engine.metrics()
        assert (metrics.busy, metrics.waiting, unfinished) == (0, 0, 0), (metrics, unfinished)
        cells = sum(lib.llama_memory_seq_pos_max(side.backend._memory, slot) + 1 for slot in range(SLOTS)) - metrics.cells_used
        assert cells == 0, f"{cells} cells that nobody knows of"
    return f"0 slots, {cells} cells leaked; memory {(memory - early) / 1e6:+.1f} MB over the last four fifths"


def _finished(sequence: Sequence) -> bool:
    """Wait for its end; False if it failed, or does not end within 30 s."""
    event: object = None
    while not isinstance(event, Finished | PortalError):
        try:
            event = sequence.events.get(timeout=30)
        except queue.Empty:
            return False
    return isinstance(event, Finished)
