"""Recognize the portal's own host names, and origins that are pages of the same portal.

A stranger's page can make its name resolve to this machine (DNS rebinding). The browser then takes the portal for part of that page, but
still sends the stranger's name as Host.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from core.client_address import parsed

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?")
_USUAL_PORTS = {"http": 80, "https": 443}


def split_host(host: str) -> tuple[str, int | None] | None:
    """Split a Host header into name and port; None if it is not well formed."""
    match = _HOST.fullmatch(host.lower())
    if match is None:
        return None
    name, port = match.groups()
    return name.strip("[]").rstrip("."), int(port) if port else None


def is_own(host: str, own: Collection[str], reached: str) -> bool:
    """Tell whether `host` is a name of this portal.

    Loopback always is, and so is the address of the connection: no foreign page has an address as its name. own: names from the settings;
    `*.example.org` matches every name below it.
    """
    split = split_host(host)
    if split is None:
        return False
    name, _port = split
    address = parsed(name)
    if name == "localhost" or (address is not None and (address.is_loopback or address == parsed(reached))):
        return True
    return any(name == each or (each.startswith("*.") and name.endswith(each[1:])) for each in own)


def origin_host(origin: str, host: str) -> str | None:
    """Return the origin's host and port if it is the portal at `host`, else None.

    The default port of the scheme may appear on either side: browsers leave it out, proxies may add it.
    """
    try:
        parts = urlsplit(origin.lower())
        port = parts.port
    except ValueError:
        return None
    usual = _USUAL_PORTS.get(parts.scheme)
    split = split_host(host)
    if usual is None or split is None or parts.hostname is None:
        return None
    name, host_port = split
    same = parts.hostname.rstrip(".") == name and (port or usual) == (host_port or usual)
    return parts.netloc if same else None


def is_foreign(headers: Mapping[str, str]) -> bool:
    """Tell whether another site's page made the browser send this request.

    Browsers add Sec-Fetch-Site or Origin to every request that changes something. A program sends neither.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site != "same-origin"
    return origin is not None and origin_host(origin, headers.get("host", "")) is None
