"""Measure how much of a GPU's speed people get: `./portal bench whole_path [--clock NAME] [--chats N ...] [--gpu-sampling]`

The portal runs with a stand-in for llama.cpp that takes a GPU's time for each step and no processor (bench/engine_parts/gpu_clock.py), so
that all losses are the portal's: the decode thread's own work, HTTP, the store. Clients read raw sockets in a separate process on the same
machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import signal
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from bench.clock_parts.watchers import Lists, Pages
from bench.engine_parts import synthetic
from bench.engine_parts.gpu_clock import CANDIDATES_S, CLOCKS, Clock
from bench.engine_parts.results import processor, write_tables
from bench.portal_parts.portal import Measured, percentile, running_portal, table

CHATS = (1, 8, 32, 64)
SECONDS = 8.0
"""Approximate seconds of each round at the clock's speed."""
_USAGE = re.compile(rb'"completion_tokens": ?(\d+)')


@dataclass(frozen=True, slots=True)
class Read:
    """One answer as its client saw it. Times are from time.perf_counter, which all processes share. arrivals: of events with text."""

    asked: float
    arrivals: list[float]
    tokens: int


async def _ask(host: str, port: int, token: str, tokens: int, streamed: bool, temperature: float) -> Read:
    body = {
        "messages": [{"role": "user", "content": "What can this portal do?"}], "max_tokens": tokens, "temperature": temperature,
        "stream": streamed, **({"stream_options": {"include_usage": True}} if streamed else {}),
    }  # fmt: skip
    sent = json.dumps(body).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(host, port)
    asked = time.perf_counter()
    writer.write(head.encode() + sent)
    arrivals: list[float] = []
    last = b""
    while data := await reader.read(65_536):
        if b'"content":"' in data:
            arrivals.append(time.perf_counter())
        last = (last + data)[-4_000:]
    writer.close()
    found = _USAGE.search(last)
    if found is None:
        raise RuntimeError(f"An answer has no usage: {last[-500:]!r}")
    return Read(asked, arrivals or [time.perf_counter()], int(found[1]))


def ask_all(host: str, port: int, signed_in: Sequence[str], tokens: int, streamed: bool, temperature: float = 1) -> list[Read]:
    """Ask once for each token of `signed_in`, all at the same time."""

    async def all_of_them() -> list[Read]:
        return await asyncio.gather(*(_ask(host, port, token, tokens, streamed, temperature) for token in signed_in))

    return asyncio.run(all_of_them())


@dataclass(frozen=True, slots=True)
class Round:
    """Results for one number of chats. share: of the tokens/s that the clock allows. gap: between two arrivals, in steps of the clock."""

    chats: int
    tokens_per_s: float
    share: float
    whole_share: float
    gap_p50: float
    gap_p95: float
    first_p95_s: float
    lists_s: Sequence[float]
    pages_s: Sequence[float]
    """Seconds of a list of chats over REST, and of a rerun of the chat page, each read again and again meanwhile."""
    processor: dict[str, float]
    """Milliseconds of the portal's processor time per token, by thread."""


def threads(portal: Measured) -> dict[str, float]:
    """Return the processor seconds of the portal's threads so far."""
    written = portal.home / "threads.json"
    written.unlink(missing_ok=True)
    os.kill(portal.process.pid, signal.SIGUSR1)
    deadline = time.monotonic() + 30
    while not written.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    found: dict[str, float] = json.loads(written.read_text())
    return found


