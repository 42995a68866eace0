"""Limit password attempts. They are counted in the database before the check, so that all servers count together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from core.errors import Busy
from core.unit_of_work import UnitOfWork

WINDOW = timedelta(minutes=5)
MAX_BY_NAME = 5
MAX_BY_DEVICE = 5
MAX_BY_ADDRESS = 20
"""More than by name: many people may share an address."""
REMEMBERED = timedelta(hours=1)
"""How long a message of an identity provider is remembered. Older ones are refused for their age."""
_IPV6_NETWORK = 64
"""Bits of an IPv6 address that identify a customer; the customer chooses the rest."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` attempts for `key` in a window that begins with the first."""

    key: str
    most: int


def by_name(name: str) -> Limit:
    """Return the limit for a sign-in name, whether or not the account exists."""
    return Limit(_key("name", name), MAX_BY_NAME)


def by_address(address: str) -> Limit:
    return Limit(_key("address", _network(address)), MAX_BY_ADDRESS)


def by_device(token_hash: str) -> Limit:
    return Limit(_key("device", token_hash), MAX_BY_DEVICE)


def by_person(user_id: str) -> Limit:
    """Return the limit for a signed-in person who types the current password to change it."""
    return Limit(_key("person", user_id), MAX_BY_NAME)


def by_code(user_id: str) -> Limit:
    """Return the limit for the codes of a person's second factor."""
    return Limit(_key("code", user_id), MAX_BY_NAME)


def check(work: UnitOfWork, limits: Sequence[Limit], now: datetime) -> None:
    """Raise Busy if one of the limits is used up. Reads only."""
    for limit in limits:
        attempt = work.attempts.get(limit.key)
        if attempt is not None and attempt.began_at > now - WINDOW and attempt.count >= limit.most:
            raise _used_up(attempt.began_at, now)


def take(work: UnitOfWork, limits: Sequence[Limit], now: datetime) -> Sequence[Limit]:
    """Count an attempt for each limit; returns those that are now used up. Raises Busy if one already was; then commit nothing."""
    last = []
    for limit in sorted(limits, key=lambda one: one.key):  # In a fixed order, so that two transactions never wait for each other.
        attempt = work.attempts.add(limit.key, now, now - WINDOW)
        if attempt.count > limit.most:
            raise _used_up(attempt.began_at, now)
        if attempt.count == limit.most:
            last.append(limit)
    return last


def is_first(work: UnitOfWork, token_id: str, now: datetime) -> bool:
    """Tell whether a message that counts once comes for the first time, and remember it."""
    return work.attempts.add(_key("message", token_id), now, now - REMEMBERED).count == 1


def _used_up(began_at: datetime, now: datetime) -> Busy:
    seconds = max(1.0, (began_at + WINDOW - now).total_seconds())
    return Busy("Too many wrong passwords. Try again in {minutes} min.", minutes=max(1, round(seconds / 60)), retry_after=seconds)


def _key(kind: str, of: str) -> str:
    return hashlib.sha256(f"{kind}:{of}".encode("utf-8", "surrogatepass")).hexdigest()


def _network(address: str) -> str:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> (128 - _IPV6_NETWORK) << (128 - _IPV6_NETWORK)))
    return str(parsed)
