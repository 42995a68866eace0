"""A model that hangs in a real portal: the portal reports it, and can still stop."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil

from bench.portal_parts.portal import running_portal
from samples.gguf_maker import make_gguf


def test_a_model_that_stands_still_is_reported_and_sigterm_ends_the_portal_promptly(tmp_path: Path) -> None:
    endless = make_gguf(tmp_path / "slow.gguf", layers=30, context=4096, name="slow", sharpness=0.1)
    with running_portal(PORTAL_MODEL=str(endless), PORTAL_ISOLATED="1", PORTAL_CONTEXT="4096", PORTAL_SLOTS="2") as portal:
        with portal.sign_in() as admin:
            question = {"messages": [{"role": "user", "content": "Write much"}], "max_tokens": 4000}

            def ask() -> None:
                try:
                    admin.post("/v1/chat/completions", json=question, timeout=60)
                except httpx.HTTPError:
                    pass

            threading.Thread(target=ask, daemon=True).start()
            until(lambda: admin.get("/api/v1/models").json()["loaded"][0]["slots_busy"], 60)
            [model] = [one for one in psutil.Process(portal.process.pid).children(recursive=True) if "models.child.host" in words_of(one)]
            os.kill(model.pid, signal.SIGSTOP)
            until(lambda: admin.get("/readyz").status_code == 503, 60)
            assert "slow is stuck: its step has taken" in admin.get("/readyz").json()["model"]["detail"]
            assert admin.get("/api/v1/models").json()["loaded"][0]["stuck_s"] > 10
            assert 'portal_model_step_running_seconds{model="slow"}' in admin.get("/metrics").text
            until(lambda: "model slow is stuck" in log_of(portal.home), 60)
            began = time.monotonic()
            portal.process.send_signal(signal.SIGTERM)
            portal.process.wait(60)
            assert time.monotonic() - began < 30, "it takes three seconds; draining would take minutes"
            assert not model.is_running() or model.status() == psutil.STATUS_ZOMBIE


def words_of(process: psutil.Process) -> list[str]:
    """Return its command line, which is empty once it has ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def log_of(home: Path) -> str:
    files = [home / "bench.log", *(home / "logs").glob("*.log*")]
    return "".join(path.read_text("utf-8") for path in files)


def until(true: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