def measure(portal: Measured, clients: ProcessPoolExecutor, signed_in: Sequence[str], clock: Clock, chats: int) -> Round:
    """Measure `chats` concurrent answers, streamed and whole."""
    host, port = portal.url.removeprefix("http://").split(":")
    step = clock.seconds(chats)
    tokens = round(SECONDS / step)
    before = threads(portal)
    with Lists(portal) as lists, Pages(portal) as pages:
        streamed = clients.submit(ask_all, host, int(port), signed_in[:chats], tokens, True).result()
    after = threads(portal)
    whole = clients.submit(ask_all, host, int(port), signed_in[:chats], tokens, False).result()
    count = sum(each.tokens for each in streamed)
    seconds = max(each.arrivals[-1] for each in streamed) - min(each.arrivals[0] for each in streamed)
    whole_seconds = max(each.arrivals[-1] for each in whole) - min(each.asked for each in whole)
    gaps = [later - sooner for each in streamed for sooner, later in zip(each.arrivals, each.arrivals[1:], strict=False)]
    allowed = chats / step
    return Round(
        chats=chats,
        tokens_per_s=count / seconds,
        share=count / seconds / allowed,
        whole_share=sum(each.tokens for each in whole) / whole_seconds / allowed,
        gap_p50=percentile(gaps, 0.5) / step,
        gap_p95=percentile(gaps, 0.95) / step,
        first_p95_s=percentile([each.arrivals[0] - each.asked for each in streamed], 0.95),
        lists_s=lists.seconds,
        pages_s=pages.seconds,
        processor={kind: 1000 * (after[kind] - before.get(kind, 0.0)) / count for kind in after},
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="./portal bench whole_path")
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="glm-4-9b")
    parser.add_argument("--chats", type=int, nargs="+", default=list(CHATS))
    parser.add_argument("--gpu-sampling", action="store_true", help="the GPU finds the likeliest tokens, see PORTAL_GPU_SAMPLING")
    parser.add_argument("--out", type=Path, help="where the tables go besides")
    chosen = parser.parse_args()
    clock, most = CLOCKS[chosen.clock], max(chosen.chats)
    begun = time.perf_counter()
    with contextlib.ExitStack() as stack:
        model = synthetic.make(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-"))), synthetic.WIDE)
        settings = {"PORTAL_MODEL": str(model), "PORTAL_SLOTS": str(most), "PORTAL_CONTEXT": "2048"}
        server = ("bench.clock_parts.server", chosen.clock, *(["gpu-sampling"] if chosen.gpu_sampling else []))
        portal = stack.enter_context(running_portal(None, start_s=120, module=server, **settings))
        names = [f"person{number}" for number in range(most)]
        portal.add_people(names)
        signed_in = []
        for name in names:
            with portal.sign_in(name) as client:
                signed_in.append(client.headers["Authorization"].removeprefix("Bearer "))
        clients = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
        host, port = portal.url.removeprefix("http://").split(":")
        clients.submit(ask_all, host, int(port), signed_in[:2], 32, True).result()
        rounds = [measure(portal, clients, signed_in, clock, chats) for chats in chosen.chats]
    show(chosen.out, clock, rounds, time.perf_counter() - begun, gpu_sampling=chosen.gpu_sampling)


def show(out: Path | None, clock: Clock, rounds: Sequence[Round], seconds: float, *, gpu_sampling: bool) -> None:
    head = ["chats", "step, ms", "tok/s", "of the clock", "not streamed", "gap p50, steps", "p95", "TTFT p95, ms"]
    head += ["list p50, ms", "p95", "page p50, ms", "p95"]
    rows = [_cells(clock, each) for each in rounds]
    sampling = "the GPU finds the likeliest tokens" if gpu_sampling else "the processor searches all logits"
    table(f"The whole path with the clock of {clock.name}, over /v1; {sampling}", head, rows)
    kinds = sorted({kind for each in rounds for kind in each.processor}, key=lambda kind: -rounds[-1].processor.get(kind, 0.0))
    costs = [[str(each.chats), *(f"{each.processor.get(kind, 0.0):.3f}" for kind in kinds)] for each in rounds]
    table("The portal's processor time for a token, ms, by thread", ["chats", *kinds], costs)
    if out is not None:
        facts = [
            f"device: {processor()}",
            f"clock: {clock.name}, {clock.step_s}, {clock.prefill_tokens_per_s:.0f} prompt tokens/s (assumed)",
            sampling + (f" (assumed: {1e6 * CANDIDATES_S:.0f} us a row)" if gpu_sampling else ""),
            "second table: the portal's processor time for a token, ms, by thread",
        ]
        write_tables(out, "The whole path at a GPU's speed", "whole_path", seconds, facts, [(head, rows), (["chats", *kinds], costs)])


def _cells(clock: Clock, each: Round) -> list[str]:
    return [
        str(each.chats),
        f"{1000 * clock.seconds(each.chats):.1f}",
        f"{each.tokens_per_s:.0f}",
        f"{each.share:.2f}",
        f"{each.whole_share:.2f}",
        f"{each.gap_p50:.2f}",
        f"{each.gap_p95:.2f}",
        f"{1000 * each.first_p95_s:.0f}",
        *(f"{1000 * percentile(seconds, share):.0f}" for seconds in (each.lists_s, each.pages_s) for share in (0.5, 0.95)),
    ]


if __name__ == "__main__":
    main()
