"""A whole portal on a processor like the one it was installed on, but which refuses llama.cpp's instructions for repacked weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.portal_parts.portal import running_portal
from bootstrap.models import GUIDE
from models.trials.self_test import four_bit
from tests import faulty_processor
from tests.this_machine import EXTRA_BUFFERS

pytestmark = [faulty_processor.CAN_BE_MADE, pytest.mark.skipif(not EXTRA_BUFFERS, reason="this processor fails by itself")]


def test_a_model_that_such_a_processor_would_die_of_answers(tmp_path: Path) -> None:
    """The note still says that repacked weights work; the trial of the file finds out."""
    model = four_bit(GUIDE, tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    library = faulty_processor.refuses_repacked(tmp_path)
    with running_portal(home, start_s=120, PORTAL_MODEL=str(model), LD_PRELOAD=str(library)) as portal, portal.sign_in() as admin:
        body = {"messages": [{"role": "user", "content": "How do I change my password?"}], "temperature": 0}
        answered = admin.post("/v1/chat/completions", json=body).raise_for_status().json()
        assert answered["choices"][0]["message"]["content"].startswith("Change your password")
        assert portal.process.poll() is None
    assert len(json.loads((home / "file_buffers.json").read_text())["plain"]) == 1
