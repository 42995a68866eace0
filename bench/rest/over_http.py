"""Measure the portal beside llama-server, both over HTTP with the built-in guide: `./portal bench over_http [--chats N ...] [--repeats N]`

Each answers the same question for N chats at once, streamed, at temperature 0, so that both write the same tokens. The clients run in a
separate process on the same machine. Both sides use as many threads as the machine has cores, and take turns.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from bench.engine.peers import llama_server
from bench.engine_parts.results import HEAD, processor, row, write
from bench.engine_parts.sides import server
from bench.models.peer_platforms import GUIDE
from bench.portal_parts.portal import percentile, running_portal, table
from bench.rest.whole_path import Read, ask_all
from models import machine

CHATS = (1, 8, 16, 50)
CONTEXT = 512
ROUNDS = 6
"""How many times the chats ask one after the other, so that a measurement takes seconds."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side. signed_in: a key for each chat."""

    port: int
    signed_in: Sequence[str]

    def ask(self, clients: ProcessPoolExecutor, chats: int, tokens: int) -> list[Read]:
        return clients.submit(ask_all, "127.0.0.1", self.port, self.signed_in[:chats], tokens, True, 0).result()


def measure(side: Side, clients: ProcessPoolExecutor, chats: int, tokens: int) -> tuple[float, float]:
    """Return tokens/s and the 95th percentile of the seconds to the first text."""
    count, seconds, firsts = 0, 0.0, []
    for _ in range(ROUNDS):
        answers = side.ask(clients, chats, tokens)
        count += sum(each.tokens for each in answers)
        seconds += max(each.arrivals[-1] for each in answers) - min(each.asked for each in answers)
        firsts += [each.arrivals[0] - each.asked for each in answers]
    return count / seconds, percentile(firsts, 0.95)


def main() -> None:
    parser = argparse.ArgumentParser(prog="./portal bench over_http")
    parser.add_argument("--chats", type=int, nargs="+", default=list(CHATS))
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, help="where the table goes besides")
    chosen = parser.parse_args()
    begun, most = time.perf_counter(), max(chosen.chats)
    rows = []
    with contextlib.ExitStack() as stack:
        peer = stack.enter_context(server(llama_server(), GUIDE, slots=most, context=CONTEXT, threads=machine.cores()))
        portal = stack.enter_context(running_portal(PORTAL_SLOTS=str(most), PORTAL_CONTEXT=str(CONTEXT)))
        names = [f"person{number}" for number in range(most)]
        portal.add_people(names)
        keys = []
        for name in names:
            with portal.sign_in(name) as client:
                keys.append(client.headers["Authorization"].removeprefix("Bearer "))
        sides = {"portal": Side(int(portal.url.rpartition(":")[2]), keys), "llama-server": Side(peer.port, ["none"] * most)}
        clients = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
        for chats in chosen.chats:
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
            for repeat in range(-1, chosen.repeats):  # the first repeat warms up
                for name in sides if repeat % 2 else reversed(sides):
                    value = measure(sides[name], clients, chats, chosen.tokens)
                    if repeat >= 0:
                        found[name].append(value)
            ours, theirs = found["portal"], found["llama-server"]
            rows.append(row(f"tok/s, {chats} chats", [one[0] for one in ours], "llama-server", [one[0] for one in theirs], ">= 1.0"))
            firsts = ([1000 * one[1] for one in ours], [1000 * one[1] for one in theirs])
            rows.append(row(f"first text p95, ms, {chats} chats", firsts[0], "llama-server", firsts[1], ""))
    if chosen.out:
        facts = [f"device: {processor()}", f"answers of at most {chosen.tokens} tokens; median of {chosen.repeats} (lowest-highest)"]
        write(chosen.out, "The portal beside llama-server over HTTP", "over_http", time.perf_counter() - begun, facts, rows)
    table("The portal beside llama-server over HTTP, the built-in guide", HEAD, rows)


if __name__ == "__main__":
    main()
