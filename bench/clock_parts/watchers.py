"""People who use the portal while others' answers stream: their waiting times are measured."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

import httpx

from bench.portal_parts.page_socket import PageSocket
from bench.portal_parts.portal import PASSWORD, Measured

PAUSE_S = 0.1


class Watcher(ABC):
    """Does the same again and again, on a thread, for as long as the context lasts. seconds: how long each time took."""

    def __init__(self, portal: Measured) -> None:
        self._portal = portal
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.seconds: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with ExitStack() as stack:
            once = self._begin(stack)
            while not self._stop.wait(PAUSE_S):
                begun = time.perf_counter()
                once()
                self.seconds.append(time.perf_counter() - begun)

    @abstractmethod
    def _begin(self, stack: ExitStack) -> Callable[[], object]:
        """Return what is done again and again."""


class Lists(Watcher):
    """Reads the list of chats over REST."""

    def _begin(self, stack: ExitStack) -> Callable[[], object]:
        client = stack.enter_context(self._portal.sign_in())
        return lambda: client.get("/api/v1/conversations").raise_for_status()


class Pages(Watcher):
    """Has the chat page open and runs it again, as a click does."""

    def _begin(self, stack: ExitStack) -> Callable[[], object]:
        body = {"username": "admin", "password": PASSWORD}
        signed_in = httpx.post(f"{self._portal.url}/api/v1/session", json=body, timeout=60).raise_for_status()
        host = self._portal.url.removeprefix("http://")
        tab = stack.enter_context(PageSocket(host, signed_in.cookies["glm_portal_session"]))
        tab.run()
        return tab.run
