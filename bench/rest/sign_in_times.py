"""Measure whether a wrong sign-in takes as long for an existing name as for another. `./portal bench sign_in_times [PAIRS]`

Tries known and unknown names in turn, in random order within each pair, over REST. Exits with 1 if the medians differ by more than 10 %.
"""

from __future__ import annotations

import random
import statistics
import sys
import time

import httpx

from bench.portal_parts.portal import Measured, running_portal, table
from core.people.signing_in.attempts import MAX_BY_NAME

PAIRS = 200
MAX_APART = 0.10
WARM_UP = 10


def main() -> int:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    with running_portal(PORTAL_TRUSTED_PROXIES="127.0.0.1") as portal:
        known, unknown = measure(portal, pairs)
    both = (("known", known), ("unknown", unknown))
    rows = [(kind, *(f"{1000 * each:.1f}" for each in statistics.quantiles(times, n=4))) for kind, times in both]
    table(f"{pairs} wrong sign-ins of each kind, ms", ("name", "p25", "median", "p75"), rows)
    apart = abs(statistics.median(known) / statistics.median(unknown) - 1)
    print(f"\nThe medians differ by {100 * apart:.1f} %.")
    print(f"Of two tries, the slower is the known name in {100 * slower(known, unknown):.0f} %; 50 % tells nothing.")
    return 1 if apart > MAX_APART else 0


def measure(portal: Measured, pairs: int) -> tuple[list[float], list[float]]:
    """Return the seconds of each attempt. A name and an address have a limited number of attempts, so there are many of both."""
    names = [f"known{number}" for number in range(-(-(pairs + WARM_UP) // MAX_BY_NAME))]
    portal.add_people(names)
    times: tuple[list[float], list[float]] = ([], [])
    order = random.Random(0)
    with httpx.Client(base_url=portal.url, timeout=60) as client:
        for pair in range(pairs + WARM_UP):
            number = pair // MAX_BY_NAME
            tries = [(0, names[number]), (1, f"other{number}")]
            order.shuffle(tries)
            for kind, name in tries:
                headers = {"X-Forwarded-For": f"10.{pair // 200}.{pair % 200}.{kind + 1}"}
                began = time.perf_counter()
                answered = client.post("/api/v1/session", json={"username": name, "password": "wrong horse"}, headers=headers)
                took = time.perf_counter() - began
                if answered.status_code != 401:
                    raise RuntimeError(f"{name}: {answered.status_code} {answered.text}")
                if pair >= WARM_UP:
                    times[kind].append(took)
    return times


def slower(known: list[float], unknown: list[float]) -> float:
    """Return the share of all pairs in which the known name took longer."""
    return sum((one > other) + (one == other) / 2 for one in known for other in unknown) / (len(known) * len(unknown))


if __name__ == "__main__":
    sys.exit(main())
