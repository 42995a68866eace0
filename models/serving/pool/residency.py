"""Put idle models to sleep, and wake them at their time of day."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from core.models.records import Residency

POLL_S = 1.0
_log = logging.getLogger(__name__)


class ResidencyKeeper:
    """Checks the rules once a second on its own thread; it takes the pool's lock only for models that have a rule."""

    def __init__(
        self,
        rules: Callable[[], dict[str, Residency]],
        idle_s: Callable[[str], float],
        sleep: Callable[[str], bool],
        wake: Callable[[str], None],
        now: Callable[[], datetime],
    ) -> None:
        """rules: by model name. idle_s: returns how long a model has been idle. now: returns the time in the server's time zone."""
        self._rules = rules
        self._idle_s = idle_s
        self._sleep = sleep
        self._wake = wake
        self._now = now
        self._looked_at = now()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="residency", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()

    def look(self) -> None:
        """Check each model that has a rule once."""
        before, now = self._looked_at, self._now()
        self._looked_at = now
        for name, rule in self._rules().items():
            if rule.is_due(before, now):
                _log.info("model %s is loaded by its schedule", name)
                self._wake(name)
            elif rule.idle_minutes is not None and self._idle_s(name) >= 60 * rule.idle_minutes and self._sleep(name):
                _log.info("model %s was idle for %d min and is unloaded until someone asks it", name, rule.idle_minutes)

    def _keep(self) -> None:
        while not self._closing.wait(POLL_S):
            try:
                self.look()
            except Exception:  # noqa: BLE001 - the next look may succeed
                _log.exception("looking after idle models failed")
