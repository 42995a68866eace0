"""Serve a portal with models like those of llama.cpp's server tests, and run the tests on it in a separate process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass

from bench.portal_parts.portal import ROOT, Measured, running_portal
from samples.gguf_maker import make_gguf
from tests.peers.fetched import server_tests
from tests.vector_gguf_maker import make_bert

TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}<|assistant|>"
WORDS = ["i", "believe", "the", "meaning", "of", "life", "is"]
"""Words that the embedding model of those tests has whole, because the tests count its tokens."""
READY_S, RUN_S = 120, 600
_COUNTS = re.compile(r"(\d+) (passed|failed|errors?|xfailed|deselected|skipped)")


@dataclass(frozen=True, slots=True)
class Result:
    """passed: as they were written. different: failed as `different.txt` says. failed: everything else that did not pass.
    elsewhere: not run, because they do not concern the portal."""

    passed: int
    different: int
    failed: int
    elsewhere: int
    output: str

    @property
    def share(self) -> float:
        return self.passed / max(1, self.passed + self.different + self.failed)


def run_server_tests() -> Result:
    tests = server_tests()
    with running_portal() as portal:
        _load_models(portal)
        with portal.sign_in() as admin:
            key = admin.post("/api/v1/keys", json={"name": "peers", "scopes": ["chat"]}).raise_for_status().json()["token"]
        environment = {**os.environ, "PEERS_PORTAL": portal.url, "PEERS_KEY": key, "PEERS_TESTS": str(tests), "PYTHONPATH": str(ROOT)}
        options = ["-c", os.devnull, "--rootdir", str(tests), "--noconftest", "-p", "tests.peers.adapter", "-p", "no:cacheprovider"]
        shown = ["-q", "--durations=15", "--tb=short", "--show-capture=no", "-rfE", "-W", "ignore"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *shown, "unit"],
            cwd=tests, env=environment, capture_output=True, text=True, timeout=RUN_S, check=False,
        )  # fmt: skip
    counts = {kind.rstrip("s"): int(number) for number, kind in _COUNTS.findall(done.stdout.rpartition("\n\n")[2] or done.stdout)}
    return Result(
        passed=counts.get("passed", 0),
        different=counts.get("xfailed", 0),
        failed=counts.get("failed", 0) + counts.get("error", 0),
        elsewhere=counts.get("deselected", 0),
        output=done.stdout + done.stderr,
    )


def _load_models(portal: Measured) -> None:
    paths = [
        make_gguf(portal.home / "tiny.gguf", context=2048, template=TEMPLATE),
        make_bert(portal.home / "bert.gguf", context=512, words=WORDS),
        make_bert(portal.home / "ranker.gguf", "rank", context=512),
    ]
    with portal.sign_in() as admin:
        for path in paths:
            admin.post("/api/v1/models/load", json={"path": str(path)}).raise_for_status()
        deadline = time.monotonic() + READY_S
        while True:
            states = {one["name"]: one["state"] for one in admin.get("/api/v1/models").json()["loaded"]}
            if all(states.get(path.stem) == "ready" for path in paths):
                return
            if "failed" in states.values() or time.monotonic() > deadline:
                raise RuntimeError(f"The models for llama.cpp's tests did not load: {states}")
            time.sleep(0.1)
