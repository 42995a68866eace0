"""The servers and people of the REST tests, for tests about who may do what."""

from __future__ import annotations

from tests.unit.api.conftest import (
    address,
    ann,
    client,
    empty_home,
    pool,
    portal,
    router,
    server,
    signed_in,
)

__all__ = ["address", "ann", "client", "empty_home", "pool", "portal", "router", "server", "signed_in"]
