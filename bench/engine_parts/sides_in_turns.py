"""Hold what the engine's measures share: the machine they run on, prompts, and sides that take turns."""

from __future__ import annotations

import random
from collections.abc import Callable
from collections.abc import Sequence as Row
from dataclasses import dataclass
from pathlib import Path

from bench.engine_parts import synthetic
from bench.engine_parts.chats import Side
from bench.engine_parts.synthetic import FIRST_WORD, Shape, words


@dataclass(frozen=True, slots=True)
class Bench:
    folder: Path
    server: Path
    threads: int
    repeats: int
    chats: Row[int]

    def model(self, shape: Shape) -> Path:
        path = self.folder / f"{shape.name}.gguf"
        return path if path.exists() else synthetic.make(self.folder, shape)


def prompt(rng: random.Random, shape: Shape, length: int) -> list[int]:
    return [rng.randrange(FIRST_WORD, words(shape)) for _ in range(length)]


def in_turns(sides: Row[Side], repeats: int, measure: Callable[[Side, int], float]) -> dict[str, list[float]]:
    """Call `measure(side, repeat)` for every side, repeat after repeat; repeat -1 warms up and is not counted.

    A different side goes first each time: a side that always did would always find the same state of the machine.
    """
    found: dict[str, list[float]] = {side.name: [] for side in sides}
    for repeat in range(-1, repeats):
        for side in sides if repeat % 2 else tuple(reversed(sides)):
            value = measure(side, repeat)
            if repeat >= 0:
                found[side.name].append(value)
    return found
