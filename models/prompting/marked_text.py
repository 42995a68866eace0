"""Keep markers such as <|system|> that people type as characters, never as control tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence

CUT = "\ufdd0"
"""A noncharacter that marks where to cut a prompt before it is tokenized; it never occurs in text that people exchange."""


class MarkedText:
    def __init__(self, markers: Sequence[str]) -> None:
        """markers: the text of every control token."""
        longest_first = sorted(markers, key=len, reverse=True)
        self._markers = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def defused(self, text: str) -> str:
        """Return the text with each marker cut in two, so that neither half becomes the control token."""
        text = text.replace(CUT, "").encode("utf-8", "replace").decode()  # half a surrogate pair has no bytes
        return self._markers.sub(lambda found: found[0][0] + CUT + found[0][1:], text) if self._markers else text
