"""Run every kind of load at once, each on a separate thread, until it is stopped."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import httpx

from bench.portal_parts.portal import Measured
from bench.servers.soak import rounds
from bench.servers.soak.pace import Pace

KINDS = ("chat", "program", "files", "lists", "documents", "tasks", "search", "ratings", "boards", "sign-in", "pages")


@dataclass
class Tally:
    """Counts of what was done, and of what went wrong."""

    rounds: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    late: int = 0
    """Rounds that were given up because a response did not come in time, as on a machine that has no time for the portal."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, kind: str, fault: str = "") -> None:
        with self.lock:
            self.rounds[kind] += 1
            if fault:
                self.faults[f"{kind}: {fault}"] += 1

    def fewest(self) -> int:
        """Return how many rounds the kind with the fewest has done."""
        return min(self.rounds[kind] for kind in KINDS)


class Load:
    """Runs each kind of load on a separate thread until it is stopped. share: of a processor core; None is all that it can get."""

    def __init__(self, portal: Measured, share: float | None = None) -> None:
        self.tally = Tally()
        self._portal = portal
        self._pace = Pace(portal.process.pid, share) if share else None
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._turns: list[threading.Lock] = []
        """One for each kind; held during a round, and during a rest."""
        self._clients: list[httpx.Client] = []
        portal.add_people(rounds.PEOPLE)

    def start(self) -> None:
        kinds: Sequence[tuple[str, Callable[[httpx.Client, int], None], str, float]] = [
            ("chat", rounds.chat, "ana", 0.5), ("program", rounds.program, "ben", 0.5), ("files", rounds.files, "cho", 0.3),
            ("lists", rounds.lists, "ana", 0.3), ("search", rounds.search, "ben", 0.3), ("ratings", rounds.ratings, "admin", 0.5),
            ("documents", rounds.documents, "cho", 0.5), ("tasks", rounds.tasks, "ana", 0.5), ("boards", rounds.boards, "admin", 0.5),
        ]  # fmt: skip
        for kind, once, name, pause in kinds:
            client = self._portal.sign_in(name)
            self._clients.append(client)
            self._run(kind, partial(once, client), pause)
        self._run("sign-in", partial(rounds.sign_in, self._portal), 1.0)
        self._run("pages", partial(rounds.page, self._portal), 0.5)

    @contextlib.contextmanager
    def rest(self) -> Iterator[None]:
        """Wait until the rounds that run have ended, and begin none within the block."""
        with contextlib.ExitStack() as held:
            for turn in self._turns:
                held.enter_context(turn)
            yield

    def stop(self) -> Tally:
        self._ended.set()
        for thread in self._threads:
            thread.join(rounds.WAIT_S)
        for client in self._clients:
            client.close()
        return self.tally

    def _run(self, kind: str, once: Callable[[int], None], pause: float) -> None:
        turn = threading.Lock()

        def loop() -> None:
            for number in itertools.count():
                if self._pace:
                    self._pace.wait(self._ended)
                if self._ended.is_set():
                    return
                try:
                    with turn:
                        once(number)
                        self.tally.count(kind)
                except (httpx.TimeoutException, httpx.ReadError, TimeoutError):
                    with self.tally.lock:
                        self.tally.late += 1
                except (rounds.Fault, httpx.HTTPError, OSError) as problem:
                    self.tally.count(kind, f"{type(problem).__name__} {problem}"[:200])
                self._ended.wait(pause)

        self._turns.append(turn)
        self._threads.append(threading.Thread(target=loop, name=kind, daemon=True))
        self._threads[-1].start()
