"""Measure people who chat at once: who waits for whom, and what REST costs on top of the engine. `./portal bench people`

The engine alone runs the same prompts with as many threads in this process, without store, sessions or HTTP. The model is a synthetic GLM
that never ends by itself, so that all answers have the same length.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx

from bench.portal_parts.portal import percentile, portal_home, running_portal, table
from bootstrap.models import GUIDE, extra_buffers
from core.inference.requests import ChatMessage, ChatRole, Delta, Finished, GenerationRequest, SamplingParams
from core.models.load_settings import LoadSettings
from core.models.records import ModelState
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter
from samples.gguf_maker import WITHOUT_THINKING, make_gguf

COUNTS = (1, 8, 10, 16, 50)
TOKENS = 128
SLOTS = 16
REPEATS = 3
CONTEXT = 1024
PROMPTS = ("What can this portal do?", "How do I rate an answer?", "Who can load a model?", "Where is my usage?")


@dataclass(frozen=True)
class Answer:
    started: float
    first: float
    ended: float
    tokens: int


def together(ask: Callable[[int], Answer], count: int) -> tuple[list[Answer], float]:
    """Ask all at once; return the answers and the seconds until the last one ended."""
    answers: list[Answer] = []
    barrier = threading.Barrier(count + 1)

    def person(number: int) -> None:
        barrier.wait()
        answers.append(ask(number))

    threads = [threading.Thread(target=person, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    barrier.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    return answers, time.perf_counter() - begun


def over_rest(clients: Sequence[httpx.Client]) -> Callable[[int], Answer]:
    """Return a function that runs stored turns with server-sent events, each person in a separate chat."""

    def ask(number: int) -> Answer:
        client = clients[number]
        chat = client.post("/api/v1/conversations", json={}).raise_for_status().json()["id"]
        started = time.perf_counter()
        first, tokens = 0.0, 0
        body = {
            "text": PROMPTS[number % len(PROMPTS)], "request_id": uuid4().hex, "stream": True, "max_tokens": TOKENS, "temperature": 1,
        }  # fmt: skip
        with client.stream("POST", f"/api/v1/conversations/{chat}/messages", json=body) as response:
            response.raise_for_status()
            event = ""
            for line in response.iter_lines():
                if line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:") and event == "delta" and not first:
                    first = time.perf_counter()
                elif line.startswith("data:") and event == "done":
                    tokens = json.loads(line[5:])["answer"]["generation"]["completion_tokens"]
        return Answer(started=started, first=first, ended=time.perf_counter(), tokens=tokens)

    return ask


def in_process(router: PoolRouter) -> Callable[[int], Answer]:
    """Return a function that asks the engine in this process."""
    def ask(number: int) -> Answer:
        started = time.perf_counter()
        first, tokens = 0.0, 0
        messages = (ChatMessage(ChatRole.USER, PROMPTS[number % len(PROMPTS)]),)
        params = SamplingParams(max_tokens=TOKENS, temperature=1)
        for event in router.start(GenerationRequest(messages, f"person-{number}", params=params)).events():
            if isinstance(event, Delta) and not first:
                first = time.perf_counter()
            if isinstance(event, Finished):
                tokens = event.usage.completion_tokens
        return Answer(started=started, first=first, ended=time.perf_counter(), tokens=tokens)

    return ask


@contextlib.contextmanager
def engine_alone(model: Path) -> Iterator[Callable[[int], Answer]]:
    pool = Pool(model.parent, GUIDE, settings_file=portal_home() / "load_settings.json", extra_buffers=extra_buffers(portal_home()))
    pool.load(model, LoadSettings(context=CONTEXT, slots=SLOTS), default=True)
    while any(each.state is ModelState.LOADING for each in pool.loaded()):
        time.sleep(0.05)
    yield in_process(PoolRouter(pool))
    pool.close()


def speed(measured: tuple[list[Answer], float]) -> float:
    answers, seconds = measured
    return sum(answer.tokens for answer in answers) / seconds


def measure(rest: Callable[[int], Answer], alone: Callable[[int], Answer], count: int) -> list[object]:
    """Return a row of the table. Both sides take turns, so that other load on the machine affects both."""
    rounds = [(together(rest, count), together(alone, count)) for _ in range(REPEATS)]
    ttft = [answer.first - answer.started for (answers, _), _ in rounds for answer in answers]
    waited = any(max(answer.first for answer in answers) > min(answer.ended for answer in answers) for (answers, _), _ in rounds)
    return [
        count,
        f"{statistics.median(speed(by_rest) for by_rest, _ in rounds):.0f}",
        f"{statistics.median(speed(by_engine) for _, by_engine in rounds):.0f}",
        f"{statistics.median(speed(by_rest) / speed(by_engine) for by_rest, by_engine in rounds):.2f}",
        f"{percentile(ttft, 0.5) * 1e3:.0f}",
        f"{percentile(ttft, 0.95) * 1e3:.0f}",
        "yes" if waited else "no",
    ]


def main() -> None:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-"))
        model = make_gguf(Path(folder) / "synthetic.gguf", layers=12, context=CONTEXT, template=WITHOUT_THINKING, sharpness=0.1)
        portal = stack.enter_context(running_portal(PORTAL_MODEL=str(model), PORTAL_CONTEXT=str(CONTEXT), PORTAL_SLOTS=str(SLOTS)))
        names = [f"person{number}" for number in range(max(COUNTS))]
        portal.add_people(names)
        rest = over_rest([stack.enter_context(portal.sign_in(name)) for name in names])
        alone = stack.enter_context(engine_alone(model))
        for warm in (rest, alone):
            together(warm, 2)
        rows = [measure(rest, alone, count) for count in COUNTS]
    head = ["people", "tok/s", "engine alone", "ratio", "TTFT p50, ms", "TTFT p95, ms", "anyone waited for another to finish"]
    table(f"Stored turns over REST, answers of {TOKENS} tokens, {SLOTS} slots, medians of {REPEATS}", head, rows)


if __name__ == "__main__":
    main()
