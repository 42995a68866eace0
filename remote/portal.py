"""The portal of a user server: the attributes of bootstrap.portal.Portal that pages and routes use, backed by an admin server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from core.errors import PortalError, ServerUnreachable, StartFailed, Unavailable
from core.people.sessions import Proof
from core.people.signing_in.sign_in import Caller as Visitor
from remote.client import Caller, RemoteService, Waiting
from remote.connection import CONNECT_S, Connection
from remote.methods import values
from remote.read_prefetch import Drawing, Patterns, ReadPrefetch
from remote.services import BY_NAME
from remote.turns import RemoteTurnList
from settings import Settings

log = logging.getLogger(__name__)

CHECK_EVERY_S = 2.0
"""Seconds between checks of the admin server."""
CHECKS = 16
"""Most sign-ins that may wait here at the same time. The admin server has its own queue."""


class RemotePortal:
    """All services that pages of a user server call. It holds no state except the values last received from the admin server."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        self._own = settings
        self._connection = connection
        self._values: dict[tuple[str, str], Any] = {
            ("files", "max_bytes"): settings.max_file_mb * 1_000_000,
            ("documents", "max_bytes"): settings.max_file_mb * 1_000_000,
            ("ground_batches", "max_bytes"): settings.max_batch_mb * 1_000_000,
            ("grounding", "max_bytes"): settings.max_file_mb * 1_000_000,
            ("sessions", "lifetime"): timedelta(hours=settings.session_hours),
            ("single_sign_on", "name"): "",
            ("disk", "low"): False,
            ("disk", "free"): None,
        }
        self._limits: dict[str, Any] = {}
        self._patterns = Patterns()
        self._turns = RemoteTurnList(connection)
        self._checks = ThreadPoolExecutor(CHECKS, "sign-in")
        self._services = self._services_of()
        self._accepted = True
        self._ended = threading.Event()
        self._checker = threading.Thread(target=self._check_regularly, name="admin-server", daemon=True)

    def __getattr__(self, name: str) -> RemoteService:
        services: dict[str, RemoteService] = self.__dict__.get("_services", {})
        if name not in services:
            raise AttributeError(f"a user server has no {name}")
        return services[name]

    @property
    def settings(self) -> Settings:
        """Return this server's settings, with the limits of the admin server."""
        return replace(self._own, **self._limits) if self._limits else self._own

    @contextmanager
    def for_page(
        self, waiting: Waiting | None, tab_storage: MutableMapping[str, Any], *, page: str = "", actions: str = "",
        token: str | None = None, conversation: str | None = None,
    ) -> Iterator[PageView]:  # fmt: skip
        """Yield the portal for one run of a page, which combines the page's reads: see read_prefetch.py.

        waiting: entered by calls while the admin server is away; None makes them raise ServerUnreachable. tab_storage: keeps the
        reads of a tab. page, actions, token, conversation: see Drawing.
        """
        prefetch: ReadPrefetch = tab_storage.setdefault("reads", ReadPrefetch(self._patterns))
        prefetch.begin(Drawing(page, actions, token=token, conversation=conversation))
        try:
            yield PageView(self, self._services_of(waiting, prefetch))
        finally:
            prefetch.end()

    def _services_of(self, waiting: Waiting | None = None, prefetch: ReadPrefetch | None = None) -> dict[str, RemoteService]:
        caller = Caller(self._connection, self._values, self._turns, waiting, prefetch)
        special: dict[str, RemoteService] = {
            "sign_in": RemoteSignIn(caller, "sign_in", self._checks),
            "turns": RemoteTurns(caller, "turns"),
        }
        return {name: RemoteService(caller, name) for name in BY_NAME if name != "settings"} | special

    @property
    def is_ready(self) -> bool:
        """Tell whether the last check reached an admin server that accepts this server."""
        return self._connection.is_available and self._accepted

    def start(self) -> None:
        """Check the admin server now and every CHECK_EVERY_S. Raises StartFailed if it refuses this server, but not if it is away."""
        try:
            self._ask_values()
        except ServerUnreachable:
            log.warning("the admin server cannot be reached yet; pages wait for it")
        except PortalError as problem:
            raise StartFailed("{problem}", problem=problem) from problem
        self._checker.start()

    def stopping(self) -> None:
        self._ended.set()

    def close(self) -> None:
        self._ended.set()
        if self._checker.is_alive():
            self._checker.join(CONNECT_S)
        self._connection.close()

    def _ask_values(self) -> None:
        """Request the values that are the same for all people. Raises ServerUnreachable, and Unavailable if this server is refused."""
        found: Any = self._connection.get("/internal/v1/values")
        codecs = {(service, name): each for service, name, each in values(staff=True)}
        try:
            received = {(service, name): codecs[service, name].read(data, []) for service, name, data in found if (service, name) in codecs}
        except (ValueError, TypeError) as problem:
            raise Unavailable("The admin server runs another release that this one does not understand. Install the same one.") from problem
        self._values.update(received)
        self._limits = {name: value for (service, name), value in received.items() if service == "settings"}

    def check(self) -> None:
        """Check once whether the admin server is available and accepts this server. Problems are logged."""
        try:
            self._ask_values()
            self._accepted = True
        except ServerUnreachable:
            return
        except PortalError as problem:
            self._accepted = False
            log.warning("the admin server refuses this server: %s", problem)
        except Exception:
            if not self._ended.is_set():
                log.exception("the admin server could not be asked")

    def _check_regularly(self) -> None:
        while not self._ended.wait(CHECK_EVERY_S):
            self.check()


class PageView:
    """The portal for one run of a page."""

    def __init__(self, portal: RemotePortal, services: dict[str, RemoteService]) -> None:
        self._portal = portal
        self._services = services

    @property
    def settings(self) -> Settings:
        return self._portal.settings

    def __getattr__(self, name: str) -> RemoteService:
        services: dict[str, RemoteService] = self.__dict__.get("_services", {})
        if name not in services:
            raise AttributeError(f"a user server has no {name}")
        return services[name]


class RemoteSignIn(RemoteService):
    """Checks passwords on the admin server. REST gets a future, so that no thread of the pages has to wait."""

    def __init__(self, caller: Caller, name: str, checks: ThreadPoolExecutor) -> None:
        super().__init__(caller, name)
        self._checks = checks

    def begin(self, name: str, password: str, caller: Visitor) -> Future[Proof]:
        return self._checks.submit(self.check, name, password, caller)


class RemoteTurns(RemoteService):
    """The turns of the admin server. Counts followed answers in this process, because pages ask for them several times a second."""

    def count(self) -> int:
        return self._caller.turns.count()
