from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest

from core.chat.lifecycle.running_here import RunningHere
from core.chat.records import MessageStatus, Turn
from core.chat.running_turn import RunningTurn

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TURN = Turn("t", "ana", "r", "c", "q", "a", MessageStatus.STREAMING, NOW, NOW)


def test_turns_may_be_interrupted_while_one_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    here, ended, failures = RunningHere(), threading.Event(), []
    start = threading.Thread.start

    def interrupt() -> None:
        try:
            here.interrupt(time.monotonic() + 60)
        except RuntimeError as problem:
            failures.append(problem)

    interrupter = threading.Thread(target=interrupt)

    def start_late(thread: threading.Thread) -> None:
        start(interrupter)
        interrupter.join(0.2)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_late)
    here.start(RunningTurn(TURN, time.monotonic), lambda: None, ended.set)
    assert ended.wait(60)
    interrupter.join(60)
    assert failures == [] and here.count() == 0
