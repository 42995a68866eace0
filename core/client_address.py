"""The address of a client, as limits count it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


def parsed(address: str) -> IPv4Address | IPv6Address | None:
    """Read an IP address; None if it is none. An IPv4 address mapped into IPv6 is the IPv4 address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def is_loopback(address: str) -> bool:
    """Tell whether a client of this address runs on this machine."""
    found = parsed(address)
    return found is not None and found.is_loopback


def counted_as(address: str) -> str:
    """Name whoever holds this address: one subscriber of IPv6 has a whole /64 network to choose from."""
    found = parsed(address)
    if isinstance(found, IPv6Address) and not found.is_loopback:
        return str(ip_network((found, 64), strict=False))
    return address if found is None else str(found)
