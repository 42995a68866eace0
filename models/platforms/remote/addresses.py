"""Resolve a host once, and connect to what was resolved: nobody can move the name in between.

Link-local addresses, among them the metadata services of clouds, are refused unless the configuration allows the host by name.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from models.platforms.remote.failures import unreachable

Resolve = Callable[[str, int], Sequence[tuple[int, str]]]
"""Returns (family, address) pairs for host and port, in the order that the system prefers."""

METADATA = (ip_network("169.254.0.0/16"), ip_network("fe80::/10"), ip_network("fd00:ec2::254/128"), ip_network("100.100.100.200/32"))


def resolve(host: str, port: int) -> Sequence[tuple[int, str]]:
    """Ask the system. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [(family, str(address[0])) for family, _, _, _, address in found if family in (socket.AF_INET, socket.AF_INET6)]


def addresses_of(platform: str, host: str, port: int, *, allowed: bool, resolver: Resolve = resolve) -> list[tuple[int, str]]:
    """Return the addresses of a host that the portal may connect to. Raises PlatformFailure.

    allowed: the configuration allows this host link-local addresses.
    """
    try:
        found = resolver(host, port)
    except (OSError, UnicodeError) as problem:
        raise unreachable(platform, f"{host} has no address") from problem
    good = [(family, address) for family, address in found if allowed or not is_refused(address)]
    if not good:
        raise unreachable(platform, f"{host} has an address that is not allowed" if found else f"{host} has no address")
    return good


def is_refused(address: str) -> bool:
    """Tell whether an address is link-local, a cloud's metadata service, or no address of a host at all."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return True
    if isinstance(found, IPv6Address):
        # An address that is carried in another counts, here and at the other end of a tunnel.
        found = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else found)
    unusable = found.is_link_local or found.is_multicast or found.is_unspecified or (found.is_reserved and not found.is_loopback)
    return unusable or any(found in network for network in METADATA if network.version == found.version)
