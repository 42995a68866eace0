"""Find the blanks to fill in a prompt or a template, such as [client] and {{client}}, and fill them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

MAX_BLANK_LENGTH = 60
_BLANK = re.compile(r"\{\{[ \t]*([^{}\n]{1,60}?)[ \t]*\}\}|\[([^\[\]\n]{1,60})\](?!\()")
"""Pattern of a blank, the same as in static/prompts.js. A Markdown link is not a blank."""


def blanks(text: str, *, braces_only: bool = False) -> list[str]:
    """Return the names of the blanks in order, without duplicates. braces_only: brackets are none, as in SQL."""
    return list(dict.fromkeys(name for _, name in parts(text, braces_only=braces_only) if name))


def filled(text: str, values: Mapping[str, str], *, braces_only: bool = False) -> str:
    """Return the text with values in its blanks. A blank without a value stays."""
    return "".join(values.get(name, written) if name else written for written, name in parts(text, braces_only=braces_only))


def parts(text: str, *, braces_only: bool = False) -> Iterator[tuple[str, str]]:
    """Yield the pieces of a text as they are written, each with the name of its blank; "" for what stands between blanks."""
    end = 0
    for found in _BLANK.finditer(text):
        if braces_only and found[1] is None:
            continue
        if found.start() > end:
            yield text[end : found.start()], ""
        yield found[0], (found[1] or found[2]).strip()
        end = found.end()
    if end < len(text):
        yield text[end:], ""


def with_question(text: str, question: str) -> str:
    """Return a prompt with the question in its blanks; without blanks, the question follows it."""
    names = blanks(text)
    return filled(text, dict.fromkeys(names, question)) if names else f"{text.rstrip()}\n\n{question}"
