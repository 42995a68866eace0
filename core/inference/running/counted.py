"""Count what one request uses against the limits of its person, from its start to its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from core.access.limits import Admission, Limits
from core.errors import NotAllowed, NotFound
from core.people.records import User

ALIVE_EVERY_S = 60.0


class Counted:
    """A request that the limits admitted."""

    def __init__(self, limits: Limits, user: User, admitted: Admission) -> None:
        self._limits = limits
        self._user = user
        self._admitted = admitted
        self._alive_at = time.monotonic()
        self._over = False

    @property
    def model(self) -> str | None:
        """Return the model that must answer because a limit is reached; None: the one asked for."""
        return self._admitted.model

    @contextmanager
    def given_back_on_failure(self) -> Iterator[None]:
        """Count a request that never began as ended. Raises LimitReached if the model that must answer at the limit cannot."""
        try:
            yield
        except BaseException as problem:
            self.ended(0)
            if self._admitted.reached is not None and isinstance(problem, NotFound | NotAllowed):
                raise self._admitted.reached from problem
            raise

    def alive(self) -> None:
        """Note that the answer still runs; writes at most once a minute, from another thread, so that no event waits for the database."""
        if time.monotonic() - self._alive_at > ALIVE_EVERY_S:
            self._alive_at = time.monotonic()
            if self._admitted.leases:
                threading.Thread(target=self._limits.alive, args=(self._admitted,), name="limits-alive", daemon=True).start()

    def ended(self, tokens: int) -> None:
        """Count the tokens, once."""
        if not self._over:
            self._over = True
            self._limits.ended(self._user, self._admitted, tokens)
