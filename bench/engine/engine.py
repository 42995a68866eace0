"""Measure the engine against its alternatives on the same machine. `./portal bench engine [--only WORD ...] [--repeats N]`

Everything runs the same GGUF with the same llama.cpp libraries, threads, context, prompts and sampling. After one warm-up, the sides take
turns; the table gives medians with the lowest and the highest value. The first run compiles llama-server (bench/engine/peers.py).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from bench.engine.peers import llama_server
from bench.engine_parts.chats import Device, Job, Side, Size, speed
from bench.engine_parts.conversations import back_from_disk, fifth_turn, long_prompts, scattered
from bench.engine_parts.results import HEAD, processor, row, write
from bench.engine_parts.sides import LockedSide, engine, isolated, server
from bench.engine_parts.sides_in_turns import Bench, in_turns, prompt
from bench.engine_parts.stress.stress import stress
from bench.engine_parts.synthetic import COPYING, COPYING_F16, COPYING_NINE, DRAFTING, FIRST_WORD, MIDDLE, WIDE, Shape, follower, words
from bench.portal_parts.portal import ROOT, table
from models import machine
from models.engine.llama.native import lib

COUNTS = {1: 256, 4: 192, 8: 128, 16: 96, 32: 64, 64: 48}
"""Tokens of each answer, by the number of concurrent chats."""


def throughput(bench: Bench, shape: Shape, wanted: Callable[[int], str]) -> Iterator[list[str]]:
    """Measure throughput. Both sides are loaded anew for each repeat: the location of a load in memory changes speed by some percent."""
    model = bench.model(shape)
    size = Size(slots=max(COUNTS), context=512, threads=bench.threads)
    found: dict[tuple[int, str], list[float]] = {}
    spent: dict[tuple[int, str], list[float]] = {}
    for repeat in range(bench.repeats):
        with engine(model, **size) as ours, server(bench.server, model, **size) as theirs:
            sides: tuple[Side, ...] = (theirs, ours) if repeat % 2 else (ours, theirs)
            names = ours.name, theirs.name
            rng = random.Random(f"warm {repeat}")
            for side in sides:
                side.run([Job(prompt(rng, shape, 24), 24, seed=chat) for chat in range(8)])
            for count in bench.chats:
                for side in sides:
                    rng = random.Random(f"{count} {repeat}")
                    before = side.cpu_s()
                    answers = side.run([Job(prompt(rng, shape, 24), COUNTS[count], seed=chat) for chat in range(count)])
                    processor_ms = 1000 * (side.cpu_s() - before) / sum(answer.tokens for answer in answers)
                    found.setdefault((count, side.name), []).append(speed(answers))
                    spent.setdefault((count, side.name), []).append(processor_ms)
    for count in bench.chats:
        mine, other = ((count, name) for name in names)
        yield row(f"tok/s, {shape.name}, {count} chats", found[mine], names[1], found[other], wanted(count))
        yield row(f"processor ms a token, {shape.name}, {count} chats", spent[mine], names[1], spent[other], "", digits=2)


def deep(bench: Bench) -> Iterator[list[str]]:
    """Measure answers in conversations of 400 tokens: against llama-server, and against the engine with flash attention like it."""
    model = bench.model(MIDDLE)
    size = Size(slots=16, context=1024, threads=bench.threads)
    flash = Device({"flash_attention": "on"}, ())
    beside = engine(model, **size, device=flash), server(bench.server, model, **size)
    with engine(model, **size) as ours, beside[0] as other, beside[1] as theirs:
        other.name = "engine with flash attention"
        for count in (1, 4, 16):

            def measure(side: Side, repeat: int, count: int = count) -> float:
                rng = random.Random(f"{count} {repeat}")
                chats = [prompt(rng, MIDDLE, 400) for _ in range(count)]
                first = side.run([Job(chat, 4, seed=number) for number, chat in enumerate(chats)])
                asked = [[*chat, *answer.ids, *prompt(rng, MIDDLE, 8)] for chat, answer in zip(chats, first, strict=True)]
                return speed(side.run([Job(chat, COUNTS[count], seed=number) for number, chat in enumerate(asked)]))

            found = in_turns((ours, other, theirs), bench.repeats, measure)
            for peer, wanted in ((theirs, ">= 1.0"), (other, "")):
                yield row(f"tok/s, {MIDDLE.name}, {count} chats of 400 tokens", found[ours.name], peer.name, found[peer.name], wanted)


def large_pages(bench: Bench) -> Iterator[list[str]]:
    """Measure weights in the process's own large pages against weights mapped from the file."""
    model = bench.model(MIDDLE)
    size = Size(slots=16, context=256, threads=bench.threads)
    mapped = mock.patch.object(lib, "LLAMA_LOAD_MODE_NONE", lib.LLAMA_LOAD_MODE_MMAP)
    with engine(model, **size) as ours, mapped, engine(model, **size) as other:
        other.name = "weights mapped from the file"
        for count in (1, 4, 16):

            def measure(side: Side, repeat: int, count: int = count) -> float:
                rng = random.Random(f"{count} {repeat}")
                return speed(side.run([Job(prompt(rng, MIDDLE, 24), COUNTS[count] * 3 // 4, seed=chat) for chat in range(count)]))

            found = in_turns((ours, other), bench.repeats, measure)
            yield row(f"tok/s, {MIDDLE.name}, {count} chats", found[ours.name], other.name, found[other.name], "")


def against_a_lock(bench: Bench, shape: Shape) -> Iterator[list[str]]:
    model = bench.model(shape)
    locked = LockedSide(model, context=256, threads=bench.threads)
    with engine(model, slots=16, context=256, threads=bench.threads) as ours:

        def measure(side: Side, repeat: int) -> float:
            rng = random.Random(f"repeat {repeat}")
            return speed(side.run([Job(prompt(rng, shape, 24), COUNTS[16], seed=chat) for chat in range(16)]))

        found = in_turns((ours, locked), bench.repeats, measure)
        yield row(f"tok/s, {shape.name}, 16 chats", found[ours.name], locked.name, found[locked.name], ">= 2")


def speculation(bench: Bench, shape: Shape, chats: int, wanted: str) -> Iterator[list[str]]:
    """Measure draft tokens: open chat, or (a copying model) an edit of a text in the prompt, in which every twentieth token differs.

    Times start at the first token: the prompt takes the same time with draft tokens and without.
    """
    model = bench.model(shape)
    size = Size(slots=chats, context=1024, threads=bench.threads)

    def text(rng: random.Random) -> list[int]:
        if not shape.copies:
            return prompt(rng, shape, 200)
        begin = rng.randrange(FIRST_WORD, words(shape))
        proper = [begin]
        while len(proper) < 400:
            proper.append(follower(proper[-1], shape))
        shown = [token if rng.random() > 0.05 else rng.randrange(FIRST_WORD, words(shape)) for token in proper]
        return [*shown, *prompt(rng, shape, 20), *proper[:3]]

    def measure(side: Side, repeat: int) -> float:
        rng = random.Random(f"repeat {repeat}")
        answers = side.run([Job(text(rng), 300, seed=chat) for chat in range(chats)])
        return statistics.mean(answer.rate for answer in answers)

    with engine(model, **size) as ours, engine(model, **size, prompt_lookup=False) as plain:
        plain.name = "without draft tokens"
        found = in_turns((ours, plain), bench.repeats, measure)
        name = f"tok/s of an answer, {'edit' if shape.copies else 'open chat'}, {shape.name}, {chats} chats"
        yield row(name, found[ours.name], plain.name, found[plain.name], wanted)


def mtp(bench: Bench, shape: Shape, wanted: str) -> Iterator[list[str]]:
    """Measure the same model with MTP and without."""
    model = bench.model(shape)
    for chats in (1, 4, 16):
        size = Size(slots=chats, context=512, threads=bench.threads)

        def measure(side: Side, repeat: int, chats: int = chats) -> float:
            rng = random.Random(f"{chats} {repeat}")
            return speed(side.run([Job(prompt(rng, shape, 100), 240 if chats < 16 else 96, seed=chat) for chat in range(chats)]))

        with engine(model, **size, mtp=True) as ours, engine(model, **size) as plain:
            plain.name = "without MTP"
            found = in_turns((ours, plain), bench.repeats, measure)
            name = f"tok/s, {shape.drafts:.0%} of MTP's draft accepted, {chats} chats"
            yield row(name, found[ours.name], plain.name, found[plain.name], wanted if chats == 1 else ">= 0.97")


@contextlib.contextmanager
def busy_pages(count: int) -> Iterator[None]:
    """Run threads that do the work of open pages: every 100 ms a redraw of a message, every 5 s a whole rerun (47 ms of Python)."""
    stop = threading.Event()
    message = {"role": "assistant", "parts": [{"text": "word " * 40, "number": number} for number in range(4)]}

    def work(seconds: float) -> None:
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            re.sub(r"\bword\b", "other", json.dumps(json.loads(json.dumps(message))))

    def page(number: int) -> None:
        rng = random.Random(number)
        while not stop.wait(0.1):
            work(0.047 if rng.random() < 0.02 else 0.0004)

    threads = [threading.Thread(target=page, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def beside_pages(bench: Bench) -> Iterator[list[str]]:
    model = bench.model(MIDDLE)
    alone: list[float] = []
    beside: list[float] = []
    with engine(model, slots=8, context=256, threads=bench.threads) as ours:
        for repeat in range(-1, bench.repeats):
            for found, pages in ((alone, 0), (beside, 20)):
                rng = random.Random(f"repeat {repeat}")
                with busy_pages(pages):
                    value = speed(ours.run([Job(prompt(rng, MIDDLE, 24), 96, seed=chat) for chat in range(8)]))
                found += [value] * (repeat >= 0)
    yield row(f"tok/s, {MIDDLE.name}, 8 chats, beside 20 pages", beside, "engine alone", alone, ">= 0.9")


def in_its_own_process(bench: Bench, chats: int) -> Iterator[list[str]]:
    """Measure the cost of isolation: the same engine behind a socket, against the engine in this process."""
    model = bench.model(MIDDLE)
    size = Size(slots=16, context=256, threads=bench.threads)
    with isolated(model, **size) as apart, engine(model, **size) as together:

        def measure(side: Side, repeat: int) -> float:
            rng = random.Random(repeat)
            return speed(side.run([Job(prompt(rng, MIDDLE, 24), COUNTS[chats], seed=chat) for chat in range(chats)]))

        found = in_turns((apart, together), bench.repeats, measure)
        yield row(f"tok/s, {MIDDLE.name}, {chats} chats, isolated", found[apart.name], "engine in process", found[together.name], ">= 0.95")


def soak(bench: Bench) -> Iterator[list[str]]:
    """Run the stress test with everything on at once; `stress` itself raises if anything is left."""
    for shared in (False, True):
        left = stress(bench.folder, 5_000, bench.threads, shared=shared)
        compared = sum(left.ends.values()) - left.ends["cancelled"]
        found = f"0 leaked, memory {left.memory_bytes / 1e6:+.1f} MB, {len(left.different)} of {compared} answers differ"
        name = f"5,000 random questions and cancels, {'shared' if shared else 'separate'} streams"
        yield [name, found, "", "", "", "0 leaked, memory flat"]


MEASURES: dict[str, Callable[[Bench], Iterator[list[str]]]] = {
    "middle": lambda bench: throughput(bench, MIDDLE, lambda count: ">= 1.0"),
    "vocabulary": lambda bench: throughput(bench, WIDE, lambda count: ">= 1.15" if count >= 16 else ">= 1.0"),
    "deep": deep,
    "scattered": lambda bench: scattered(bench, 4),
    "scattered-more": lambda bench: scattered(bench, 8),
    "large-pages": large_pages,
    "lock": lambda bench: against_a_lock(bench, MIDDLE),
    "lock-vocabulary": lambda bench: against_a_lock(bench, WIDE),
    "long-prompts": long_prompts,
    "turns": lambda bench: fifth_turn(bench, 8, "by people"),
    "turns-at-once": lambda bench: fifth_turn(bench, 8, "at once"),
    "turns-apart": lambda bench: fifth_turn(bench, 8, "one at a time"),
    "thoughts": lambda bench: fifth_turn(bench, 8, "with thoughts"),
    "few-slots": lambda bench: fifth_turn(bench, 4, "by people"),
    "few-slots-at-once": lambda bench: fifth_turn(bench, 4, "at once"),
    "few-slots-apart": lambda bench: fifth_turn(bench, 4, "one at a time"),
    "disk": back_from_disk,
    "pages": beside_pages,
    "edit": lambda bench: speculation(bench, COPYING, 1, ">= 1.5"),
    "edit-f16": lambda bench: speculation(bench, COPYING_F16, 1, ">= 1.5"),
    "edit-nine": lambda bench: speculation(bench, COPYING_NINE, 1, ">= 1.5"),
    "edit-crowd": lambda bench: speculation(bench, COPYING, 4, ">= 0.97"),
    "open-chat": lambda bench: speculation(bench, MIDDLE, 1, ">= 0.97"),
    "open-crowd": lambda bench: speculation(bench, MIDDLE, 8, ">= 0.97"),
    "next-tokens": lambda bench: mtp(bench, DRAFTING[0], ">= 1.0"),
    "next-tokens-some": lambda bench: mtp(bench, DRAFTING[1], ">= 1.0"),
    "next-tokens-few": lambda bench: mtp(bench, DRAFTING[2], ">= 0.97"),
    "isolated": lambda bench: in_its_own_process(bench, 1),
    "isolated-crowd": lambda bench: in_its_own_process(bench, 16),
    "stress": soak,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="./portal bench engine")
    parser.add_argument("--only", nargs="+", choices=MEASURES, help="some of the measures")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--chats", nargs="+", type=int, choices=COUNTS, default=tuple(COUNTS), help="how many at once")
    parser.add_argument("--threads", type=int, default=max(1, machine.cores() - 1), help="of each side; as the portal plans")
    parser.add_argument("--out", type=Path, help="where the table goes; default: bench/results, where everything was measured")
    chosen = parser.parse_args()
    begun, load = time.perf_counter(), os.getloadavg()[1]
    rows: list[list[str]] = []
    path = chosen.out or (None if chosen.only else ROOT / "bench" / "results" / f"{datetime.now(UTC):%Y-%m-%d}-engine-cpu.md")
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        bench = Bench(folder=Path(folder), server=llama_server(), threads=chosen.threads, repeats=chosen.repeats, chats=chosen.chats)
        for name in chosen.only or MEASURES:
            for found in MEASURES[name](bench):
                print("  ".join(found), flush=True)
                rows.append(found)
            if path:
                facts = [
                    f"device: {processor()}; threads of every side: {bench.threads}",
                    f"other work on the machine: load average {load:.1f} before, {os.getloadavg()[0]:.1f} at the end",
                    f"models: synthetic GLM-4s at Q8_0 (bench/engine_parts/synthetic.py); median of {bench.repeats} (lowest-highest)",
                ]
                write(path, "The engine on a processor", "engine", time.perf_counter() - begun, facts, rows)
    table("The engine on this machine", HEAD, rows)


if __name__ == "__main__":
    main()
