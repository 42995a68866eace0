"""Ask a portal for ten times what it can take. `./portal bench overload [--times N] [--connections N ...]`

Fills the queue of a model that takes a GPU's time (bench/engine_parts/gpu_clock.py), then sends ten times as many questions again, and
ten times as many sign-ins as may wait. Reports how long refusals take, whether each says when to come back, what one costs, and the pauses
between the pieces of an answer that someone reads all the while. Exits with 1 if a response is no refusal and no answer, a refusal lacks
Retry-After, the p95 of refusals is above 200 ms, the reader's answer is cut, or the portal ends.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.engine_parts import synthetic
from bench.portal_parts.portal import Measured, percentile, processor_s, running_portal, table
from bench.rest.overload.crowd import LONG, Crowd
from bench.rest.overload.flood import Call, Reply, flood
from bench.rest.overload.reader import Reader
from core.people.signing_in.sign_in import MAX_WAITING

MAX_S = 0.2
REFUSALS = {429, 503}
SIGN_INS_AT_ONCE = 256
"""More than may wait (MAX_WAITING): the connections of accepted ones wait for their answers."""
CALM_S = 5.0
PEOPLE = [f"person{number}" for number in range(5)]
MODEL = replace(synthetic.WIDE, name="glm4-overload", vocabulary=4_096, context=32_768)
"""The model has a small vocabulary, since sampling is not measured."""


@dataclass(frozen=True, slots=True)
class Round:
    """One flood. gaps: of the reader's answer meanwhile."""

    name: str
    connections: int
    replies: Sequence[Reply]
    seconds: float
    gaps: Sequence[float]
    processor_s: float
    """What the portal used beyond what it uses without a flood."""

    def problems(self, accepted: frozenset[int]) -> list[str]:
        """Return what went wrong. accepted: status codes besides refusals."""
        refused = [each for each in self.replies if each.status in REFUSALS]
        strange = Counter(each.status for each in self.replies if each.status not in REFUSALS | accepted)
        found = [f"{self.name}: {count} responses with {status}" for status, count in strange.items()]
        found += [f"{self.name}: a refusal without Retry-After"] if not all(each.retry_after for each in refused) else []
        found += [f"{self.name}: nobody was refused"] if not refused else []
        if refused and (p95 := percentile([each.seconds for each in refused], 0.95)) > MAX_S:
            found.append(f"{self.name} over {self.connections} connections: p95 of refusals is {1000 * p95:.0f} ms")
        return found

    def cells(self) -> Sequence[str]:
        refused = sorted(each.seconds for each in self.replies if each.status in REFUSALS) or [0.0]
        times = ", ".join(f"{1000 * each:.0f}" for each in (percentile(refused, 0.5), percentile(refused, 0.95), refused[-1]))
        statuses = sorted(Counter(each.status for each in self.replies if each.status not in REFUSALS).items())
        others = ", ".join(f"{count} x {status}" for status, count in statuses)
        return (
            self.name, str(self.connections), str(len(self.replies)), str(sum(each.status in REFUSALS for each in self.replies)), others,
            times, f"{len(self.replies) / self.seconds:.0f}", f"{1000 * self.processor_s / len(self.replies):.1f}",
            f"{1000 * percentile(self.gaps or [0.0], 0.95):.0f}",
        )  # fmt: skip


def main() -> int:
    options = argparse.ArgumentParser(prog="./portal bench overload")
    options.add_argument("--times", type=int, default=10)
    options.add_argument("--connections", type=int, nargs="+", default=[16, 64])
    given = options.parse_args()
    with contextlib.ExitStack() as stack:
        model = synthetic.make(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-"))), MODEL)
        settings = {"PORTAL_MODEL": str(model), "PORTAL_SLOTS": "4", "PORTAL_CONTEXT": str(MODEL.context)}
        settings |= {"PORTAL_MAX_WAIT_S": "86400", "PORTAL_TRUSTED_PROXIES": "127.0.0.1"}
        portal = stack.enter_context(running_portal(None, start_s=180, module=("bench.clock_parts.server", "glm-4-9b"), **settings))
        return measure(portal, given.times, given.connections)


def measure(portal: Measured, times: int, connections: Sequence[int]) -> int:
    host, port = portal.url.removeprefix("http://").split(":")
    portal.add_people([*PEOPLE, "reader"])
    tokens = []
    for name in PEOPLE:
        with portal.sign_in(name) as client:
            tokens.append(client.headers["Authorization"].removeprefix("Bearer "))
    rounds: list[Round] = []
    problems: list[str] = []
    with Reader(portal, "reader", LONG) as reader, Crowd(host, int(port), tokens[:-1]) as crowd:
        print(f"The queue took {len(crowd)} questions.", flush=True)
        began, used = time.perf_counter(), processor_s(portal)
        time.sleep(CALM_S)
        ended = time.perf_counter()
        before, calm = reader.gaps(began, ended), (processor_s(portal) - used) / (ended - began)
        count = times * len(crowd)

        def question(number: int) -> Call:
            body = {"messages": [{"role": "user", "content": "And now?"}], "stream": True}
            return Call("/v1/chat/completions", body, tokens[number % len(tokens)])

        def sign_in(number: int) -> Call:
            body = {"username": f"nobody{number}", "password": "wrong horse"}
            return Call("/api/v1/session", body, address=f"10.0.{number // 250}.{number % 250}")

        kinds: Sequence[tuple[str, Callable[[int], Call], int, frozenset[int]]] = [
            ("/v1", question, count, frozenset()), ("sign-in", sign_in, times * MAX_WAITING, frozenset({401})),
        ]  # fmt: skip
        for name, make, many, accepted in kinds:
            for each in connections if name != "sign-in" else [SIGN_INS_AT_ONCE]:
                print(f"{many} x {name} over {each} connections", flush=True)
                began, used = time.perf_counter(), processor_s(portal)
                replies = flood(host, int(port), [make(number) for number in range(many)], each)
                ended = time.perf_counter()
                more = processor_s(portal) - used - calm * (ended - began)
                rounds.append(Round(name, each, replies, ended - began, reader.gaps(began, ended), more))
                problems += rounds[-1].problems(accepted)
        problems += [] if reader.reading else [f"The reader's answer ended. {reader.fault}"]
        problems += [] if portal.process.poll() is None else ["The portal ended."]
        held = len(crowd)
    print(f"The queue took {held} questions. The reader's pauses before: p95 {1000 * percentile(before, 0.95):.0f} ms.")
    head = ("flood", "connections", "sent", "refused", "others", "p50, p95, max ms", "a second", "processor ms", "reader's pause p95, ms")
    table("Refusals", head, [each.cells() for each in rounds])
    print()
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
