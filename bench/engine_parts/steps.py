"""Measure how the time of the engine's steps divides into llama.cpp's decode, sampling, and Python. Only `timed_steps` measures times."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Row
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from bench.engine_parts.sides import EngineSide
from models.engine.backend import Decoded, Part
from models.engine.engine import Engine
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.native import lib


@dataclass(frozen=True, slots=True)
class Step:
    """Seconds of a step: since the end of the previous step, of llama_decode and llama_synchronize, of choosing the tokens."""

    whole: float
    decode: float
    sampling: float


def share_outside(steps: Row[Step]) -> float:
    """Return the share of the time outside llama.cpp's decode. A wait for the interpreter's lock at the end of a call counts as the call's.
    """
    return 1 - sum(step.decode for step in steps) / sum(step.whole for step in steps)


@contextlib.contextmanager
def timed_steps(side: EngineSide, chats: int) -> Iterator[list[Step]]:
    """Fill the list with the steps that decode one token for each of `chats` answers and follow another such step."""
    engine, backend = side.engine, side.backend
    assert isinstance(engine, Engine) and isinstance(backend, LlamaBackend)
    steps: list[Step] = []
    spent = {"decode": 0.0, "sampling": 0.0}
    full, ended = False, 0.0
    plain_step, plain_decode = engine.step, backend.decode

    def timed(what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            begin = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                spent[what] += time.perf_counter() - begin

        return call

    def decode(parts: Row[Part]) -> Decoded:
        nonlocal full
        full = len(parts) == chats and all(len(part.tokens) == 1 for part in parts)
        return plain_decode(parts)

    def step() -> None:
        nonlocal full, ended
        was_full, full, begin = full, False, ended
        spent.update(decode=0.0, sampling=0.0)
        plain_step()
        ended = time.perf_counter()
        if full and was_full:
            steps.append(Step(ended - begin, spent["decode"], spent["sampling"]))

    with contextlib.ExitStack() as patches:
        for name in ("llama_decode", "llama_synchronize"):
            patches.enter_context(patch.object(lib, name, timed("decode", getattr(lib, name))))
        patches.enter_context(patch.object(backend, "sample", timed("sampling", backend.sample)))
        patches.enter_context(patch.object(backend, "decode", decode))
        patches.enter_context(patch.object(engine, "step", step))
        yield steps
