"""Keep proven identities until the user server that asked opens a session with them. A proof itself never leaves this server."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

from core.errors import NotSignedIn
from core.people.sessions import Proof, token_hash

LIFETIME_S = 60.0


class Proofs:
    """Thread-safe. Each proof is handed out once."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._kept: dict[str, tuple[Proof, float]] = {}
        self._lock = threading.Lock()

    def keep(self, proof: Proof) -> str:
        """Return a random handle for the proof."""
        handle, now = secrets.token_urlsafe(32), self._monotonic()
        with self._lock:
            self._kept = {each: kept for each, kept in self._kept.items() if kept[1] > now}
            self._kept[token_hash(handle)] = (proof, now + LIFETIME_S)
        return handle

    def take(self, handle: object) -> Proof:
        """Return the proof of a handle. Raises NotSignedIn for one that was used, has expired or was never given out."""
        with self._lock:
            found = self._kept.pop(token_hash(str(handle)), None)
        if found is None or found[1] <= self._monotonic():
            raise NotSignedIn("This sign-in has expired. Sign in again.")
        return found[0]
