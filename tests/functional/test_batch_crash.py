"""kill -9 in the middle of a batch: it continues after the restart, and no line is lost or duplicated."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import httpx

from bench.portal_parts.portal import running_portal
from tests.functional.test_rest_process import slow_model

__all__ = ["slow_model"]

LINES = 60
END_S = 240
ENDED = ("completed", "failed", "expired", "cancelled")


def lines() -> bytes:
    body = {"messages": [{"role": "user", "content": "How do I add a model?"}], "max_tokens": 24}
    rows = ({"custom_id": f"line {number}", "method": "POST", "url": "/v1/chat/completions", "body": body} for number in range(LINES))
    return "\n".join(map(json.dumps, rows)).encode()


def done_of(client: httpx.Client, batch_id: str) -> int:
    return int(client.get(f"/v1/batches/{batch_id}").raise_for_status().json()["request_counts"]["completed"])


def test_a_batch_goes_on_after_a_kill_and_each_line_is_answered_once(tmp_path: Path, slow_model: Path) -> None:
    model = {"PORTAL_MODEL": str(slow_model), "PORTAL_SLOTS": "4", "PORTAL_CONTEXT": "256"}
    with running_portal(tmp_path, **model) as portal, portal.sign_in() as client:
        file = client.post("/v1/files", data={"purpose": "batch"}, files={"file": ("lines.jsonl", lines())}).raise_for_status().json()["id"]
        body = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        batch = client.post("/v1/batches", json=body).raise_for_status().json()["id"]
        deadline = time.monotonic() + END_S
        while not (before := done_of(client, batch)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        portal.process.send_signal(signal.SIGKILL)
        portal.process.wait(60)
    assert before < LINES, "the batch was faster than the kill"
    with running_portal(tmp_path, **model) as portal, portal.sign_in() as client:
        deadline = time.monotonic() + END_S
        while (state := client.get(f"/v1/batches/{batch}").raise_for_status().json())["status"] not in ENDED:
            assert time.monotonic() < deadline, state
            time.sleep(0.2)
        assert (state["status"], state["request_counts"]) == ("completed", {"total": LINES, "completed": LINES, "failed": 0})
        answered = client.get(f"/v1/files/{state['output_file_id']}/content").raise_for_status().text.splitlines()
    assert [json.loads(line)["custom_id"] for line in answered] == [f"line {number}" for number in range(LINES)]
