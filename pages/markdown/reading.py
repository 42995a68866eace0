"""Read Markdown into markdown-it's tokens: CommonMark, GFM's tables and strikethrough, and formulas. HTML is text."""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, reference
from markdown_it.rules_inline import StateInline, image, link
from markdown_it.token import Token

from pages.markdown import emphasis, formulas

DEEPEST = 40
"""Levels of nesting. What markdown-it finds below it drops; blocks.py shows such a block as its source."""
MOST_BRACKETS = 400
"""In one paragraph. Where there are more, none is a link."""
_COUNTED = -1
"""A key of markdown-it's own cache, whose others are positions."""


@cache
def parser(*, latex: bool = True) -> MarkdownIt:
    """latex: see formulas.teach()."""
    made = MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False, "maxNesting": DEEPEST})
    made.disable(["html_block", "html_inline", "linkify", "replacements", "smartquotes"])
    # Every target is read as a link; addresses.py decides which of them are live.
    made.validateLink = lambda _: True  # type: ignore[method-assign]
    made.block.ruler.at("reference", _reference)
    made.inline.ruler.at("link", _link)
    made.inline.ruler.at("image", _image)
    formulas.teach(made, latex=latex)
    emphasis.teach(made)
    return made


def _link(state: StateInline, silent: bool) -> bool:
    return _few_brackets(state) and link(state, silent)


def _image(state: StateInline, silent: bool) -> bool:
    return _few_brackets(state) and image(state, silent)


def _few_brackets(state: StateInline) -> bool:
    """Each bracket that nothing closes is looked for to the end of the paragraph, so that many take quadratic time."""
    if _COUNTED not in state.cache:
        state.cache[_COUNTED] = state.src.count("[")
    return state.cache[_COUNTED] <= MOST_BRACKETS


def _reference(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Without footnotes: a definition of one would vanish, as those of links do."""
    return not state.src.startswith("[^", state.bMarks[start] + state.tShift[start]) and reference(state, start, end, silent)


def read(text: str, references: dict[str, object] | None = None) -> list[Token]:
    """references: what earlier parts of the same text defined, and this one adds to."""
    return parser().parse(text, references if references is not None else {})
