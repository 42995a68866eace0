"""Check the phrases that people search for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.characters import is_blank, one_line, without_controls
from core.errors import InvalidInput

MAX_PHRASES = 20
"""Most phrases in one run. Each is a separate question to the model."""
MAX_CHARS = 300
_SPACES = re.compile(r"\s+")


def checked_phrases(phrases: Iterable[str]) -> tuple[str, ...]:
    """Return the phrases, each on one line, without blank and repeated ones. Raises InvalidInput."""
    found: dict[str, None] = {}
    for phrase in phrases:
        if is_blank(phrase):
            continue
        if len(phrase) > MAX_CHARS:
            raise InvalidInput("A phrase can have at most {limit} characters. Say in a few words what to find.", limit=MAX_CHARS)
        found[_SPACES.sub(" ", one_line(without_controls(phrase))).strip()] = None
        if len(found) > MAX_PHRASES:
            raise InvalidInput("Ask for at most {limit} phrases at once. Split the others into further runs.", limit=MAX_PHRASES)
    if not found:
        raise InvalidInput("Write what to find on the image, one phrase on each line.")
    return tuple(found)
