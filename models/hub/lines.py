"""Define the protocol between a hub process and the portal: JSON objects, one per line."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

EVERY_S = 0.2
"""Seconds between two progress lines."""


class Failure(StrEnum):
    """Why a hub process failed."""

    NOT_FOUND = "not_found"
    REFUSED = "refused"
    """Private or gated: a token is needed, or its owner has no access."""
    NETWORK = "network"
    DISK_FULL = "disk_full"
    FILE_LIMIT = "file_limit"
    """The file is larger than this server may write."""
    WRONG = "wrong"
    """The client found that the content differs from what the hub announced."""
    OTHER = "other"


class HubFailed(Exception):
    """Raised in the process; the reason is for the log and for admins."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure


@contextmanager
def explained(failure_of: Callable[[BaseException], Failure | None]) -> Iterator[None]:
    """Raise HubFailed in place of each error of a hub's library that failure_of knows."""
    try:
        yield
    except BaseException as error:
        failure = failure_of(error)
        if failure is None:
            raise
        raise HubFailed(failure, str(error).splitlines()[0] if str(error) else type(error).__name__) from error


@dataclass(frozen=True, slots=True)
class Task:
    """A task for the process. file: None lists the repository."""

    hub: str
    repository: str
    revision: str = ""
    file: str | None = None
    size_bytes: int = 0
    folder: str = ""

    def line(self) -> str:
        return json.dumps({name: getattr(self, name) for name in self.__slots__}) + "\n"

    @staticmethod
    def read(line: str) -> Task:
        return Task(**json.loads(line))


Say = Callable[[Mapping[str, Any]], None]


class Meter:
    """Reports the number of bytes that have arrived, a few times a second, even if no more arrive."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._done = 0
        self._said = -1
        threading.Thread(target=self._work, daemon=True).start()

    def __call__(self, done: int) -> None:
        self._done = done

    def _work(self) -> None:
        while True:
            if self._done != self._said:
                self._said = self._done
                self._say({"done": self._said})
            time.sleep(EVERY_S)
