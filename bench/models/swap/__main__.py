"""Measure a hot swap under running chats: failed, cut and delayed answers. `./portal bench swap [--seconds N] [--chats N]`

Chats ask one after another over REST. The same portal is measured without a swap first, then while the model's name moves to another
quantization and back. The models are synthetic GLMs that never end by themselves, so every whole answer has the same length.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from bench.portal_parts.portal import Measured, running_portal, table
from samples.gguf_maker import WITHOUT_THINKING, make_gguf

CHATS, TOKENS, SLOTS, CONTEXT, LAYERS = 16, 48, 16, 1024, 12
SWAP_LIMIT_S = 300
WANTED_MORE_S = 2.0


@dataclass(frozen=True)
class Answer:
    """An answer, in seconds on one clock. gap: the longest time between two pieces. whole: it ended as requested."""

    started: float
    first: float
    ended: float
    gap: float
    whole: bool
    version: str

    @property
    def wait(self) -> float:
        return self.first - self.started


@dataclass
class Chats:
    """Threads that ask one question after another until they are stopped."""

    portal: Measured
    answers: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self, count: int) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._chat, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        return threads

    def _chat(self, number: int) -> None:
        with self.portal.sign_in() as client:
            turn = 0
            while not self.stopped.is_set():
                turn += 1
                try:
                    self.answers.append(_ask(client, f"Chat {number}, question {turn}"))
                except (httpx.HTTPError, ValueError, KeyError) as problem:
                    self.failures.append(repr(problem))


def _ask(client: httpx.Client, question: str) -> Answer:
    body = {
        "model": "glm", "messages": [{"role": "user", "content": question}], "max_tokens": TOKENS, "temperature": 1, "stream": True,
        "stream_options": {"include_usage": True},
    }  # fmt: skip
    started = last = time.perf_counter()
    first = gap = 0.0
    reason, tokens, version = "", 0, ""
    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if not line.startswith("data: {"):
                continue
            event: dict[str, Any] = json.loads(line[6:])
            now = time.perf_counter()
            version = event.get("system_fingerprint") or version
            tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
            for choice in event.get("choices", ()):
                reason = choice.get("finish_reason") or reason
                if choice["delta"].get("content"):
                    first, gap, last = (now, gap, now) if not first else (first, max(gap, now - last), now)
    whole = reason == "length" and tokens == TOKENS
    return Answer(started=started, first=first or last, ended=time.perf_counter(), gap=gap, whole=whole, version=version)


def swap(admin: httpx.Client, path: Path) -> dict[str, Any]:
    """Swap to this file and wait for the end; return the swap."""
    started = admin.post("/api/v1/models/glm/swap", json={"path": str(path), "watch_s": 2}).raise_for_status().json()
    deadline = time.monotonic() + SWAP_LIMIT_S
    while True:
        now: dict[str, Any] = admin.get(f"/api/v1/swaps/{started['id']}").raise_for_status().json()
        if now["state"] not in ("running", "asking") or time.monotonic() > deadline:
            return now
        time.sleep(0.2)


def _row(name: str, answers: Sequence[Answer]) -> list[str]:
    waits = sorted(answer.wait for answer in answers)
    cut = sum(not answer.whole for answer in answers)
    p50, p95, most = (waits[int(len(waits) * share)] if waits else 0.0 for share in (0.5, 0.95, 0.9999))
    gap = max((answer.gap for answer in answers), default=0.0)
    return [name, str(len(answers)), str(cut), f"{p50:.2f}", f"{p95:.2f}", f"{most:.2f}", f"{gap:.2f}"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="./portal bench swap")
    parser.add_argument("--seconds", type=float, default=60, help="how long the chats run without a swap")
    parser.add_argument("--chats", type=int, default=CHATS)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        old = make_gguf(Path(folder) / "glm.gguf", template=WITHOUT_THINKING, layers=LAYERS, context=CONTEXT, sharpness=0.1)
        new = make_gguf(
            Path(folder) / "glm-q8.gguf", template=WITHOUT_THINKING, layers=LAYERS, context=CONTEXT, sharpness=0.1, quantization="Q8_0"
        )
        settings = {"PORTAL_MODEL": str(old), "PORTAL_SLOTS": str(SLOTS), "PORTAL_CONTEXT": str(CONTEXT)}
        with running_portal(None, start_s=180, **settings) as portal, portal.sign_in() as admin:
            admin.post("/api/v1/canary-questions", json={"question": "What is a computer?"}).raise_for_status()
            chats = Chats(portal)
            threads = chats.run(chosen.chats)
            time.sleep(chosen.seconds)
            begun = time.perf_counter()
            swaps = [swap(admin, new), swap(admin, old)]
            ended = time.perf_counter()
            chats.stopped.set()
            for thread in threads:
                thread.join()
    before = [answer for answer in chats.answers if answer.ended < begun]
    during = [answer for answer in chats.answers if answer.ended >= begun and answer.started <= ended]
    head = ["", "answers", "cut", "wait p50", "wait p95", "longest wait", "longest gap"]
    table(f"{chosen.chats} chats, seconds", head, [_row("without a swap", before), _row("during two swaps", during)])
    versions = len({answer.version for answer in during})
    took = ", ".join(f"{_took(one, 'load'):.1f} s load, {_took(one, 'drain'):.1f} s drain, {one['state']}" for one in swaps)
    more = max(answer.wait for answer in during) - max(answer.wait for answer in before)
    print(f"\nfailed: {len(chats.failures)} {chats.failures[:2] or ''}; versions seen: {versions}; swaps: {took}")
    print(f"longest wait, with swaps over without: {more:+.2f} s (wanted at most {WANTED_MORE_S:+.0f})")


def _took(done: dict[str, Any], kind: str) -> float:
    for step in done["steps"]:
        if step["kind"] == kind and step["ended_at"]:
            return (datetime.fromisoformat(step["ended_at"]) - datetime.fromisoformat(step["started_at"])).total_seconds()
    return 0.0


if __name__ == "__main__":
    main()
