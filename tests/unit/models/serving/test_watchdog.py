"""A step that does not end is reported, and a stuck process is ended."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

import pytest

from models.engine.stats.ledger import Ledger
from models.engine.stats.metrics import EngineMetrics
from models.serving.watchdog import Watchdog


class Model:
    """Runs a step for so many seconds."""

    def __init__(self, *, isolated: bool) -> None:
        self.step_running_s = 0.0
        self.restarts = 0
        self._isolated = isolated

    def metrics(self) -> EngineMetrics:
        return replace(Ledger().metrics(4, 100), busy=2, waiting=3, step_running_s=self.step_running_s)

    def restart(self) -> bool:
        self.restarts += 1
        return self._isolated


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    told = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return told


def test_a_long_step_is_reported_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    model = Model(isolated=False)
    dog = Watchdog(lambda: {"glm": model, "other": Model(isolated=False)})
    for seconds in (0.0, 9.9):
        model.step_running_s = seconds
        dog.check()
    assert lines(caplog) == []
    for seconds in (10.5, 11.5, 59.0):
        model.step_running_s = seconds
        dog.check()
    assert lines(caplog) == ["model glm is stuck: its step has taken 10 s; 2 answers run, 3 wait"]
    model.step_running_s = 0.1
    dog.check()
    dog.check()
    assert lines(caplog) == ["model glm goes on"]
    model.step_running_s = 12.0
    dog.check()
    assert len(lines(caplog)) == 1


@pytest.mark.parametrize("isolated", [True, False])
def test_after_a_minute_a_process_of_its_own_is_ended_once(isolated: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    model = Model(isolated=isolated)
    dog = Watchdog(lambda: {"glm": model})
    for seconds in (30.0, 60.5, 61.5, 90.0):
        model.step_running_s = seconds
        dog.check()
    assert model.restarts == 1
    told = lines(caplog)[-1]
    assert ("started again" in told) is isolated
    assert ("restart the portal" in told) is not isolated
    model.step_running_s = 0.0
    dog.check()
    model.step_running_s = 61.0
    dog.check()
    assert model.restarts == 2


def test_it_looks_by_itself_and_survives_a_broken_model(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.serving.watchdog.POLL_S", 0.01)
    model = Model(isolated=True)
    model.step_running_s = 100.0
    looks = iter([ValueError("gone")])

    def platforms() -> dict[str, Model]:
        for problem in looks:
            raise problem
        return {"glm": model}

    dog = Watchdog(platforms)
    dog.start()
    try:
        deadline = time.monotonic() + 60
        while not model.restarts and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        dog.close()
    assert model.restarts == 1
