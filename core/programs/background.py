"""Pass requests of jobs to the API, which translates them. Jobs may begin before the API has started."""

from __future__ import annotations

import threading
from collections.abc import Callable

from core.programs.ports import RequestAnswerer

WAIT_S = 0.5


class Background:
    """Holds the answerer that the API attaches when the portal starts to serve."""

    def __init__(self) -> None:
        self._answerer: RequestAnswerer | None = None
        self._attached = threading.Event()

    def attach(self, answerer: RequestAnswerer) -> None:
        self._answerer = answerer
        self._attached.set()

    def answerer(self, check: Callable[[], None]) -> RequestAnswerer:
        """Wait for the answerer and return it. check: raises when the job must end."""
        while not self._attached.wait(WAIT_S):
            check()
        assert self._answerer is not None
        return self._answerer
