"""Compose the portal of a user server, which is only a connection to the admin servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bootstrap.servers.service_keys import service_keys
from core.errors import StartFailed
from remote.connection import Connection
from remote.portal import RemotePortal
from settings import Settings

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def connect(settings: Settings) -> Portal:
    """Return a portal whose services run on the admin server. Raises StartFailed if the admin server refuses this server."""
    service_keys(settings)  # Read the keys now, so that an invalid one stops the start.
    remote = RemotePortal(settings, Connection(settings.servers, lambda: service_keys(settings)[0], settings.server_ca))
    try:
        remote.start()
    except StartFailed:
        remote.close()
        raise
    # It has all attributes that pages and routes of a user server use; tests/unit/remote compare both classes.
    return cast("Portal", remote)
