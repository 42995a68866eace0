r"""Recognize formulas as models write them: `$x$` and `\(x\)` within a line, `$$x$$` and `\[x\]` as display formulas.

This module adds them to markdown-it. A dollar sign opens a formula only before a visible character, and closes one only after a
visible character and not before a digit, so that prices stay text.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

INLINE, DISPLAY = "formula", "formula_display"
"""Types of tokens: formula within a line, and display formula. A display formula inside a paragraph is an inline token."""

MAX_LENGTH = 2_000
DEEPEST = 40

_IN_LINE = re.compile(
    r"\\\[(?P<brackets>[^`$]{1,2000}?)\\\](?!\()"
    r"|\\\((?P<parens>[^\n`$]{1,2000}?)\\\)"
    r"|\$\$(?!\$)(?P<dollars>[^`$]{1,2000}?)\$\$(?!\$)"
    r"|\$(?=[^\s$])(?P<dollar>(?:\\[^\n$]|[^$\\\n`]){1,2000}?(?<=[^\s\\]))\$(?![\d$])"
)
_CLOSING = {"$$": "$$", "\\[": "\\]"}
_REACHES_OUT = re.compile(
    r"\\(?:href|url|includegraphics|html\w*|def|gdef|edef|xdef|let|futurelet|global|long|(?:re)?newcommand|providecommand|char|verb)(?![a-zA-Z])"
)
_LARGE = re.compile(r"\d{3,}\s*(?:em|ex|mu|cm|mm|in|pt|pc|px|dd|cc|sp|bp|nd|nc)(?![a-zA-Z])")
# Patterns that Streamlit would act on if it ever read the formula as prose.
_PROSE = re.compile(r"://|www\.|\w@\w|:[a-z][\w-]*[\[{]", re.IGNORECASE)
_COMMENT = re.compile(r"(?<!\\)%[^\n]*(?:\n|$)")


def teach(parser: MarkdownIt, *, latex: bool = True) -> None:
    r"""Add formulas to a parser. latex: also read `\(x\)` and `\[x\]`, which no other Markdown parser does."""
    parser.inline.ruler.before("escape", "formula", _in_line if latex else _in_line_by_dollars)
    parser.block.ruler.before(
        "fence", "formula", _block if latex else _block_by_dollars, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )


def drawable(formula: str) -> str | None:
    """Return the formula on one line if it may be drawn; None if it must stay text."""
    formula = " ".join(_COMMENT.sub("", formula).split())
    if not formula or len(formula) > MAX_LENGTH or "$" in formula or "`" in formula:
        return None
    if (len(formula) - len(formula.rstrip("\\"))) % 2 or _depth(formula) > DEEPEST:
        return None
    if _REACHES_OUT.search(formula) or _LARGE.search(formula) or _PROSE.search(formula):
        return None
    return formula.replace("](", "] (")


def _depth(formula: str) -> int:
    deepest = depth = 0
    for sign in formula:
        depth += (sign == "{") - (sign == "}")
        deepest = max(deepest, depth)
    return deepest + formula.count("\\left")


def _in_line_by_dollars(state: StateInline, silent: bool) -> bool:
    return state.src[state.pos] == "$" and _in_line(state, silent)


def _block_by_dollars(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return state.src.startswith("$", state.bMarks[start] + state.tShift[start]) and _block(state, start, end, silent)


def _in_line(state: StateInline, silent: bool) -> bool:
    sign = state.src[state.pos]
    if sign not in "\\$" or (sign == "$" and state.pos and state.src[state.pos - 1] == "$"):
        return False
    closing = {"\\[": "\\]", "\\(": "\\)", "$$": "$$"}.get(state.src[state.pos : state.pos + 2], "$")
    if state.src.find(closing, state.pos + len(closing), state.pos + MAX_LENGTH + 4) < 0:
        return False
    found = _IN_LINE.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        display = found["brackets"] or found["dollars"]
        token = state.push(DISPLAY if display else INLINE, "math", 0)
        token.content = str(found[found.lastgroup or 0])
        token.markup = found[0]
    state.pos = found.end()
    return True


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    begin = state.bMarks[start] + state.tShift[start]
    if not state.src.startswith(("$$", "\\["), begin) or state.is_code_block(start):
        return False
    first = state.src[begin : state.eMarks[start]].rstrip()
    closing = _CLOSING.get(first[:2])
    if closing is None or closing in first[2:-2] or first[2:3] == "$":
        return False
    if len(first) >= 4 and first.endswith(closing):
        after, lines = start + 1, [first[2:-2]]
    else:
        lines = [first[2:]]
        for after in range(start + 1, end + 1):
            if after == end or state.isEmpty(after) or state.sCount[after] < state.blkIndent or len(lines) > 200:
                return False
            line = state.src[state.bMarks[after] + state.tShift[after] : state.eMarks[after]].rstrip()
            if closing in line:
                break
            lines.append(line)
        if not line.endswith(closing) or line.index(closing) != len(line) - 2:
            return False
        lines.append(line[:-2])
        after += 1
    content = "\n".join(lines).strip()
    if not content or "$" in content:
        return False
    if not silent:
        token = state.push(DISPLAY, "math", 0)
        token.content, token.map = content, [start, after]
        token.markup = state.getLines(start, after, state.blkIndent, False)
    state.line = after
    return True
