"""The engine against what people would otherwise run on the same machine. `./portal bench engine [--only WORD ...] [--repeats N]`

Everything runs the same GGUF with the same llama.cpp libraries, threads, context, prompts and sampling. One warm-up, then the sides
take turns; the table gives medians with the lowest and the highest. The first run compiles llama-server (bench/peers.py).
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
from collections.abc import Sequence as Row
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from bench import _synthetic as synthetic
from bench._blocks import NINE, file_name
from bench._blocks import make as make_blocks
from bench._chats import Answer, Device, Job, LockedSide, Side, engine, isolated, server, speed
from bench._engine_stress import stress
from bench._portal import ROOT, percentile, table
from bench._results import HEAD, processor, row, write
from bench._synthetic import COPYING, COPYING_F16, DRAFTING, FIRST_WORD, MIDDLE, WIDE, Shape, follower, words
from bench.peers import llama_server
from models import machine
from models.engine.native import lib

COUNTS = {1: 256, 4: 192, 8: 128, 16: 96, 32: 64, 64: 48}
"""Chats at once, and the tokens each answer has."""
LAYERS_OF_NINE = replace(NINE, name="GLM-4-9B-2-layers", layers=2, vocabulary=8_192)
MOMENT_S = 0.6
"""How long a person reads an answer before asking again, on average."""
READING_S = 0.3
"""Between an answer and the next question, of whoever reads it."""


@dataclass(frozen=True, slots=True)
class Bench:
    folder: Path
    server: Path
    threads: int
    repeats: int
    chats: Row[int] = tuple(COUNTS)

    def model(self, shape: Shape) -> Path:
        path = self.folder / f"{shape.name}.gguf"
        return path if path.exists() else synthetic.make(self.folder, shape)


def prompt(rng: random.Random, shape: Shape, length: int) -> list[int]:
    return [rng.randrange(FIRST_WORD, words(shape)) for _ in range(length)]


def in_turns(sides: Row[Side], repeats: int, measure: Callable[[Side, int], float]) -> dict[str, list[float]]:
    """`measure(side, repeat)` of every side, repeat after repeat; repeat -1 warms up and is not counted.

    Another side comes first each time: whoever always did would find the machine as the others left it.
    """
    found: dict[str, list[float]] = {side.name: [] for side in sides}
    for repeat in range(-1, repeats):
        for side in sides if repeat % 2 else tuple(reversed(sides)):
            value = measure(side, repeat)
            if repeat >= 0:
                found[side.name].append(value)
    return found


def throughput(bench: Bench, shape: Shape, wanted: Callable[[int], str]) -> Iterator[list[str]]:
    """Both sides are loaded anew for each repeat: where a load happens to lie in memory is worth some percent, for as long as it lasts."""
    model = bench.model(shape)
    options = {"slots": max(COUNTS), "context": 512, "threads": bench.threads}
    found: dict[tuple[int, str], list[float]] = {}
    spent: dict[tuple[int, str], list[float]] = {}
    for repeat in range(bench.repeats):
        with engine(model, **options) as ours, server(bench.server, model, **options) as theirs:
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
    """Answers in conversations that hold 400 tokens already: beside llama-server, and beside the engine with flash attention like it."""
    model = bench.model(MIDDLE)
    options = {"slots": 16, "context": 1024, "threads": bench.threads}
    flash = Device({"flash_attention": "on"}, ())
    beside = engine(model, **options, device=flash), server(bench.server, model, **options)
    with engine(model, **options) as ours, beside[0] as other, beside[1] as theirs:
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


def scattered(bench: Bench, count: int) -> Iterator[list[str]]:
    """Of sixteen conversations, each in a slot of its own, `count` go on at once, each time others."""
    model = bench.folder / file_name(LAYERS_OF_NINE)
    if not model.exists():
        make_blocks(bench.folder, LAYERS_OF_NINE)
    options = {"slots": 16, "context": 1024, "threads": bench.threads}
    talks: dict[str, list[list[int]]] = {}

    def go_on(side: Side, rng: random.Random, chosen: Row[int], tokens: int) -> list[Answer]:
        jobs = [Job([*talks[side.name][chat], *prompt(rng, LAYERS_OF_NINE, 8)], tokens, seed=chat, user=str(chat)) for chat in chosen]
        answers = side.run(jobs)
        for chat, job, answer in zip(chosen, jobs, answers, strict=True):
            talks[side.name][chat] = [*job.prompt, *answer.ids]
        return answers

    def measure(side: Side, repeat: int) -> float:
        rng = random.Random(f"{count} {repeat}")
        if side.name not in talks:
            talks[side.name] = [prompt(rng, LAYERS_OF_NINE, 100) for _ in range(16)]
            go_on(side, rng, range(16), 2)
        return speed(go_on(side, rng, rng.sample(range(16), count), 48))

    with engine(model, **options) as ours, server(bench.server, model, **options) as theirs:
        found = in_turns((ours, theirs), bench.repeats, measure)
        name = f"tok/s, 2 of GLM-4-9B's layers at Q4_K_M, {count} of 16 chats, each time others"
        yield row(name, found[ours.name], theirs.name, found[theirs.name], ">= 1.0")


def large_pages(bench: Bench) -> Iterator[list[str]]:
    """Weights in large pages of the process's own, beside weights mapped from the file."""
    model = bench.model(MIDDLE)
    options = {"slots": 16, "context": 256, "threads": bench.threads}
    mapped = mock.patch.object(lib, "LLAMA_LOAD_MODE_NONE", lib.LLAMA_LOAD_MODE_MMAP)
    with engine(model, **options) as ours, mapped, engine(model, **options) as other:
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


