"""End a command with one sentence about what went wrong, and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable

from core.errors import PortalError

NOTHING_CHANGED = "Stopped; nothing was changed."


def ending(command: Callable[[], int], *, when_stopped: str = NOTHING_CHANGED) -> int:
    """Run the command and return its exit code: 1 after a PortalError, 130 if it was interrupted."""
    try:
        return command()
    except PortalError as problem:
        print(problem, file=sys.stderr)
        return 1
    except (KeyboardInterrupt, EOFError):
        print(when_stopped, file=sys.stderr)
        return 130
