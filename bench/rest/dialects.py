"""Measure the time to the first token in each dialect beside chat completions. `./portal bench dialects`

All dialects ask the same question in turn, so that other load on the machine affects all of them alike.
"""

from __future__ import annotations

import argparse
import statistics
import time

import httpx

from bench.portal_parts.portal import percentile, running_portal, table

QUESTION = "How do I add a model?"
MESSAGES = [{"role": "user", "content": QUESTION}]
LIMITS = {"temperature": 0, "stream": True}
BODIES: dict[str, tuple[str, dict[str, object], str]] = {
    "/v1/chat/completions": ("/v1/chat/completions", {"messages": MESSAGES, "max_tokens": 4, **LIMITS}, '"content":"'),
    "/v1/completions": ("/v1/completions", {"prompt": QUESTION, "max_tokens": 4, **LIMITS}, '"text":"'),
    "/v1/messages": ("/v1/messages", {"messages": MESSAGES, "max_tokens": 4, **LIMITS}, "text_delta"),
    "/v1/responses": ("/v1/responses", {"input": QUESTION, "max_output_tokens": 4, "store": False, **LIMITS}, "output_text.delta"),
    "/v1/responses, stored": ("/v1/responses", {"input": QUESTION, "max_output_tokens": 4, "store": True, **LIMITS}, "output_text.delta"),
}
FIRST_CHAT = '"content":""'
"""Chat completions begin with an empty piece, before any token."""


def first_token_ms(client: httpx.Client, path: str, body: dict[str, object], mark: str) -> float:
    began = time.perf_counter()
    with client.stream("POST", path, json=body) as response:
        response.raise_for_status()
        found = 0.0
        for line in response.iter_lines():
            if not found and mark in line and FIRST_CHAT not in line:
                found = (time.perf_counter() - began) * 1000
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {name: [] for name in BODIES}
    with running_portal() as portal, portal.sign_in() as client:
        for number in range(rounds + 3):
            for name, (path, body, mark) in BODIES.items():
                taken = first_token_ms(client, path, body, mark)
                if number >= 3:  # The first rounds warm up.
                    times[name].append(taken)
    chat = times["/v1/chat/completions"]
    rows = []
    for name, measured in times.items():
        more = statistics.median(one - other for one, other in zip(measured, chat, strict=True))
        rows.append([name, f"{statistics.median(measured):.1f}", f"{percentile(measured, 0.95):.1f}", f"{more:+.1f}"])
    head = ("dialect", "p50, ms", "p95, ms", "above chat completions, median of pairs, ms")
    table(f"First token, {rounds} rounds", head, rows)


if __name__ == "__main__":
    main()
