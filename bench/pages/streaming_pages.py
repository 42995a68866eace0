"""Measure the chat page while many people stream: `./portal bench streaming_pages [--people N] [--seconds N]`

Everybody is signed in, has the chat page open over a real websocket, and asks again as soon as an answer ends. Their pages follow the
answers as browsers do. Meanwhile each person opens another chat every few seconds; that rerun is timed from its message to the end of
the script. The model is the stand-in of bench/rest/whole_path.py, which takes a GPU's time, so that the cores are left to pages and REST.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from websockets.exceptions import ConnectionClosed

from bench.engine_parts import synthetic
from bench.engine_parts.gpu_clock import CLOCKS
from bench.pages.open_pages import Person, write_people
from bench.portal_parts.page_socket import PageSocket
from bench.portal_parts.portal import Measured, percentile, processor_s, running_portal, table

CONTEXT, TOKENS, EVERY_S, WARM_S = 512, 160, 5.0, 10.0
SAY_S, END_S = 10.0, 20.0
"""Seconds between two lines about the progress, and the longest wait for the last answers."""


def say(line: str, *, began: float = time.perf_counter()) -> None:
    print(f"{time.perf_counter() - began:6.1f} s  {line}", flush=True)


def stream(person: Person, ended: threading.Event, refused: list[str]) -> None:
    """Ask again and again, with the page open, until `ended`."""
    while not ended.is_set():
        try:
            person.ask(threading.Barrier(1), TOKENS, open_page=True)
        except httpx.HTTPStatusError as problem:
            refused.append(problem.response.text)
            ended.wait(1)
        except (httpx.HTTPError, TimeoutError, ConnectionClosed) as problem:
            if not ended.is_set():
                refused.append(repr(problem))
                ended.wait(1)


def switch(portal: Measured, person: Person, chats: Sequence[str], ended: threading.Event, taken: list[tuple[float, float]]) -> None:
    """Open one of two finished chats every few seconds in a second tab; note (when, seconds) of each rerun."""
    with PageSocket(portal.url.removeprefix("http://"), person.cookie) as tab:
        tab.run(query=f"c={chats[0]}")
        turn = 0
        while not ended.wait(EVERY_S * random.uniform(0.5, 1.5)):
            turn += 1
            began = time.perf_counter()
            tab.run(query=f"c={chats[turn % 2]}")
            taken.append((began, time.perf_counter() - began))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="./portal bench streaming_pages")
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="glm-4-9b")
    chosen = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        model = synthetic.make(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-"))), synthetic.WIDE)
        module = ("bench.clock_parts.server", chosen.clock)
        extra = {"PORTAL_MODEL": str(model), "PORTAL_SLOTS": str(chosen.people), "PORTAL_CONTEXT": str(CONTEXT)}
        portal = stack.enter_context(running_portal(None, start_s=180, module=module, **extra))
        names = [f"person{number}" for number in range(chosen.people)]
        say("the portal is ready")
        people = [stack.enter_context(contextlib.closing(Person(portal, tokens))) for tokens in write_people(portal, names)]
        say(f"{chosen.people} people are signed in")
        with ThreadPoolExecutor(8) as together:
            chats = list(together.map(lambda each: [each.finished_chat() for _ in range(2)], people))
        say("each has two finished chats; now everybody asks")
        ended, taken, refused = threading.Event(), list[tuple[float, float]](), list[str]()
        threads = [
            threading.Thread(target=switch, args=(portal, each, own, ended, taken), daemon=True)
            for each, own in zip(people, chats, strict=True)
        ]
        threads += [threading.Thread(target=stream, args=(each, ended, refused), daemon=True) for each in people]
        for thread in threads:
            thread.start()
        time.sleep(WARM_S)
        began, before = time.perf_counter(), processor_s(portal)
        while (left := began + chosen.seconds - time.perf_counter()) > 0:
            time.sleep(min(left, SAY_S))
            newest = [each for at, each in list(taken) if began <= at]
            say(f"{len(newest)} chats opened, median {1e3 * statistics.median(newest or [0]):.0f} ms, {len(refused)} answers refused")
        wall, spent = time.perf_counter() - began, processor_s(portal) - before
        seconds = [each for at, each in list(taken) if began <= at]
        ended.set()
        until = time.perf_counter() + END_S
        for thread in threads:
            thread.join(max(0.0, until - time.perf_counter()))
    if not seconds:
        raise SystemExit("No chat was opened in this time. Measure for longer, with fewer people, or on a quiet machine.")
    figures = [f"{1e3 * percentile(seconds, share):.0f}" for share in (0.5, 0.95)]
    rows = [
        [f"another chat, {chosen.people} people streaming, p50, p95, ms (n = {len(seconds)})", ", ".join(figures), "p95 500"],
        ["processor of the portal, cores", f"{spent / wall:.2f}", ""],
        ["answers refused", str(len(refused)), "0"],
    ]
    for sentence in sorted(set(refused))[:3]:
        print(sentence)
    table("The chat page while people stream", ["", "measured", "wanted, at most"], rows)


if __name__ == "__main__":
    main()
