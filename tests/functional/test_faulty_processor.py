"""A whole portal on a processor that is like the one it was installed on, but refuses what llama.cpp does with repacked weights."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from bench._portal import PASSWORD, running_portal
from cli.places import REPOSITORY
from tests import faulty_processor
from tests.functional.test_command import _environment, _free_port
from tests.this_machine import EXTRA_BUFFERS

pytestmark = [faulty_processor.CAN_BE_MADE, pytest.mark.skipif(not EXTRA_BUFFERS, reason="this processor fails by itself")]


def _ask(client: httpx.Client) -> str:
    body = {"model": "guide", "messages": [{"role": "user", "content": "How do I change my password?"}], "temperature": 0}
    return str(client.post("/v1/chat/completions", json=body).raise_for_status().json()["choices"][0]["message"]["content"])


def test_a_portal_that_died_of_its_processor_runs_at_the_next_start(tmp_path: Path) -> None:
    library = faulty_processor.refuses_repacked(tmp_path)
    home, port = tmp_path / "home", _free_port()
    environment = _environment(home, port, PORTAL_ADMIN_PASSWORD=PASSWORD, LD_PRELOAD=str(library))
    command = [sys.executable, "-m", "cli.serve"]
    with (tmp_path / "log").open("wb") as log:
        first = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=log, stderr=log)
        until = time.monotonic() + 120
        while first.poll() is None and time.monotonic() < until:
            with contextlib.suppress(httpx.HTTPError, KeyError, ValueError), httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                signed_in = client.post("/api/v1/session", json={"username": "admin", "password": PASSWORD}).raise_for_status()
                client.headers["Authorization"] = f"Bearer {signed_in.json()['token']}"
                _ask(client)
            time.sleep(0.2)
        if first.poll() is None:
            first.kill()
        first.wait()
    assert first.returncode == -signal.SIGILL, (tmp_path / "log").read_text("utf-8", "replace")[-2000:]
    with running_portal(home, start_s=120, LD_PRELOAD=str(library)) as portal, portal.sign_in() as admin:
        assert _ask(admin).startswith("Change your password")
    assert '"extra_buffers": false' in (home / "engine.json").read_text()
