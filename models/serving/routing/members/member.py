"""Hold one platform that may answer, with its health, its queue and its stats."""

from __future__ import annotations

import threading
from collections.abc import Callable

from core.platforms.records import LOCAL, Platform, PlatformType
from models.platforms.plugin.plugin_platform import PluginPlatform
from models.platforms.remote.failures import PlatformFailure
from models.platforms.remote.remote_platform import RemotePlatform
from models.serving.routing.members.health import Health
from models.serving.routing.members.line import Line
from models.serving.routing.members.stats import PlatformStats

CHECK_EVERY_S = 30.0
POLL_S = 0.25
ENDLESS = 1_000_000


class Member:
    """A platform. remote: None for this process, which has its own queues and health."""

    def __init__(self, config: Platform, remote: RemotePlatform | PluginPlatform | None = None) -> None:
        self.config = config
        self.name = config.name
        self.remote = remote
        self.health = Health(config.name)
        self.line = Line(config.limits.concurrent if remote is not None else ENDLESS)
        self.stats = PlatformStats()
        self._outstanding = 0
        self._running = 0
        self.taken = 0
        """Requests so far: of two equally busy platforms, the one with fewer is next."""
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_local(self) -> bool:
        return self.remote is None

    @property
    def running(self) -> int:
        """Return how many requests run here."""
        return self._running

    @property
    def outstanding(self) -> int:
        """Return the tokens of the requests that run here: prompts, and the expected length of answers."""
        return self._outstanding

    def takes_on(self, tokens: int) -> None:
        """Count a request with this many tokens; a negative number ends it."""
        with self._lock:
            self._outstanding += tokens
            self._running += 1 if tokens > 0 else -1
            self.taken += tokens > 0

    def watch(self, changed: Callable[[], None]) -> None:
        """Poll the model list, more often while the platform is away. changed: called with each new list."""
        if self.remote is None or not self.config.enabled:
            return
        self._thread = threading.Thread(target=self._probe, args=(changed,), name=f"probe {self.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self.remote is not None:
            self.remote.close()

    def probe(self) -> None:
        """Ask for its models once."""
        assert self.remote is not None
        try:
            self.remote.discover()
        except PlatformFailure as problem:
            self.health.failed(problem)
            self.stats.failed(problem.error)
        else:
            self.health.probed()

    def _probe(self, changed: Callable[[], None]) -> None:
        waited = CHECK_EVERY_S
        while True:
            if waited >= CHECK_EVERY_S or self.health.probe_due:
                self.probe()
                changed()
                waited = 0.0
            if self._closing.wait(POLL_S):
                return
            waited += POLL_S


def local_member() -> Member:
    return Member(Platform(name=LOCAL, type=PlatformType.LOCAL))
