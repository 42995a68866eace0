"""Notice a data key that another process has created, so that all replicas encrypt with the newest one."""

from __future__ import annotations

import logging
import threading

from core.errors import PortalError
from data.encryption.sealing import Keyring

log = logging.getLogger(__name__)

POLL_S = 5.0
"""Seconds between two checks."""


class KeyWatch:
    """Checks on a separate thread until it is closed. If the database is unavailable, it tries again."""

    def __init__(self, keyring: Keyring, every_s: float = POLL_S) -> None:
        self._keyring = keyring
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="data-keys", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every_s):
            try:
                if self._keyring.take_newest():
                    log.info("encrypting with the new data key %s", self._keyring.current)
            except PortalError as problem:
                log.warning("the data keys could not be read: %s", problem)
