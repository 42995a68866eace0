"""Check who calls the internal API: a user server, by its service key, for the person whose session token it sends."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from typing import Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from api.services import PortalHere
from bootstrap.servers.service_keys import service_keys
from core.errors import Busy, NotSignedIn
from core.people.records import User
from core.people.session_watch import ENDED

SESSION_HEADER = "x-portal-session"
CALLS, WINDOW_S = 1200, 10.0
"""Calls that one session may make in a window. A page makes about twenty reads; a person who clicks fast makes a few hundred calls."""
CALLS_WITHOUT_SESSION = 6000
"""Calls without a session that one user server may make: sign-ins, and session look-ups of every page and open websocket."""
MAX_CALLERS = 100_000
"""Callers whose calls are counted at a time."""


async def check_key(request: Request, portal: PortalHere) -> str:
    """Return the fingerprint of the caller's service key. Raises a 404 if this server has no keys, and NotSignedIn for a wrong key."""
    keys = service_keys(portal.settings)
    if not keys:
        raise HTTPException(404)
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    # Compare with all keys, so that the time does not show which one matched.
    matches = [compare_digest(given.encode(), key.encode()) for key in keys]
    if scheme.lower() != "bearer" or not any(matches):
        raise NotSignedIn("This is not a service key of the admin server. Set PORTAL_SERVICE_KEYS to the same key on both servers.")
    return sha256(given.encode()).hexdigest()


ServiceKey = Annotated[str, Depends(check_key)]


class RateLimit:
    """Counts calls per caller in windows of a few seconds. Use it on the event loop only."""

    def __init__(self, most: int, window_s: float = WINDOW_S, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._window_s = window_s
        self._monotonic = monotonic
        self._began = monotonic()
        self._counts: dict[str, int] = {}

    def count(self, caller: str, calls: int = 1) -> None:
        """Count calls. Raises Busy above the limit."""
        now = self._monotonic()
        if now - self._began >= self._window_s or len(self._counts) >= MAX_CALLERS:
            self._began, self._counts = now, {}
        self._counts[caller] = self._counts.get(caller, 0) + calls
        if self._counts[caller] > self._most:
            left = max(1.0, self._window_s - (now - self._began))
            raise Busy("Too many requests in a short time. Try again in {seconds} s.", retry_after=left, seconds=round(left))


def session_user(portal: PortalHere, token: str | None) -> User:
    """Return the person whose session this is, as the database has it now. Raises NotSignedIn."""
    user = portal.sessions.user(token)
    if user is None:
        raise NotSignedIn(ENDED)
    return user
