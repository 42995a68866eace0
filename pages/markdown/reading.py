"""Parse Markdown into markdown-it's tokens: CommonMark, GFM's tables and strikethrough, and formulas. HTML is text."""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, reference
from markdown_it.rules_inline import StateInline, image, link
from markdown_it.token import Token

from pages.markdown import emphasis, formulas

DEEPEST = 40
"""Maximum nesting depth. markdown-it drops deeper content, so blocks.py shows the source of such a block."""
MAX_BRACKETS = 400
"""Maximum number of "[" in a paragraph; a paragraph with more has no links."""
_COUNTED = -1
"""A key in markdown-it's own cache, whose other keys are positions."""


@cache
def parser(*, latex: bool = True) -> MarkdownIt:
    """Return the parser. latex: see formulas.teach()."""
    made = MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False, "maxNesting": DEEPEST})
    made.disable(["html_block", "html_inline", "linkify", "replacements", "smartquotes"])
    # The parser accepts every target; addresses.py decides which of them become links.
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
    """Tell whether a paragraph has few enough brackets: each unclosed one is searched to the end, which takes quadratic time in total."""
    if _COUNTED not in state.cache:
        state.cache[_COUNTED] = state.src.count("[")
    return state.cache[_COUNTED] <= MAX_BRACKETS


def _reference(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a link definition, but not a footnote, whose text would vanish like that of a link definition."""
    return not state.src.startswith("[^", state.bMarks[start] + state.tShift[start]) and reference(state, start, end, silent)


def read(text: str, references: dict[str, object] | None = None) -> list[Token]:
    """Parse a text into tokens. references: link definitions from earlier parts of the text; those of this part are added."""
    return parser().parse(text, references if references is not None else {})
