"""The soak run works: each kind of load completes rounds without a fault. `./portal test` runs it for 15 minutes."""

from __future__ import annotations

import time

from bench.portal_parts.portal import running_portal
from bench.servers.soak.measuring import calm_mb
from bench.servers.soak.mixed_load import KINDS, Load

ROUNDS = 2
WAIT_S = 600.0


def test_each_kind_of_load_does_rounds_without_a_fault() -> None:
    with running_portal(PORTAL_TRUSTED_PROXIES="127.0.0.1") as portal:
        load = Load(portal)
        load.start()
        deadline = time.monotonic() + WAIT_S
        while load.tally.fewest() < ROUNDS:
            assert time.monotonic() < deadline, load.tally
            time.sleep(0.1)
        with load.rest():
            rounds = load.tally.rounds.total()
            assert calm_mb(portal.process.pid) > 20
            assert load.tally.rounds.total() == rounds
        tally = load.stop()
        assert not tally.faults and set(tally.rounds) == set(KINDS)
        assert portal.process.poll() is None
