"""Turn untrusted Markdown into HTML that loads and runs nothing."""

from __future__ import annotations

from functools import cache
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


@cache
def _parser() -> MarkdownIt:
    """Return a parser without HTML and images; markdown-it decides which link addresses run nothing."""
    from markdown_it import MarkdownIt  # The first export loads it, not the start.

    return MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False, "maxNesting": 40}).disable(["image"])


def to_html(text: str) -> str:
    """Return HTML; a text on which the parser fails is returned as plain text."""
    try:
        return str(_parser().render(text))
    except (RecursionError, ValueError, IndexError):
        return f"<pre>{escape(text)}</pre>"