def long_prompts(bench: Bench) -> Iterator[list[str]]:
    """Of four chats the gaps that fall into the time in which a long prompt is being read, and how long that prompt waits itself."""
    model = bench.model(MIDDLE)
    options = {"slots": 8, "context": 2048, "threads": bench.threads}
    waits: dict[str, list[float]] = {}

    def measure(side: Side, repeat: int) -> float:
        rng = random.Random(f"repeat {repeat}")
        talking = [Job(prompt(rng, MIDDLE, 24), 240, seed=chat) for chat in range(4)]
        arriving = [Job(prompt(rng, MIDDLE, 1500), 4, at=0.5 + 1.5 * number) for number in range(3)]
        answers = side.run([*talking, *arriving])
        reading = [(answer.asked, answer.stamps[0]) for answer in answers[4:]]
        if repeat >= 0:
            waits.setdefault(side.name, []).append(statistics.median(answer.ttft for answer in answers[4:]))
        return 1000 * percentile([after - before for answer in answers[:4] for before, after in answer.gaps_during(reading)], 0.95)

    with engine(model, **options) as ours, server(bench.server, model, **options) as theirs:
        found = in_turns((ours, theirs), bench.repeats, measure)
        name = "inter-token p95, ms, 4 chats while prompts of 1,500 tokens are read"
        yield row(name, found[ours.name], theirs.name, found[theirs.name], "<= 0.5")
        yield row("TTFT of these prompts, s", waits[ours.name], theirs.name, waits[theirs.name], "", digits=1)


