"""Hold the load to a share of a processor core."""

from __future__ import annotations

import threading
import time

import psutil

POLL_S = 0.2
"""Seconds between checks whether the next round may begin."""


class Pace:
    """Lets rounds begin while the portal and the load have used less than their share of a core. share: 0.2 is a fifth of one."""

    def __init__(self, pid: int, share: float) -> None:
        self._portal = psutil.Process(pid)
        self._share = share
        self._began = time.monotonic()
        self._used_before = self._used_s()

    def wait(self, ended: threading.Event) -> None:
        """Wait until a round may begin, or until `ended` is set."""
        while not ended.is_set() and self.taken() > self._share:
            ended.wait(POLL_S)

    def taken(self) -> float:
        """Return the share of a core that was used since the beginning."""
        return (self._used_s() - self._used_before) / max(POLL_S, time.monotonic() - self._began)

    def _used_s(self) -> float:
        try:
            portal = self._portal.cpu_times()
        except psutil.NoSuchProcess:
            return 0.0
        return float(portal.user + portal.system + portal.children_user + portal.children_system) + time.process_time()
