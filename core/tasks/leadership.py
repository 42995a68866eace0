"""Say which process does the periodic work that one replica does for all."""

from __future__ import annotations

from typing import Protocol


class Leadership(Protocol):
    """One process holds it at a time. What it does must be safe to do twice: a process that hangs may learn late that it lost it."""

    def holds(self) -> bool:
        """Tell whether this process holds it now. Returns at once."""
        ...


class Alone:
    """Holds it always: no other process uses this database."""

    def holds(self) -> bool:
        return True


ALONE = Alone()