def fifth_turn(bench: Bench, slots: int, how: str = "one at a time") -> Iterator[list[str]]:
    """8 chats with one system prompt; how long the fifth answer of each takes to begin.

    One asks when another was answered; or all ask "at once", turn by turn; or each is "a person", who reads an answer for a moment and asks
    again, whatever the others do. "with thoughts", one at a time, half of an answer is thoughts, which the next prompt leaves out, as the
    templates of GLM-4.5 and later do; and people read.
    """
    model = bench.model(MIDDLE)
    options = {"slots": slots, "context": 2048, "threads": bench.threads}
    thinks = how == "with thoughts"
    length = 80 if thinks else 24

    def turn(side: Side, rng: random.Random, number: int, chat: list[int], answer: Answer) -> None:
        """The chat goes on with the answer and the next question."""
        held = [*chat, *answer.ids]
        chat += answer.ids[length // 2 if thinks else 0 :]
        if thinks:
            side.expect(held, chat)
            time.sleep(READING_S)
        chat += prompt(rng, MIDDLE, 100)

    def measure(side: Side, repeat: int) -> float:
        rng = random.Random(f"turns {repeat}")
        system = prompt(rng, MIDDLE, 200)
        chats = [[*system, *prompt(rng, MIDDLE, 100)] for _ in range(8)]
        last: list[Answer] = [Answer() for _ in chats]

        def ask(number: int) -> None:
            [last[number]] = side.run([Job(chats[number], length, seed=number, user=str(number))])

        def person(number: int) -> None:
            own = random.Random(f"{repeat} {number}")
            for _turn in range(5):
                time.sleep(own.uniform(0.0, 2 * MOMENT_S))
                ask(number)
                turn(side, own, number, chats[number], last[number])

        if how == "by people":
            with ThreadPoolExecutor(len(chats)) as people:
                list(people.map(person, range(len(chats))))
        else:
            for _turn in range(5):
                if how == "at once":
                    last = side.run([Job(chat, length, seed=number, user=str(number)) for number, chat in enumerate(chats)])
                for number, chat in enumerate(chats):
                    if how != "at once":
                        ask(number)
                    turn(side, rng, number, chat, last[number])
        return 1000 * statistics.median(answer.ttft for answer in last)

    with engine(model, **options) as ours, server(bench.server, model, **options) as theirs:
        found = in_turns((ours, theirs), bench.repeats, measure)
        name = f"TTFT of turn 5, ms, 8 interleaved chats {how} on {slots} slots"
        yield row(name, found[ours.name], theirs.name, found[theirs.name], "<= 0.9")


def speculation(bench: Bench, shape: Shape, chats: int, wanted: str) -> Iterator[list[str]]:
    """Open chat, or (a copying model) an edit of a text shown in the prompt, of which every twentieth token comes out different.

    From the first token on: what the prompt takes is the same with guesses and without.
    """
    model = bench.model(shape)
    options = {"slots": chats, "context": 1024, "threads": bench.threads}

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

    with engine(model, **options) as ours, engine(model, **options, speculate=False) as plain:
        plain.name = "without guesses"
        found = in_turns((ours, plain), bench.repeats, measure)
        name = f"tok/s of an answer, {'edit' if shape.copies else 'open chat'}, {shape.name}, {chats} chats"
        yield row(name, found[ours.name], plain.name, found[plain.name], wanted)


def next_token_layer(bench: Bench, shape: Shape, wanted: str) -> Iterator[list[str]]:
    """The same model with its next-token layer and without."""
    model = bench.model(shape)
    for chats in (1, 4, 16):
        options = {"slots": chats, "context": 512, "threads": bench.threads}

        def measure(side: Side, repeat: int, chats: int = chats) -> float:
            rng = random.Random(f"{chats} {repeat}")
            return speed(side.run([Job(prompt(rng, shape, 100), 240 if chats < 16 else 96, seed=chat) for chat in range(chats)]))

        with engine(model, **options, next_tokens=True) as ours, engine(model, **options) as plain:
            plain.name = "without its next-token layer"
            found = in_turns((ours, plain), bench.repeats, measure)
            name = f"tok/s, {shape.drafts:.0%} of next tokens guessed right, {chats} chats"
            yield row(name, found[ours.name], plain.name, found[plain.name], wanted if chats == 1 else ">= 0.97")


@contextlib.contextmanager
def busy_pages(count: int) -> Iterator[None]:
    """Threads that do what open pages do: every 100 ms a redraw of a message, every 5 s a whole rerun (47 ms of Python)."""
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
    """What isolation costs: the same engine behind a socket, beside the engine in this process."""
    model = bench.model(MIDDLE)
    options = {"slots": 16, "context": 256, "threads": bench.threads}
    with isolated(model, **options) as apart, engine(model, **options) as together:

        def measure(side: Side, repeat: int) -> float:
            rng = random.Random(repeat)
            return speed(side.run([Job(prompt(rng, MIDDLE, 24), COUNTS[chats], seed=chat) for chat in range(chats)]))

        found = in_turns((apart, together), bench.repeats, measure)
        yield row(f"tok/s, {MIDDLE.name}, {chats} chats, isolated", found[apart.name], "engine in process", found[together.name], ">= 0.95")


def soak(bench: Bench) -> Iterator[list[str]]:
    """With everything on at once; `stress` itself raises where anything is left."""
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
    "pages": beside_pages,
    "edit": lambda bench: speculation(bench, COPYING, 1, ">= 1.5"),
    "edit-f16": lambda bench: speculation(bench, COPYING_F16, 1, ">= 1.5"),
    "edit-crowd": lambda bench: speculation(bench, COPYING, 4, ">= 0.97"),
    "open-chat": lambda bench: speculation(bench, MIDDLE, 1, ">= 0.97"),
    "open-crowd": lambda bench: speculation(bench, MIDDLE, 8, ">= 0.97"),
    "next-tokens": lambda bench: next_token_layer(bench, DRAFTING[0], ">= 1.0"),
    "next-tokens-some": lambda bench: next_token_layer(bench, DRAFTING[1], ">= 1.0"),
    "next-tokens-few": lambda bench: next_token_layer(bench, DRAFTING[2], ">= 0.97"),
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
        bench = Bench(Path(folder), llama_server(), chosen.threads, chosen.repeats, chosen.chats)
        for name in chosen.only or MEASURES:
            for found in MEASURES[name](bench):
                print("  ".join(found), flush=True)
                rows.append(found)
            if path:
                facts = [
                    f"device: {processor()}; threads of every side: {bench.threads}",
                    f"other work on the machine: load average {load:.1f} before, {os.getloadavg()[0]:.1f} at the end",
                    f"models: synthetic GLM-4s at Q8_0 (bench/_synthetic.py); median of {bench.repeats} (lowest-highest)",
                ]
                write(path, "The engine on a processor", "engine", time.perf_counter() - begun, facts, rows)
    table("The engine on this machine", HEAD, rows)


if __name__ == "__main__":
    main()
