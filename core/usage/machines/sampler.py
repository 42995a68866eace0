"""Measure this server every ten seconds, and store what was measured by minute and hour."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from core.clock import Clock
from core.errors import PortalError
from core.unit_of_work import UnitOfWorkFactory
from core.usage.machines.measuring import Measuring
from core.usage.machines.records import HOUR_S, MINUTE_S, Gauge, Measured, Span, Spread, Subject, merged_gauges, start_of

log = logging.getLogger(__name__)

EVERY_S = 10.0
MAX_KEPT = 60
"""Most minutes that wait in memory while the database cannot be written; the oldest are dropped."""

Key = tuple[Subject, str]


class Sampler:
    """Measures on a thread of its own until it is closed. Time in which it does not run is missing in the history."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, server: str, measuring: Measuring, every_s: float = EVERY_S) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._server = server
        self._measuring = measuring
        self._every_s = every_s
        self._minute: datetime | None = None
        self._gauges: dict[Key, Mapping[Gauge, Spread]] = {}
        self._unwritten: list[list[Span]] = []
        self._latest: Sequence[Measured] = ()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="machine-history", daemon=True)

    @property
    def server(self) -> str:
        return self._server

    @property
    def latest(self) -> Sequence[Measured]:
        """Return the newest readings; none before the first."""
        return self._latest

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop, and store the minute that has begun."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._end_minute()
        self._measuring.close()

    def sample(self) -> None:
        """Measure once. The first reading of a minute stores the one before."""
        minute = start_of(self._clock(), MINUTE_S)
        if minute != self._minute:
            self._end_minute()
            self._minute = minute
        self._latest = self._measuring.read()
        for each in self._latest:
            key, now = (each.subject, each.name), {gauge: Spread.of(value) for gauge, value in each.values.items()}
            self._gauges[key] = merged_gauges(self._gauges.get(key, {}), now)

    def _end_minute(self) -> None:
        if self._minute is not None and self._gauges:
            self._unwritten.append([
                Span(server=self._server, subject=subject, name=name, step_s=MINUTE_S, at=self._minute, gauges=gauges)
                for (subject, name), gauges in self._gauges.items()
            ])  # fmt: skip
        self._minute, self._gauges = None, {}
        del self._unwritten[:-MAX_KEPT]
        self._write()

    def _write(self) -> None:
        """Store the minutes, and add them to their hours. Without a database they wait for the next minute."""
        if not self._unwritten:
            return
        try:
            with self._unit_of_work() as work:
                for minutes in self._unwritten:
                    work.machines.add(minutes)
                    work.machines.add([replace(each, step_s=HOUR_S, at=start_of(each.at, HOUR_S)) for each in minutes])
                work.commit()
        except PortalError as problem:
            log.warning("The history of this machine could not be written and waits: %s", problem)
            return
        self._unwritten = []

    def _run(self) -> None:
        while True:
            try:
                self.sample()
            except Exception:  # A reading that fails must not end the history.
                log.exception("This machine could not be measured.")
            if self._ended.wait(self._every_s):
                return
