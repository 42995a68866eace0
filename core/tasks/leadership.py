"""Decide which process does the periodic work that one replica does for all."""

from __future__ import annotations

from typing import Protocol


class Leadership(Protocol):
    """Leadership over all replicas, held by one process at a time.

    The leader's work must be safe to do twice, because a hanging process may learn late that it is no longer the leader.
    """

    def holds(self) -> bool:
        """Tell whether this process is the leader now. Returns at once."""
        ...


class Alone:
    """Always the leader, because no other process uses this database."""

    def holds(self) -> bool:
        return True


ALONE = Alone()
