"""Keep proven identities until the user server that asked opens a session with them. A proof itself never leaves this server."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from core.errors import NotSignedIn
from core.people.records import User
from core.people.sessions import Proof, token_hash

EXPIRED = "This sign-in has expired. Sign in again."
LIFETIME_S = 300.0
"""A second factor may have to be typed."""


@dataclass(slots=True)
class _Kept:
    proof: Proof
    until: float
    used: bool = False


class Proofs:
    """Thread-safe. Each proof opens one session."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def keep(self, proof: Proof) -> str:
        """Return a random handle for the proof."""
        handle, now = secrets.token_urlsafe(32), self._monotonic()
        with self._lock:
            self._kept = {each: kept for each, kept in self._kept.items() if kept.until > now}
            self._kept[token_hash(handle)] = _Kept(proof, now + LIFETIME_S)
        return handle

    def take(self, handle: object) -> Proof:
        """Return the proof and mark it as used. Raises NotSignedIn for a handle that was used, has expired or was never given out."""
        with self._lock:
            found = self._found(handle)
            if found.used:
                raise NotSignedIn(EXPIRED)
            found.used = True
            return found.proof

    def give_back(self, handle: object) -> None:
        """Let the proof be used again: what it was taken for failed, such as a mistyped second factor."""
        with self._lock:
            if found := self._kept.get(token_hash(str(handle))):
                found.used = False

    def user(self, handle: str) -> User:
        """Return whose proof it is, used or not. Raises NotSignedIn."""
        with self._lock:
            return self._found(handle).proof.user

    def _found(self, handle: object) -> _Kept:
        found = self._kept.get(token_hash(str(handle)))
        if found is None or found.until <= self._monotonic():
            raise NotSignedIn(EXPIRED)
        return found
