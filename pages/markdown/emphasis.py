"""Recognize emphasis next to Chinese, Japanese and Korean characters.

CommonMark tells opening from closing asterisks by the spaces and punctuation around them. Chinese has no spaces, so CommonMark leaves
the asterisks of `这是**“重要”**的` in the text, which models write often. Here a CJK character beside asterisks counts as a word boundary.
"""

from __future__ import annotations

import unicodedata

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter


def teach(parser: MarkdownIt) -> None:
    """Replace the parser's rule for emphasis."""
    parser.inline.ruler.at("emphasis", _asterisks)


def kind(sign: str) -> str:
    """Return the kind of a character in the rules of emphasis: "space", "sign" or "letter". "" (the edge of a text) is a space."""
    if not sign or sign.isspace() or sign == "\ufeff":
        return "space"
    return "sign" if unicodedata.category(sign)[0] in "PS" else "letter"


def is_cjk(sign: str) -> bool:
    """Tell whether a character is Chinese, Japanese or Korean, or a full-width form."""
    code = ord(sign) if sign else 0
    return 0x2E80 <= code <= 0x9FFF or 0xAC00 <= code <= 0xD7AF or 0xF900 <= code <= 0xFAFF or 0xFF00 <= code <= 0xFFEF or code >= 0x20000


def _asterisks(state: StateInline, silent: bool) -> bool:
    if silent or state.src[state.pos] not in "_*":
        return False
    marker, start = state.src[state.pos], state.pos
    scanned = state.scanDelims(start, marker == "*")
    opens, closes = scanned.can_open, scanned.can_close
    if marker == "*" and not (opens and closes):
        before = state.src[start - 1] if start else ""
        after = state.src[start + scanned.length] if start + scanned.length < state.posMax else ""
        opens = opens or (is_cjk(before) and kind(after) == "sign")
        closes = closes or (is_cjk(after) and kind(before) == "sign")
    for _ in range(scanned.length):
        token = state.push("text", "", 0)
        token.content = marker
        state.delimiters.append(
            Delimiter(marker=ord(marker), length=scanned.length, token=len(state.tokens) - 1, end=-1, open=opens, close=closes)
        )
    state.pos += scanned.length
    return True
