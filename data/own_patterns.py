"""Search with an admin's own patterns by RE2, whose time is linear in the text: no pattern can block the portal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from core.errors import InvalidInput

try:
    import re2
except ImportError:  # An optional package: some platforms have no wheels.
    re2 = None

MAX_MEMORY = 1 << 20
"""Bytes that one compiled pattern may take: larger patterns, such as nested repeats, are refused."""


class Re2Patterns:
    def check(self, patterns: Sequence[str]) -> None:
        if patterns and re2 is None:
            raise InvalidInput("Own patterns need the package google-re2. Install it into the portal's environment and restart the portal.")
        for pattern in patterns:
            try:
                compiled = _compiled(pattern)
            except re2.error as problem:
                reason = problem.args[0].decode("utf-8", "replace") if isinstance(problem.args[0], bytes) else str(problem)
                raise InvalidInput("The pattern {pattern} cannot be used: {reason}.", pattern=pattern, reason=reason) from None
            if compiled.search("") is not None:
                raise InvalidInput("The pattern {pattern} finds the empty text. Make it more specific.", pattern=pattern)

    def find(self, patterns: Sequence[str], text: str) -> Iterator[tuple[int, int]]:
        # If RE2 is missing, skip patterns that another server accepted.
        for pattern in patterns if re2 is not None else ():
            for found in _compiled(pattern).finditer(text):
                yield found.span()


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.log_errors = False
    return re2.compile(pattern, options)
