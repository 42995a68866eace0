"""Limit the number of connections and the slowness of their clients. Knows nothing of HTTP."""

from __future__ import annotations

import asyncio
import logging
import resource
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Protocol

from core.client_address import counted_as, parsed

log = logging.getLogger(__name__)

MAX_DESCRIPTORS = 65_535
RESERVED_DESCRIPTORS = 256
"""Descriptors for the database, the index, models, logs and their processes."""
DESCRIPTORS_A_CONNECTION = 4
"""Measured for an open page: its socket, and the event loop of its script."""
FEW_DESCRIPTORS = 4_096


@dataclass(frozen=True, slots=True)
class Deadlines:
    headers_s: float = 15
    """Seconds from the first byte of a request, or from the start of the connection, to the end of its headers."""
    body_grace_s: float = 30
    body_bytes_per_s: int = 500
    """Average rate at which a body must arrive after the grace period."""
    unread_s: float = 120
    """Seconds that a client may go without reading what was sent to it."""
    check_s: float = 1


class Connection(Protocol):
    """A connection as the limits see it."""

    transport: asyncio.Transport

    def overdue(self, now: float) -> str | None:
        """Return what the client failed to do in time; None while it keeps up."""
        ...


class OpenConnections:
    """Tracks all open connections, by address. Use it on the event loop only."""

    def __init__(self, per_address: int, in_all: int, proxies: Sequence[str], deadlines: Deadlines = Deadlines()) -> None:
        """proxies: addresses or networks that forward many clients and limit those themselves."""
        self.deadlines = deadlines
        self._per_address = per_address
        self._in_all = in_all
        self._proxies = [ip_network(each, strict=False) for each in proxies]
        self._clients: dict[Connection, str] = {}
        self._counts: Counter[str] = Counter()
        self._unread: dict[Connection, tuple[int, float]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._clients)

    def refusal(self, address: str) -> str | None:
        """Return why another connection from this address is too many; None if it is allowed."""
        if len(self) >= self._in_all:
            log.warning("%d connections are open, the most that the limit of open files allows; refusing another", len(self))
            return "The portal has too many connections. Try again in a few seconds."
        client = counted_as(address)
        if self._counts[client] >= self._per_address and not self._is_proxy(address):
            log.warning(
                "%s has %d connections open; refusing another. Add a proxy to PORTAL_TRUSTED_PROXIES; if many people share an address, "
                "raise PORTAL_CONNECTIONS_PER_ADDRESS",
                client, self._per_address,
            )  # fmt: skip
            return "Too many connections are open from your address. Close some pages, or try again in a few seconds."
        return None

    def add(self, connection: Connection, address: str) -> None:
        self._clients[connection] = counted_as(address)
        self._counts[self._clients[connection]] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.deadlines.check_s, self._check)

    def replace(self, old: Connection, new: Connection) -> None:
        """Let another protocol take over the same connection."""
        if old in self._clients:
            self._clients[new] = self._clients.pop(old)
            self._unread.pop(old, None)

    def remove(self, connection: Connection) -> None:
        client = self._clients.pop(connection, None)
        self._unread.pop(connection, None)
        if client is None:
            return
        self._counts[client] -= 1
        if not self._counts[client]:
            del self._counts[client]

    def _is_proxy(self, address: str) -> bool:
        found = parsed(address)
        return found is not None and any(found in network for network in self._proxies)

    def _check(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(self._clients):
            reason = connection.overdue(now) or self._unread_for_long(connection, now)
            if reason:
                log.info("closing a connection from %s: %s", self._clients[connection], reason)
                connection.transport.abort()
        if self._clients:
            self._timer = loop.call_later(self.deadlines.check_s, self._check)

    def _unread_for_long(self, connection: Connection, now: float) -> str | None:
        """Return what to log if the client has read nothing for too long: the buffer only grew or stayed."""
        size = connection.transport.get_write_buffer_size()
        before, since = self._unread.get(connection, (0, now))
        if not size:
            self._unread.pop(connection, None)
        elif size < before or not before:
            self._unread[connection] = size, now
        else:
            self._unread[connection] = size, since
            if now - since > self.deadlines.unread_s:
                return "the client reads nothing"
        return None


def raise_descriptor_limit() -> int:
    """Raise the limit of open files to the system's maximum; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    if soft == resource.RLIM_INFINITY:
        return MAX_DESCRIPTORS
    if soft < FEW_DESCRIPTORS:
        log.warning("this system lets the portal open only %d files, which is enough for a few people; allow %d", soft, MAX_DESCRIPTORS)
    return soft


def most_connections(descriptors: int) -> int:
    return max(16, (descriptors - RESERVED_DESCRIPTORS) // DESCRIPTORS_A_CONNECTION)
