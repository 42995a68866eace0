"""Measure the accuracy of the memory plan, before and after the first load of a file. `./portal bench plan [--only WORD ...]`

Each load happens in a separate process, as the first one after a start of the portal does. The first load of a file is planned from its
header, the second from the memory of the first. After each load the model answers a long question, because the system counts some memory
only once it is used.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.portal_parts.portal import ROOT, table
from bootstrap.models import GUIDE, extra_buffers
from core.inference.requests import ChatMessage, ChatRole, GenerationRequest, SamplingParams
from core.models.load_settings import LoadSettings
from core.models.records import ModelState
from models.machine import resident_bytes
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter
from samples.gguf_maker import SHAPES, make_gguf
from samples.small_model import small_model
from settings import load

LAYERS = 12
SIZES = ((1_024, 4), (8_192, 8))
"""Context and slots."""
GOAL, NOISY = 0.05, 50_000_000
"""The largest relative error, and the size in bytes below which a load is too small for it: Python's own memory varies by a megabyte or
two."""
LONG_TOKENS, LEFT_TOKENS = 2_000, 100
"""Tokens of the question, and tokens left for the template and the answer."""
LOAD_LIMIT_S = 300
_MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Load:
    """Bytes of one load. used: how much more memory the process holds after a long question than before the load."""

    predicted: int
    measured: int
    used: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="./portal bench plan")
    parser.add_argument("--only", nargs="*", default=(), help="words in the names of the models to load")
    parser.add_argument("--load", nargs=4, metavar=("FILE", "CONTEXT", "SLOTS", "NOTES"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.load:
        file, context, slots, settings_file = chosen.load
        print(json.dumps(_load(Path(file), LoadSettings(context=int(context), slots=int(slots)), Path(settings_file))))
        return
    rows, again = [], []
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        for name, path in _files(Path(folder), chosen.only):
            for context, slots in SIZES:
                settings_file = Path(folder) / f"{path.stem}-{context}" / "notes.json"
                settings_file.parent.mkdir()
                first, second = (_in_a_process(path, context, slots, settings_file) for _ in range(2))
                again.append(second)
                rows.append([f"{name}, {slots} x {context:,}", *_cells(first), *_cells(second)])
    head = ["MB", "predicted", "measured", "error", "held", "predicted again", "measured", "error", "held"]
    table("Memory of a load: planned, measured, and held after a long question", head, rows)
    print(f"\nlargest error of a plan after the first load (wanted at most {GOAL:.0%}):")
    for name, loads in (
        ("of all", again),
        (f"of loads from {NOISY / _MEGABYTE:.0f} MB on", [each for each in again if each.measured >= NOISY]),
    ):
        if loads:
            worst = max(loads, key=lambda load: abs(_error(load)))
            print(f"- {name}: {abs(_error(worst)):.1%}, {abs(worst.predicted - worst.measured) / _MEGABYTE:.1f} MB")


def _files(folder: Path, only: Sequence[str]) -> Iterator[tuple[str, Path]]:
    names = [*SHAPES, "SmolLM2 as chatglm"]
    for name in names:
        if only and not any(word.lower() in name.lower() for word in only):
            continue
        if name in SHAPES:
            yield name, make_gguf(folder / f"{name}.gguf", name, layers=LAYERS, context=max(context for context, _ in SIZES))
        else:
            yield name, small_model()


def _in_a_process(path: Path, context: int, slots: int, settings_file: Path) -> Load:
    command = [sys.executable, "-m", "bench.engine.plan", "--load", str(path), str(context), str(slots), str(settings_file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=2 * LOAD_LIMIT_S, check=False)
    if done.returncode:
        raise SystemExit(f"{path.name} could not be loaded: {done.stderr[-2000:]}")
    return Load(**json.loads(done.stdout.splitlines()[-1]))


def _load(path: Path, settings: LoadSettings, settings_file: Path) -> dict[str, int]:
    pool = Pool(path.parent, GUIDE, settings_file=settings_file, extra_buffers=extra_buffers(load().home))
    try:
        predicted = pool.plan(pool.read_file(path), settings).needed_bytes
        before = resident_bytes()
        name = pool.load(path, settings).name
        deadline = time.monotonic() + LOAD_LIMIT_S
        while (model := pool.loaded()[0]).state is ModelState.LOADING and time.monotonic() < deadline:
            time.sleep(0.02)
        if model.state is not ModelState.READY:
            raise SystemExit(str(model.error))
        _ask(pool, name, model.context)
        return {"predicted": predicted, "measured": model.memory_bytes, "used": resident_bytes() - before}
    finally:
        pool.close()


def _ask(pool: Pool, name: str, context: int) -> None:
    """Have the model read a question of several micro-batches, if the context is long enough."""
    # A character is at most one token in every vocabulary of this bench.
    words = "a b c d " * (min(context - LEFT_TOKENS, LONG_TOKENS) // 8)
    asked = GenerationRequest(
        messages=(ChatMessage(ChatRole.USER, words),), user_id="bench", model=name, params=SamplingParams(max_tokens=8)
    )
    for _ in PoolRouter(pool).start(asked).events():
        pass


def _error(load: Load) -> float:
    return load.predicted / load.measured - 1


def _cells(load: Load) -> list[str]:
    sizes = [f"{size / _MEGABYTE:,.0f}" for size in (load.predicted, load.measured, load.used)]
    return [sizes[0], sizes[1], f"{_error(load):+.0%}" if abs(_error(load)) >= 0.1 else f"{_error(load):+.1%}", sizes[2]]


if __name__ == "__main__":
    main()
