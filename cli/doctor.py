"""./portal doctor."""
from __future__ import annotations

from cli.places import Places


def examine(places: Places) -> int:
    return 0
