"""The decode thread of a running portal has a higher system priority than the serving thread."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from bench.engine_parts.synthetic import MIDDLE, make
from bench.portal_parts.portal import running_portal
from models.serving.precedence import NICE

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere urgency belongs to whole processes")


def processor_ns(pid: int) -> dict[int, int]:
    """Return what each thread has computed so far. One may end between the list and the reading."""
    found: dict[int, int] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found[int(task.name)] = int((task / "schedstat").read_text().split()[0])
    return found


def test_the_thread_that_decodes_goes_before_the_one_that_serves(tmp_path: Path) -> None:
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    with running_portal(PORTAL_MODEL=str(make(tmp_path, MIDDLE))) as portal, portal.sign_in() as admin:
        pid = portal.process.pid
        before = processor_ns(pid)
        chat = admin.post("/api/v1/conversations", json={}).raise_for_status().json()["id"]
        body = {"text": "What can this portal do?", "request_id": uuid4().hex, "max_tokens": 200, "temperature": 1}
        admin.post(f"/api/v1/conversations/{chat}/messages", json=body).raise_for_status()
        after = processor_ns(pid)
        decoding = max(after, key=lambda thread: after[thread] - before.get(thread, 0))
        assert os.getpriority(os.PRIO_PROCESS, decoding) == usual
        assert os.getpriority(os.PRIO_PROCESS, pid) == usual + NICE
