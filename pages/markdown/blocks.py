"""Write paragraphs, headings, lists, quotes, tables, code and display formulas from their tokens.

Every block has one form: code is always fenced, list items are indented exactly to their marker, a blank line separates all blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from markdown_it.token import Token

from pages.markdown import formulas, inline
from pages.markdown.inline import Context
from pages.markdown.reading import DEEPEST
from pages.markdown.text import literal

_LANGUAGE = re.compile(r"[\w+#.-]{1,30}", re.ASCII)
_DRAWN_LANGUAGES = re.compile(r"mermaid|math", re.IGNORECASE)
"""Languages of code that Streamlit would draw as pictures, including any resources they load. They are shown as code instead."""
DIAGRAM = "mermaidsource"
"""The language of code that static/diagrams.js draws as Mermaid, without loading external resources."""
_FENCE = re.compile(r"`{3,}")
_TASK = re.compile(r"\[([ xX])\] (?=\S|$)")


def top_level(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Yield the tokens of each top-level block."""
    start = depth = 0
    for at, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            yield tokens[start : at + 1]
            start = at + 1


def write(blocks: Sequence[Sequence[Token]], source: Sequence[str], context: Context, marker: str = "") -> tuple[str, str]:
    """Return the Markdown of these top-level blocks, and the marker of the list at its end ("" if there is none).

    source: the lines of the parsed text. marker: the marker of a list just before, since two lists with the same marker would merge.
    """
    written: list[str] = []
    for block in blocks:
        if any(token.level >= DEEPEST - 1 for token in block if token.nesting == 1):
            begin, end = block[0].map or (0, 0)
            lines, marker = literal("\n".join(source[begin:end])).split("\n"), ""
        else:
            lines, ending = _block(block, context, marker, "")
            marker = ending if lines else marker
        if lines:
            written.append("\n".join(lines))
    return "\n\n".join(written), marker


def _block(block: Sequence[Token], context: Context, before: str, around: str) -> tuple[list[str], str]:
    """Return the lines of a block, and its marker if it is a list, else "". before, around: markers of the preceding and enclosing list."""
    first = block[0]
    inside = block[1:-1]
    match first.type:
        case "paragraph_open":
            return _paragraph(inside[0].children or [], context), ""
        case "heading_open":
            text = inline.write(inside[0].children or [], replace(context, one_line=True))
            return [f"{'#' * int(first.tag[1:])} {text}".rstrip(" ")], ""
        case "blockquote_open":
            return [f"> {line}".rstrip(" ") for line in _inside(inside, context, around, tight=False)[0]], ""
        case "bullet_list_open" | "ordered_list_open":
            return _list(first, inside, context, before, around)
        case "table_open":
            return _table(inside, context), ""
        case "fence" | "code_block":
            return _code(first.content, first.info), ""
        case "hr":
            return ["___"], ""
        case formulas.DISPLAY:
            return _display(first), ""
    return literal(first.content).split("\n"), ""


def _inside(tokens: Sequence[Token], context: Context, around: str, *, tight: bool) -> tuple[list[str], bool]:
    """Return the lines of the blocks in a quote or list item, and whether there is no blank line between the blocks."""
    lines: list[str] = []
    marker = before = ""
    for block in top_level(tokens):
        written, ending = _block(block, context, marker, around)
        if not written:
            continue
        marker = ending
        if lines and not (tight and before == "paragraph_open" and _interrupts(block[0].type, written[0])):
            lines.append("")
            tight = False
        lines += written
        tight = tight and not (block[0].type == "paragraph_open" and "" in written)
        before = block[0].type
    return lines, tight


def _interrupts(type: str, line: str) -> bool:
    """Tell whether a block with this first line can follow a paragraph without a blank line."""
    if type in ("bullet_list_open", "ordered_list_open"):
        return line.startswith(("- ", "* ", "+ ", "1. ", "1) "))
    return type not in ("paragraph_open", "table_open", formulas.DISPLAY)


