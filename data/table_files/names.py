"""Name tables and columns so that SQL can refer to them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from core.characters import cut, one_line
from data.table_files.limits import MAX_NAME_LENGTH

BEYOND = "beyond the last column"
"""The column that holds what stands in a row beyond its last column, while a table is loaded."""
RESERVED = frozenset({"rowid", BEYOND})
"""Names of columns that the database or the reader has for itself."""
_OTHERS = re.compile(r"\W+")


def table_name(file: str, sheet: str, taken: set[str]) -> str:
    """Return a name of letters, digits and underscores, and add it to `taken`."""
    stem = PurePosixPath(file).stem
    words = _OTHERS.sub("_", f"{stem}_{sheet}" if sheet else stem).strip("_").lower()
    name = cut(words, MAX_NAME_LENGTH).strip("_") or "data"
    name = f"t_{name}" if name[0].isdigit() else name
    return _unique(name, taken)


def column_names(header: Sequence[str]) -> list[str]:
    """Return the names of columns as the header has them, each once; a blank one becomes "column_3"."""
    taken = set(RESERVED)
    return [_unique(cut(one_line(each), MAX_NAME_LENGTH).strip() or f"column_{at}", taken) for at, each in enumerate(header, 1)]


def _unique(name: str, taken: set[str]) -> str:
    """Return the name, with a number if it is taken; SQL ignores case."""
    found, number = name, 2
    while found.casefold() in taken:
        found, number = f"{name}_{number}", number + 1
    taken.add(found.casefold())
    return found
