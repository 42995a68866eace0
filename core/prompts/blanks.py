"""Find the blanks to fill in a prompt, such as [client] and {{client}}."""

from __future__ import annotations

import re

MAX_BLANK_LENGTH = 60
_BLANK = re.compile(r"\{\{[ \t]*([^{}\n]{1,60}?)[ \t]*\}\}|\[([^\[\]\n]{1,60})\](?!\()")
"""Pattern of a blank, the same as in static/prompts.js. A Markdown link is not a blank."""


def blanks(text: str) -> list[str]:
    """Return the names of the blanks in order, without duplicates."""
    return list(dict.fromkeys((found[1] or found[2]).strip() for found in _BLANK.finditer(text)))
