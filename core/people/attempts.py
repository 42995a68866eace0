"""How often a password may be tried: counted before it is checked, in the store, so that all servers count together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from core.errors import Busy
from core.unit_of_work import UnitOfWork

WINDOW = timedelta(minutes=5)
MOST_BY_NAME = 5
MOST_BY_DEVICE = 5
MOST_BY_ADDRESS = 20
"""More than by name: an address may be that of a whole house."""
_IPV6_NETWORK = 64
"""Bits of an IPv6 address that one customer has; the others are theirs to choose."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` tries of `key` in a window that begins with the first."""

    key: str
    most: int


def by_name(name: str) -> Limit:
    """Of a sign-in name, whether or not there is such an account."""
    return Limit(_key("name", name), MOST_BY_NAME)


def by_address(address: str) -> Limit:
    return Limit(_key("address", _network(address)), MOST_BY_ADDRESS)


def by_device(token_hash: str) -> Limit:
    return Limit(_key("device", token_hash), MOST_BY_DEVICE)


def by_person(user_id: str) -> Limit:
    """Of somebody signed in who types the present password to change it."""
    return Limit(_key("person", user_id), MOST_BY_NAME)


def check(work: UnitOfWork, limits: Sequence[Limit], now: datetime) -> None:
    """Raise Busy if one of them is used up. Only reads."""
    for limit in limits:
        attempt = work.attempts.get(limit.key)
        if attempt is not None and attempt.began_at > now - WINDOW and attempt.count >= limit.most:
            raise _used_up(attempt.began_at, now)


def take(work: UnitOfWork, limits: Sequence[Limit], now: datetime) -> Sequence[Limit]:
    """Count a try for each; returns those that are used up now. Raises Busy, and then nothing may be committed, where one was before."""
    last = []
    for limit in sorted(limits, key=lambda one: one.key):  # in one order, so that two never wait for each other
        attempt = work.attempts.add(limit.key, now, now - WINDOW)
        if attempt.count > limit.most:
            raise _used_up(attempt.began_at, now)
        if attempt.count == limit.most:
            last.append(limit)
    return last


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