def _paragraph(tokens: Sequence[Token], context: Context) -> list[str]:
    """Return the lines of a paragraph. A display formula becomes a block of its own, with blank lines around it."""
    lines: list[str] = []
    start = 0
    for at in range(len(tokens) + 1):
        display = at < len(tokens) and tokens[at].type == formulas.DISPLAY and formulas.drawable(tokens[at].content)
        if at < len(tokens) and not (display and _outside(tokens, at)):
            continue
        text = inline.write(_trimmed(tokens[start:at]), context)
        if text:
            lines += [*([""] if lines else []), *text.split("\n")]
        if at < len(tokens):
            lines += [*([""] if lines else []), *_display(tokens[at])]
        start = at + 1
    return lines


def _outside(tokens: Sequence[Token], at: int) -> bool:
    return sum(token.nesting for token in tokens[:at]) == 0


def _trimmed(tokens: Sequence[Token]) -> Sequence[Token]:
    """Remove breaks and spaces at both ends."""
    tokens = list(tokens)
    for end in (0, -1):
        while tokens and (
            tokens[end].type in ("softbreak", "hardbreak") or (tokens[end].type == "text" and not tokens[end].content.strip(" "))
        ):
            del tokens[end]
    for end, strip in ((0, str.lstrip), (-1, str.rstrip)):
        if tokens and tokens[end].type == "text":
            tokens[end] = tokens[end].copy(content=strip(tokens[end].content, " "))
    return tokens


def _display(token: Token) -> list[str]:
    formula = formulas.drawable(token.content)
    return literal(token.markup).split("\n") if formula is None else ["$$", formula, "$$"]


def _code(content: str, info: str) -> list[str]:
    language = found[0] if (found := _LANGUAGE.match(info.strip())) else ""
    if language.lower() == "math" and (formula := formulas.drawable(content)):
        return ["$$", formula, "$$"]
    if language.lower() in ("mermaid", DIAGRAM):
        language = DIAGRAM
    elif _DRAWN_LANGUAGES.search(language):
        language = ""
    fence = "`" * max(3, 1 + max((len(run) for run in _FENCE.findall(content)), default=0))
    return [f"{fence}{language}", *content.split("\n")[: -1 if content.endswith("\n") else None], fence]


def _list(opening: Token, inside: Sequence[Token], context: Context, before: str, around: str) -> tuple[list[str], str]:
    ordered = opening.type == "ordered_list_open"
    markers = (".", ")") if ordered else ("-", "*", "+")
    marker = next(each for each in markers if each != before and (ordered or each != around))
    number = int(opening.attrGet("start") or 1) if ordered and opening.attrGet("start") is not None else 1
    tight = not any(token.type == "paragraph_open" and token.level == opening.level + 2 and not token.hidden for token in inside)
    items = [_item(item[1:-1], context, marker, tight=tight) for item in top_level(inside)]
    tight = all(together for _, together in items)
    lines: list[str] = []
    for count, (written, _) in enumerate(items):
        mark = f"{min(number + count, 999_999_999)}{marker}" if ordered else marker
        if lines and not tight:
            lines.append("")
        lines.append(f"{mark} {written[0]}".rstrip(" ") if written else mark)
        indent = " " * (len(mark) + 1)
        lines += [f"{indent}{line}" if line else "" for line in written[1:]]
    return lines, marker


def _item(tokens: Sequence[Token], context: Context, marker: str, *, tight: bool) -> tuple[list[str], bool]:
    text = tokens[1].children if len(tokens) > 1 and tokens[0].type == "paragraph_open" else None
    task = _TASK.match(text[0].content) if text and text[0].type == "text" else None
    if task is None or not text or not inline.plain_text(text)[task.end() :].strip():
        return _inside(tokens, context, marker, tight=tight)
    rest = [text[0].copy(content=text[0].content[task.end() :]), *text[1:]]
    lines, tight = _inside([tokens[0], tokens[1].copy(children=rest), *tokens[2:]], context, marker, tight=tight)
    return [f"[{task[1].lower()}] {lines[0]}", *lines[1:]], tight


def _table(tokens: Sequence[Token], context: Context) -> list[str]:
    rows: list[list[str]] = []
    rule: list[str] = []
    for at, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append(inline.write(tokens[at + 1].children or [], replace(context, one_line=True, cell=True)))
            if token.type == "th_open":
                style = str(token.attrGet("style") or "")
                rule.append({"left": ":--", "right": "--:", "center": ":-:"}.get(style.removeprefix("text-align:"), "---"))
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    return [lines[0], "| " + " | ".join(rule) + " |", *lines[1:]] if lines else []
