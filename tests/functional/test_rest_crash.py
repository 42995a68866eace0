"""The process ends in the middle of an answer, in order or not: after the restart the answer is kept as far as it came."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from bench.portal_parts.portal import Measured, running_portal
from tests.functional.test_rest_process import slow_model

__all__ = ["slow_model"]

ASKED = "Write much"


def _ask_and_cut(portal: Measured, cut: signal.Signals) -> tuple[str, str]:
    """Send `cut` after two seconds of answer; returns the conversation and all the text that was seen."""
    with portal.sign_in() as client:
        conversation = client.post("/api/v1/conversations", json={"title": "Cut"}).json()["id"]
        seen = ""
        started = None
        body = {"text": ASKED, "stream": True, "request_id": "cut"}
        with client.stream("POST", f"/api/v1/conversations/{conversation}/messages", json=body) as response:
            for line in response.iter_lines():
                if not line.startswith('data: {"text"'):
                    continue
                started = started or time.monotonic()
                data = json.loads(line.removeprefix("data: "))
                seen += data["reasoning"] + data["text"]
                if time.monotonic() - started > 2:
                    break
            portal.process.send_signal(cut)
            portal.process.wait(60)
    assert seen
    return conversation, seen


@pytest.mark.parametrize("cut", [signal.SIGTERM, signal.SIGKILL])
def test_a_cut_answer_is_interrupted_and_keeps_its_text(tmp_path: Path, slow_model: Path, cut: signal.Signals) -> None:
    model = {"PORTAL_MODEL": str(slow_model), "PORTAL_SLOTS": "2", "PORTAL_CONTEXT": "1024"}
    with running_portal(tmp_path, **model) as portal:
        conversation, seen = _ask_and_cut(portal, cut)
    with running_portal(tmp_path, **model) as portal, portal.sign_in() as client:
        asked, answered = client.get(f"/api/v1/conversations/{conversation}/messages").json()["items"]
        assert asked["text"] == ASKED
        assert answered["status"] == "interrupted"
        kept = answered["reasoning"] + answered["text"]
        assert kept
        if cut is signal.SIGTERM:
            assert kept.startswith(seen)
        else:
            assert seen.startswith(kept) or kept.startswith(seen)
        body = {"text": ASKED, "request_id": "cut"}
        assert client.post(f"/api/v1/conversations/{conversation}/messages", json=body).json()["answer"]["id"] == answered["id"]
        again = client.post(f"/api/v1/messages/{answered['id']}/regenerate", json={"max_tokens": 5})
        assert again.json()["status"] == "done"
