"""A model's process is killed while many threads use it: each gets an error at once, and the model comes back."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import ModelFailed, PortalError, Unavailable
from core.inference.requests import Finished, SamplingParams
from core.models.records import ModelState
from models.child.model import ChildModel
from models.serving.pool.pool import Pool
from tests.this_machine import EXTRA_BUFFERS
from tests.unit.models.child.test_child_model import LONG, endless, process_of, state_of, until
from tests.unit.models.serving.pool.test_pool import GUIDE, answer, load, request

SOON_S = 50.0
TOKENS = list(range(65, 91)) * 40


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "load_settings.json", extra_buffers=EXTRA_BUFFERS)
    yield pool
    pool.close()


class Asker(threading.Thread):
    """Submits and reads one answer after the other until something fails."""

    def __init__(self, child: ChildModel, number: int) -> None:
        super().__init__(daemon=True)
        self._child = child
        self._number = number
        self.answers = 0
        self.error: BaseException | None = None
        self.ended = 0.0

    def run(self) -> None:
        most = 4000 if self._number % 2 else 3
        try:
            while True:
                sequence = self._child.submit(TOKENS[self._number :], SamplingParams(seed=1), most, str(self._number))
                event = sequence.events.get(timeout=60)
                while not isinstance(event, Finished):
                    if isinstance(event, PortalError):
                        raise event
                    event = sequence.events.get(timeout=60)
                self.answers += 1
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test looks at it
            self.error = error
        self.ended = time.monotonic()


class Expecter(threading.Thread):
    """Asks to prefetch without a pause; a call must never fail."""

    def __init__(self, child: ChildModel) -> None:
        super().__init__(daemon=True)
        self._child = child
        self.stop = threading.Event()
        self.calls = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stop.wait(0.001):
                self._child.prefetch(TOKENS, [*TOKENS, 70])
                self.calls += 1
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test looks at it
            self.error = error


@pytest.mark.parametrize("stopped", [False, True], ids=["while it works", "while it hangs"])
def test_killed_in_the_middle_of_calls_it_lets_go_of_every_thread(pool: Pool, tmp_path: Path, stopped: bool) -> None:
    load(pool, endless(tmp_path), LONG)
    seeded = request("x", seed=5, max_tokens=20)
    before = answer(pool, seeded)[:2]
    child = pool.leases.platform("endless").backend
    assert isinstance(child, ChildModel)
    for _ in range(2):
        died = process_of(pool, "endless")
        askers = [Asker(child, number) for number in range(6)]
        expecters = [Expecter(child) for _ in range(3)]
        for thread in (*askers, *expecters):
            thread.start()
        until(lambda askers=askers: any(asker.answers for asker in askers))  # type: ignore[misc]
        if stopped:
            # Calls wait for their answers now, and prefetch requests fill the socket until they wait too.
            os.kill(died, signal.SIGSTOP)
            calls = -1
            while calls != (calls := sum(thread.calls for thread in expecters)):
                time.sleep(0.3)
        began = time.monotonic()
        os.kill(died, signal.SIGKILL)
        for asker in askers:
            asker.join(SOON_S)
            assert isinstance(asker.error, ModelFailed | Unavailable), asker.error
            assert asker.ended - began < SOON_S
        for expecter in expecters:
            expecter.stop.set()
            expecter.join(SOON_S)
            assert not expecter.is_alive() and expecter.error is None and expecter.calls
        until(lambda died=died: child.pid not in (None, died))  # type: ignore[misc]
        until(lambda: state_of(pool, "endless") is ModelState.READY)
        until(lambda: child.idle, SOON_S)
        assert answer(pool, seeded)[:2] == before
    until(lambda: pool.metrics()["endless"].busy == 0, SOON_S)
