"""Remember for a minute whose a token was, so that requests that are refused anyway need no database.

This never admits anybody: a remembered token may have ended since. Anyone who is not refused is looked up again.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from core.people.sessions import token_hash

REMEMBERED_S = 60.0
MAX_REMEMBERED = 10_000


class RecentCallers:
    """Maps tokens, as hashes, to the people to whom they belonged a moment ago. Safe from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def remember(self, token: str, user_id: str) -> None:
        """Remember that this token belongs to this person."""
        hashed = token_hash(token)
        self._seen.pop(hashed, None)  # So that it becomes the newest.
        self._seen[hashed] = user_id, self._clock() + REMEMBERED_S
        while len(self._seen) > MAX_REMEMBERED:
            self._seen.popitem(last=False)

    def user_id(self, token: str) -> str | None:
        """Return whose the token was at most a minute ago; None if that is not known."""
        found = self._seen.get(token_hash(token))
        return found[0] if found is not None and self._clock() < found[1] else None
