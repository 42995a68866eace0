"""Free ports of this machine."""

from __future__ import annotations

import random
import socket

_PORTS = range(10_000, 32_000)
"""Linux gives connections ports from 32768 on. So no connection of another test takes one of these before its server listens."""


def free_port() -> int:
    """Return a port that nothing listens on. It is random, so that tests that run side by side get different ones."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
