"""Parse the address of a client, and derive the key under which limits count it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


def parsed(address: str) -> IPv4Address | IPv6Address | None:
    """Parse an IP address; None if it is not one. An IPv4 address mapped into IPv6 becomes the IPv4 address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def is_loopback(address: str) -> bool:
    """Tell whether a client with this address runs on this machine."""
    found = parsed(address)
    return found is not None and found.is_loopback


def counted_as(address: str) -> str:
    """Return the key under which an address is counted. It is the /64 network for IPv6, since a subscriber has all its addresses."""
    found = parsed(address)
    if isinstance(found, IPv6Address) and not found.is_loopback:
        return str(ip_network((found, 64), strict=False))
    return address if found is None else str(found)
