"""Tell whether the account for which something runs is still active."""

from __future__ import annotations

import logging
import time

from core.errors import Unavailable
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

LOOK_S = 2.0
"""Seconds between two looks into the database."""


class ActiveAccount:
    """The account of work that is not stored, as of a moment ago. Stored turns and jobs are stopped by their owners."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, user_id: str) -> None:
        self._unit_of_work = unit_of_work
        self._user_id = user_id
        self._looked_at = time.monotonic()

    def was_disabled(self) -> bool:
        """Look whether the account was disabled, at most once per LOOK_S. False between looks, and while the database is away."""
        if time.monotonic() - self._looked_at < LOOK_S:
            return False
        self._looked_at = time.monotonic()
        try:
            with self._unit_of_work() as work:
                return bool(work.users.disabled({self._user_id}))
        except Unavailable as problem:
            log.warning("whether an account is active cannot be looked up, so its answer continues: %s", problem)
            return False
