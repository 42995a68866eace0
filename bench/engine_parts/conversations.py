"""Measure conversations that continue beside others: how long they wait for their first token, and their speed while others wait."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Row
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from bench.engine_parts.blocks import NINE, file_name
from bench.engine_parts.blocks import make as make_blocks
from bench.engine_parts.chats import Answer, Device, Job, Side, Size, speed
from bench.engine_parts.results import row
from bench.engine_parts.sides import engine, server
from bench.engine_parts.sides_in_turns import Bench, in_turns, prompt
from bench.engine_parts.synthetic import MIDDLE, Shape
from bench.portal_parts.portal import percentile
from core.models.load_settings import KvType
from models.engine.engine import Engine
from models.engine.kv_cache.offload_files import OffloadFiles
from models.gguf.facts import read_facts
from models.gguf.memory_sizes import context_bytes_per_token

LAYERS_OF_NINE = replace(NINE, name="GLM-4-9B-2-layers", layers=2, vocabulary=8_192)
TURNS_BY_PEOPLE = 8
MOMENT_S = 0.6
"""Seconds that a person reads an answer before asking again, on average."""
WRITING_S = 1.0
"""Seconds to write the files of a conversation that left its slot."""
READING_S = 0.3
"""Seconds between an answer and the reader's next question."""


def going_on(shape: Shape, conversations: int, count: int, tokens: int) -> Callable[[Side, int], float]:
    """Return measure(side, repeat): tokens per second of `count` conversations that continue at once, different ones each time."""
    talks: dict[str, list[list[int]]] = {}

    def go_on(side: Side, rng: random.Random, chosen: Row[int], length: int) -> list[Answer]:
        jobs = [Job([*talks[side.name][chat], *prompt(rng, shape, 8)], length, seed=chat, user=str(chat)) for chat in chosen]
        answers = side.run(jobs)
        for chat, job, answer in zip(chosen, jobs, answers, strict=True):
            talks[side.name][chat] = [*job.prompt, *answer.ids]
        return answers

    def measure(side: Side, repeat: int) -> float:
        rng = random.Random(f"{count} {repeat}")
        if side.name not in talks:
            talks[side.name] = [prompt(rng, shape, 100) for _ in range(conversations)]
            go_on(side, rng, range(conversations), 2)
        return speed(go_on(side, rng, rng.sample(range(conversations), count), tokens))

    return measure


def scattered(bench: Bench, count: int) -> Iterator[list[str]]:
    """Measure sixteen conversations, each in its own slot, of which `count` continue at once."""
    model = bench.folder / file_name(LAYERS_OF_NINE)
    if not model.exists():
        make_blocks(bench.folder, LAYERS_OF_NINE)
    size = Size(slots=16, context=1024, threads=bench.threads)
    with engine(model, **size) as ours, server(bench.server, model, **size) as theirs:
        found = in_turns((ours, theirs), bench.repeats, going_on(LAYERS_OF_NINE, 16, count, 48))
        name = f"tok/s, 2 of GLM-4-9B's layers at Q4_K_M, {count} of 16 chats, each time others"
        yield row(name, found[ours.name], theirs.name, found[theirs.name], ">= 1.0")


def long_prompts(bench: Bench) -> Iterator[list[str]]:
    """Measure the pauses of four chats while a long prompt is prefilled, and how long that prompt waits."""
    model = bench.model(MIDDLE)
    size = Size(slots=8, context=2048, threads=bench.threads)
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

    with engine(model, **size) as ours, server(bench.server, model, **size) as theirs:
        found = in_turns((ours, theirs), bench.repeats, measure)
        name = "inter-token p95, ms, 4 chats while prompts of 1,500 tokens are read"
        yield row(name, found[ours.name], theirs.name, found[theirs.name], "<= 0.5")
        yield row("TTFT of these prompts, s", waits[ours.name], theirs.name, waits[theirs.name], "", digits=1)


def back_from_disk(bench: Bench) -> Iterator[list[str]]:
    """Measure conversations of 1,500 tokens that continue from the disk or are computed again. Neither slot nor host memory has room for
    two.

    The system still has the files in memory, as for most of the 24 hours that they are kept.
    """
    model = bench.model(MIDDLE)
    size = Size(slots=1, context=2048, threads=bench.threads)
    one = round(context_bytes_per_token(read_facts(model), KvType.F16) * 2048)
    little = Device({"offload_bytes": one}, ())

    def measure(side: Side, repeat: int) -> float:
        rng = random.Random(f"disk {repeat}")
        chats = [prompt(rng, MIDDLE, 1500) for _ in range(4)]
        for chat in chats:
            [answer] = side.run([Job(chat, 2)])
            chat += answer.ids
        time.sleep(WRITING_S)
        return 1000 * statistics.median(side.run([Job([*chat, *prompt(rng, MIDDLE, 8)], 2)])[0].ttft for chat in chats[:2])

    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        files = OffloadFiles(Path(folder), 10**9)
        with engine(model, **size, device=little, files=files) as ours, engine(model, **size, device=little) as plain:
            plain.name = "without offload to disk"
            found = in_turns((ours, plain), bench.repeats, measure)
            assert isinstance(ours.engine, Engine) and ours.engine.metrics().disk_tokens > 1500, "they came from the disk"
        files.close()
    yield row("TTFT, ms, conversations of 1,500 tokens back from the disk", found[ours.name], plain.name, found[plain.name], "<= 0.5")


def fifth_turn(bench: Bench, slots: int, how: str = "one at a time") -> Iterator[list[str]]:
    """Measure how long the fifth answer of each of 8 chats with one system prompt takes to begin.

    One asks when another was answered; or all ask "at once", turn by turn; or each is "a person", who reads an answer for a moment and asks
    again, independently of the others: then the turns around the fifth count too. "with thoughts", one at a time, half of an answer is
    thoughts, which the next prompt leaves out, as the templates of GLM-4.5 and later do; and people read.
    """
    model = bench.model(MIDDLE)
    size = Size(slots=slots, context=2048, threads=bench.threads)
    thinks = how == "with thoughts"
    length = 80 if thinks else 24

    def turn(side: Side, rng: random.Random, number: int, chat: list[int], answer: Answer) -> None:
        """Continue the chat with the answer and the next question."""
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
        waited: list[float] = []

        def ask(number: int) -> None:
            [last[number]] = side.run([Job(chats[number], length, seed=number, user=str(number))])

        def person(number: int) -> None:
            own = random.Random(f"{repeat} {number}")
            for count in range(1, TURNS_BY_PEOPLE + 1):
                time.sleep(own.uniform(0.0, 2 * MOMENT_S))
                ask(number)
                # Count the turns around the fifth too: who asks when, and beside whom, differs each time.
                waited.extend([last[number].ttft] * (3 <= count <= 7))
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
        return 1000 * statistics.median(waited or [answer.ttft for answer in last])

    with engine(model, **size) as ours, server(bench.server, model, **size) as theirs:
        found = in_turns((ours, theirs), bench.repeats, measure)
        turns = "turns 3 to 7" if how == "by people" else "turn 5"
        name = f"TTFT of {turns}, ms, 8 interleaved chats {how} on {slots} slots"
        yield row(name, found[ours.name], theirs.name, found[theirs.name], "<= 0.9")
