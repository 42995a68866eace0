"""llama.cpp crashes in the middle of an answer: together with the portal, or in a separate process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from bench.portal_parts.portal import ROOT, Measured, running_portal
from core.models.start_records import Crash
from models.serving.state_files.last_run import read_crashes
from tests.functional.test_rest_process import slow_model

__all__ = ["slow_model"]


def until(true: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def asked(client: httpx.Client) -> Iterator[dict[str, Any]]:
    """Yield the events of an answer that continues for seconds, as they come."""
    conversation = client.post("/api/v1/conversations", json={"title": "Cut"}).json()["id"]
    body = {"text": "Write much", "stream": True, "request_id": "cut"}
    with client.stream("POST", f"/api/v1/conversations/{conversation}/messages", json=body) as response:
        for line in response.iter_lines():
            if line.startswith("data: {"):
                yield json.loads(line.removeprefix("data: "))


def is_gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_the_next_start_tells_of_a_crash(tmp_path: Path, slow_model: Path) -> None:
    model = {"PORTAL_MODEL": str(slow_model), "PORTAL_SLOTS": "2", "PORTAL_CONTEXT": "1024"}
    with running_portal(tmp_path, **model) as portal, portal.sign_in() as client:
        events = asked(client)
        while not next(events).get("reasoning"):
            pass
        portal.process.send_signal(signal.SIGABRT)
        portal.process.wait(60)
    assert read_crashes(tmp_path / "logs") == []
    with running_portal(tmp_path, **model):
        [crash] = read_crashes(tmp_path / "logs")
        assert isinstance(crash, Crash) and (crash.error, crash.in_a_row) == ("Aborted", 1)
        log = (tmp_path / "logs" / "portal.log").read_text("utf-8")
        assert "The last run ended in native code" in log and "Fatal Python error: Aborted" in log
        environment = {**os.environ, "PORTAL_HOME": str(tmp_path)}
        command = [sys.executable, "-m", "cli.commands.inspection"]
        told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        assert '"Last crash"' in told.stdout and "in native code" in told.stdout
    assert [crash.in_a_row for crash in read_crashes(tmp_path / "logs")] == [0]


def test_a_model_in_its_own_process_dies_alone_and_ends_with_the_portal(tmp_path: Path, slow_model: Path) -> None:
    model = {"PORTAL_MODEL": str(slow_model), "PORTAL_SLOTS": "2", "PORTAL_CONTEXT": "1024", "PORTAL_ISOLATED": "true"}
    with running_portal(tmp_path, **model) as portal, portal.sign_in() as client:
        events = asked(client)
        while not next(events).get("reasoning"):
            pass
        died = host_of(portal)
        os.kill(died, signal.SIGABRT)
        begin = time.monotonic()
        failed = [event for event in events if "stopped working and is restarting" in json.dumps(event)]
        assert failed and time.monotonic() - begin < 20
        until(lambda: client.get("/api/v1/models").json()["loaded"][0]["state"] == "ready")
        assert time.monotonic() - begin < 60
        answer = client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "x"}], "max_tokens": 5})
        assert answer.json()["usage"]["completion_tokens"] == 5
        child = host_of(portal)
        assert child != died and is_gone(died)
        portal.process.kill()
        portal.process.wait(60)
        until(lambda: is_gone(child))


def host_of(portal: Measured) -> int:
    """Return the process of the portal's model."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text("utf-8").rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        if b"models.child.host" in words and parent == portal.process.pid:
            return int(folder.name)
    raise AssertionError("there is no such process")
