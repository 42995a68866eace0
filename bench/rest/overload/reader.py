"""Stream a long answer, and record when each piece of it comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from types import TracebackType
from typing import Self

import httpx

from bench.portal_parts.portal import Measured

FIRST_S = 60.0


class Reader:
    """Reads one answer until the block ends. arrivals: time.perf_counter() of each piece."""

    def __init__(self, portal: Measured, name: str, tokens: int) -> None:
        self.arrivals: list[float] = []
        self.fault = ""
        self._client = portal.sign_in(name)
        self._tokens = tokens
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, name="reader")

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + FIRST_S
        while not self.arrivals:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError(f"The reader's answer did not begin. {self.fault}")
            time.sleep(0.01)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        self._client.close()

    @property
    def reading(self) -> bool:
        """Tell whether the answer still runs."""
        return self._thread.is_alive() and not self.fault

    def gaps(self, since: float, until: float) -> Sequence[float]:
        """Return the seconds between two pieces, for all that came in this time."""
        held = [each for each in self.arrivals if since <= each <= until]
        return [later - sooner for sooner, later in pairwise(held)]

    def _read(self) -> None:
        body = {"messages": [{"role": "user", "content": "What can this portal do?"}], "max_tokens": self._tokens, "stream": True}
        try:
            with self._client.stream("POST", "/v1/chat/completions", json=body, timeout=300) as response:
                if response.status_code != 200:
                    self.fault = f"It was answered with {response.status_code}."
                for line in response.iter_lines():
                    if '"content":"' in line or '"content": "' in line:
                        self.arrivals.append(time.perf_counter())
                    elif line.startswith("data: ") and '"error"' in line:
                        self.fault = line
                    if self._ended.is_set():
                        return
        except httpx.HTTPError as problem:
            self.fault = f"{type(problem).__name__}: {problem}"
