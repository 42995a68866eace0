"""Name the fields of a request that were ignored, in a response header."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

HEADER = "X-Portal-Ignored"
MAX_OF_A_NAME = 200
MAX_OF_ALL = 2_000


def unknown(extra: Mapping[str, Any] | None, known: Collection[str] = ()) -> list[str]:
    """Return the unknown fields that were sent with a value."""
    return sorted(name for name, value in (extra or {}).items() if value is not None and name not in known)


def ignored_header(names: Sequence[str]) -> dict[str, str]:
    """Return the header with these names, if any. It is always one line of ASCII."""
    said = ", ".join(name[:MAX_OF_A_NAME].encode("ascii", "backslashreplace").decode() for name in names)
    said = "".join(character if character.isprintable() else "?" for character in said)
    said = said[:MAX_OF_ALL].strip()  # a space at either end would make the header invalid
    return {HEADER: said} if said else {}
