"""Find the blanks of a prompt: [client] and {{client}} are to be filled in."""

from __future__ import annotations

import re

LONGEST_BLANK = 60
_BLANK = re.compile(r"\{\{[ \t]*([^{}\n]{1,60}?)[ \t]*\}\}|\[([^\[\]\n]{1,60})\](?!\()")
"""static/prompts.js has the same; a Markdown link is no blank."""


def blanks(text: str) -> list[str]:
    """Return the names of the blanks in order, each once."""
    return list(dict.fromkeys((found[1] or found[2]).strip() for found in _BLANK.finditer(text)))
