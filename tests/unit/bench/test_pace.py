"""The pace holds rounds back while more than their share of a core is used."""

from __future__ import annotations

import os
import threading
import time

from bench.servers.soak.pace import Pace


def busy(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_a_round_waits_until_the_share_is_kept() -> None:
    pace = Pace(os.getpid(), 0.5)
    busy(0.1)
    pace.wait(threading.Event())
    # This process counts twice here: as the portal and as the load. Looking takes processor time, too, which is counted in 10 ms.
    assert pace.taken() <= 0.6


def test_waiting_stops_with_the_load() -> None:
    pace, ended = Pace(os.getpid(), 1e-9), threading.Event()
    busy(0.05)
    ended.set()
    pace.wait(ended)
    assert pace.taken() > 1e-9


def test_an_idle_portal_begins_at_once() -> None:
    pace = Pace(os.getpid(), 10.0)
    pace.wait(threading.Event())
    assert pace.taken() <= 10.0
