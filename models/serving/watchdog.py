"""Watch the steps of all engines: log a step that does not end, and kill the process of a model that is stuck."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from models.engine.stats.metrics import STUCK_S, EngineMetrics

RESTART_S = 60.0
"""On a machine that swaps or reads a model from a slow disk, a step may take longer than STUCK_S; no step takes this many seconds."""
POLL_S = 1.0
_log = logging.getLogger(__name__)


class Watched(Protocol):
    """A platform of the pool."""

    def metrics(self) -> EngineMetrics: ...

    def restart(self) -> bool:
        """Restart the model if it runs in its own process; return False if it does not."""
        ...


class Watchdog:
    """Its thread reads numbers and takes no lock that an engine holds while it computes."""

    def __init__(self, platforms: Callable[[], Mapping[str, Watched]]) -> None:
        """platforms: returns the running platforms, by model name."""
        self._platforms = platforms
        self._reported: set[str] = set()
        self._ended: set[str] = set()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()

    def check(self) -> None:
        """Check each model once."""
        running = {name: (platform, platform.metrics()) for name, platform in self._platforms().items()}
        self._reported &= running.keys()
        self._ended &= running.keys()
        for name, (platform, metrics) in running.items():
            seconds = metrics.step_running_s
            if seconds <= STUCK_S:
                self._goes_on(name)
                continue
            if name not in self._reported:
                self._reported.add(name)
                message = "model %s is stuck: its step has taken %.0f s; %d answers run, %d wait"
                _log.error(message, name, seconds, metrics.busy, metrics.waiting)
            if seconds > RESTART_S and name not in self._ended:
                self._ended.add(name)
                own = platform.restart()
                done = "its process was ended and is started again" if own else "it runs in the portal's process: restart the portal"
                _log.error("model %s did not finish a step in %.0f s; %s", name, seconds, done)

    def _goes_on(self, name: str) -> None:
        if name in self._reported:
            _log.warning("model %s goes on", name)
        self._reported.discard(name)
        self._ended.discard(name)

    def _watch(self) -> None:
        while not self._closing.wait(POLL_S):
            try:
                self.check()
            except Exception:  # noqa: BLE001 - the watch continues
                _log.exception("looking after the models failed")
