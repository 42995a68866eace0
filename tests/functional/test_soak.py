"""The soak run works: each kind of load completes rounds without a fault, and growth is detected. `./portal bench soak` is the full run."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from bench.portal_parts.portal import running_portal
from bench.soak.measuring import Soaked, growth, memory_mb
from bench.soak.mixed_load import Load

KINDS = {"chat", "program", "files", "lists", "search", "sign-in", "pages"}
ROUNDS = 2
WAIT_S = 300.0


def test_each_kind_of_load_does_rounds_without_a_fault() -> None:
    with running_portal(PORTAL_TRUSTED_PROXIES="127.0.0.1") as portal:
        load = Load(portal)
        load.start()
        deadline = time.monotonic() + WAIT_S
        while not all(load.tally.rounds[kind] >= ROUNDS for kind in KINDS):
            assert time.monotonic() < deadline, load.tally
            time.sleep(0.1)
        tally = load.stop()
        assert not tally.faults
        assert memory_mb(portal.process.pid) > 20
        soaked = Soaked([(float(second), 100.0) for second in range(100)], tally, portal.process.poll())
    assert soaked.ok and not replace(soaked, exit_code=-9).ok
    assert not replace(soaked, memory=[(float(second), 100.0 + second / 5) for second in range(100)]).ok


def test_growth_counts_after_the_warm_up_alone() -> None:
    settles = [(float(second), min(200.0, 100.0 + 5 * second)) for second in range(100)]
    assert growth(settles) == 0
    assert growth([(float(second), 100.0 + second / 5) for second in range(100)]) == pytest.approx(0.09, abs=0.02)
