"""Runs of a real engine that really crash in native code, and the report of the next start."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models.serving.state_files.last_run import RunRecord, read_crashes
from tests.this_machine import EXTRA_BUFFERS
from tests.unit.models.serving.pool.test_pool import GUIDE

ROOT = Path(__file__).parents[5]

_RUN = """
import os, sys, threading, time
from pathlib import Path
from core.inference.requests import ChatMessage, GenerationRequest
from core.models.load_settings import LoadSettings
from core.models.records import ModelState
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.native import lib
from models.serving.state_files.last_run import RunRecord
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter

logs, guide, buffers, how = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "True", sys.argv[4]
record = RunRecord(logs)
pool = Pool(logs, guide, settings_file=logs / "load_settings.json", extra_buffers=buffers, record=record)
whole = LlamaBackend.decode
steps, asked = 0, False

def decode(self, parts):
    global steps
    steps += asked
    if steps == 3 and how == "assert":
        lib.llama_memory_seq_cp(self._memory, 0, 1, 0, 2)  # part of a stream: llama.cpp asserts that nobody asks for this
    if not asked and how == "measure":
        os.abort()
    if steps == 3 and how == "abort":
        os.abort()
    if steps == 3 and how == "kill":
        os.kill(os.getpid(), 9)
    return whole(self, parts)

LlamaBackend.decode = decode
if how == "load":
    LlamaBackend.__init__ = lambda *given, **more: os.abort()
pool.load(guide, LoadSettings(context=512, slots=4))
while pool.loaded()[0].state is ModelState.LOADING:
    time.sleep(0.01)
question = GenerationRequest((ChatMessage("user", "Tell me a secret"),), "ann", id="turn-4711")
running = PoolRouter(pool).start(question)
asked = True  # Not before: until then the engine may measure its steps, and decodes for nobody.
list(running.events())
pool.close()
record.close()
"""


def run(logs: Path, how: str) -> int:
    """Return the exit code of a portal's engine that ends so."""
    command = [sys.executable, "-c", _RUN, str(logs), str(GUIDE), str(EXTRA_BUFFERS), how]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, timeout=60).returncode


def test_a_run_that_ends_in_order_leaves_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, "well") == 0
    assert list((tmp_path / "running").iterdir()) == []
    record = RunRecord(tmp_path)
    assert record.found == ()
    record.close()


@pytest.mark.parametrize(
    "how, error",
    [("abort", "Aborted"), ("assert", "a check inside llama.cpp failed")],
    ids=["abort", "an assertion of llama.cpp"],
)
def test_the_next_start_knows_model_requests_and_stack(tmp_path: Path, how: str, error: str, caplog: pytest.LogCaptureFixture) -> None:
    assert run(tmp_path, how) == -signal.SIGABRT
    record = RunRecord(tmp_path)
    record.close()
    [crash] = record.found
    assert (crash.model, crash.doing, crash.answers, crash.requests) == ("guide", "decoding", 1, ("turn-4711",))
    assert error in crash.error and crash.in_a_row == 1
    assert abs(crash.at.timestamp() - time.time()) < 60
    [told] = [entry for entry in caplog.records if entry.levelno == logging.ERROR]
    for words in ("Model guide was decoding 1 answers, for turn-4711", "engine.py", "in step"):
        assert words in told.getMessage()
    if how == "assert":
        assert "libllama.so" in told.getMessage() or "libggml-base.so" in told.getMessage()
    assert "secret" not in caplog.text
    assert b"secret" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_crash_while_loading_names_the_model(tmp_path: Path) -> None:
    assert run(tmp_path, "load") == -signal.SIGABRT
    record = RunRecord(tmp_path)
    record.close()
    assert [(crash.model, crash.doing, crash.requests) for crash in record.found] == [("guide", "loading", ())]


def test_a_crash_while_nobody_has_asked_yet_is_reported_so(tmp_path: Path) -> None:
    assert run(tmp_path, "measure") == -signal.SIGABRT
    record = RunRecord(tmp_path)
    record.close()
    assert [(crash.model, crash.doing, crash.answers, crash.requests) for crash in record.found] == [("guide", "decoding", 0, ())]


def test_a_killed_run_is_no_crash_but_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert run(tmp_path, "kill") == -signal.SIGKILL
    record = RunRecord(tmp_path)
    record.close()
    assert record.found == () and read_crashes(tmp_path) == []
    assert "The last run was killed" in caplog.text and "turn-4711" in caplog.text


def test_crashes_in_a_row_are_counted_until_a_run_ends_in_order(tmp_path: Path) -> None:
    for number in (1, 2):
        run(tmp_path, "abort")
        # Read by the next run, as in life; the last one's by this process.
        assert [crash.in_a_row for crash in read_crashes(tmp_path)] == list(range(1, number))
    record = RunRecord(tmp_path)
    assert [crash.in_a_row for crash in read_crashes(tmp_path)] == [1, 2]
    record.close()
    assert [crash.in_a_row for crash in read_crashes(tmp_path)] == [0, 0]
    run(tmp_path, "abort")
    record = RunRecord(tmp_path)
    record.close()
    assert record.found[0].in_a_row == 1


def test_a_crash_after_a_long_run_begins_a_new_count(tmp_path: Path) -> None:
    for _ in range(2):
        run(tmp_path, "abort")
    [folder] = (tmp_path / "running").iterdir()
    os.utime(folder / "lock", (time.time() - 3600, time.time() - 3600))
    record = RunRecord(tmp_path)
    record.close()
    assert record.found[0].in_a_row == 1


def test_a_portal_that_lives_is_left_alone(tmp_path: Path) -> None:
    first = RunRecord(tmp_path)
    second = RunRecord(tmp_path)
    assert second.found == ()
    assert len(list((tmp_path / "running").iterdir())) == 2
    second.close()
    first.close()


def test_rubbish_among_the_records_does_not_stop_a_start(tmp_path: Path) -> None:
    (tmp_path / "running" / "odd").mkdir(parents=True)
    (tmp_path / "running" / "file").write_text("x")
    (tmp_path / "crashes.json").write_text('[{"at": 3}]')
    record = RunRecord(tmp_path)
    assert record.found == ()
    record.close()
