"""Hand requests of jobs to the edge, which translates them. Jobs may begin before it is there."""

from __future__ import annotations

import threading
from collections.abc import Callable

from core.programs.ports import RequestAnswerer

WAIT_S = 0.5


class Background:
    """Holds the answerer that the edge attaches when the portal starts to serve."""

    def __init__(self) -> None:
        self._answerer: RequestAnswerer | None = None
        self._attached = threading.Event()

    def attach(self, answerer: RequestAnswerer) -> None:
        self._answerer = answerer
        self._attached.set()

    def answerer(self, check: Callable[[], None]) -> RequestAnswerer:
        """Return the answerer, after waiting for it if necessary. check: raises when the job must end."""
        while not self._attached.wait(WAIT_S):
            check()
        assert self._answerer is not None
        return self._answerer
