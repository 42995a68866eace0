"""Write the contents of a paragraph, heading or cell from its tokens.

Text is escaped as late as possible, when it is complete. Emphasis marks are written only where every Markdown parser reads them as marks;
where the characters around a mark would prevent that, a letter beside it is written as a character reference, which counts as
punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from markdown_it.token import Token

from core.documents.citing import citations
from pages.markdown import addresses, formulas
from pages.markdown.emphasis import kind
from pages.markdown.text import JOINER, escaped

MARKS = {"em": "*", "strong": "**", "s": "~~"}
_BREAKS = {"hardbreak": "\\\n", "softbreak": "\n"}
_JOINER_AS_SIGN = f"&#{ord(JOINER)};"
_RUNS = re.compile(r"`+")
_BAR_BEHIND_AN_ODD_SLASH = re.compile(r"(?<!\\)(?:\\\\)*\\\|")


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of a line of text."""

    leaving: str = ""
    """The text before the address that a link shows on hover."""
    one_line: bool = False
    """Whether the line is in a heading or a cell, where breaks become spaces."""
    cell: bool = False
    """Whether the line is in a cell, which a vertical bar would end."""
    link: bool = False
    """Whether the line is inside a link, which cannot contain another link."""
    sources: int | None = None
    """How many sources an answer may cite as [1]; None if its numbers in brackets are no citations."""


@dataclass(slots=True)
class _Piece:
    """Finished Markdown, unescaped text, or a mark around other pieces."""

    markdown: str = ""
    text: str = ""
    mark: str = ""
    inside: list[_Piece] = field(default_factory=list)
    is_letters: bool = False
    """Whether this is escaped text, whose first and last characters may be written as character references."""


def write(tokens: Sequence[Token], context: Context) -> str:
    """Return the Markdown of these inline tokens."""
    return _join(_pieces(tokens, context), context)


def plain_text(tokens: Sequence[Token]) -> str:
    """Return the text of these tokens without marks."""
    parts = []
    for token in tokens:
        if token.type == "image":
            parts.append(plain_text(token.children or []))
        else:
            parts.append(" " if token.type in _BREAKS else token.content)
    return "".join(parts)


def _pieces(tokens: Sequence[Token], context: Context, within: tuple[str, ...] = ()) -> list[_Piece]:
    pieces: list[_Piece] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.nesting == 1:
            end = _closing(tokens, at)
            pieces += _nested(token, tokens[at + 1 : end], context, within)
            at = end + 1
            continue
        pieces += _single(token, context)
        at += 1
    return _merged(pieces)


def _closing(tokens: Sequence[Token], at: int) -> int:
    depth = 0
    for end in range(at, len(tokens)):
        depth += tokens[end].nesting
        if depth == 0:
            return end
    return len(tokens)


def _merged(pieces: list[_Piece]) -> list[_Piece]:
    """Merge neighbours of one kind: Streamlit reads adjacent text as one, and cannot separate two runs of the same mark."""
    merged: list[_Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if last and piece.mark and last.mark == piece.mark:
            last.inside = _merged(last.inside + piece.inside)
        elif last and piece.text and last.text:
            last.text += piece.text
        elif piece.mark or piece.text or piece.markdown:
            merged.append(piece)
    return merged


def _nested(opening: Token, inside: Sequence[Token], context: Context, within: tuple[str, ...]) -> list[_Piece]:
    if opening.type == "link_open":
        return _link(opening, inside, context)
    mark = MARKS.get(opening.tag)
    if mark is None or mark in within:
        return _pieces(inside, context, within)
    pieces = _pieces(inside, context, (*within, mark))
    return [_Piece(mark=mark, inside=pieces)] if pieces else []


def _single(token: Token, context: Context) -> list[_Piece]:
    if token.type in _BREAKS:
        return [_Piece(text=" ")] if context.one_line else [_Piece(_BREAKS[token.type])]
    if token.type == "code_inline":
        return [_code(token.content, context)]
    if token.type in (formulas.INLINE, formulas.DISPLAY):
        return [_formula(token, context)]
    if token.type == "image":
        return _picture(token, context)
    return [_Piece(text=token.content)]


def _code(content: str, context: Context) -> _Piece:
    if context.cell and _BAR_BEHIND_AN_ODD_SLASH.search(content):
        return _Piece(text=content)  # Cannot be written as code in a cell.
    if context.cell:
        content = content.replace("|", "\\|")
    ticks = "`" * (1 + max((len(run) for run in _RUNS.findall(content)), default=0))
    ticks = ticks if ticks not in _RUNS.findall(content) else ticks + "`"
    edges = content[:1] + content[-1:]
    pad = " " if "`" in edges or (edges == "  " and content.strip(" ")) else ""
    return _Piece(f"{ticks}{pad}{content}{pad}{ticks}")


def _formula(token: Token, context: Context) -> _Piece:
    formula = formulas.drawable(token.content)
    if formula is None or (context.cell and "|" in formula and "\\text" in formula):
        return _Piece(text=" ".join(token.markup.split()))
    if context.cell:
        formula = formula.replace("\\|", "\\Vert ").replace("|", "\\vert ").strip()
    return _Piece(f"${formula}$")


def _link(opening: Token, inside: Sequence[Token], context: Context) -> list[_Piece]:
    address = str(opening.attrGet("href") or "")
    target = addresses.target(address)
    label = plain_text(inside)
    if target is not None and not context.link:
        written = write(inside, replace(context, link=True)) or escaped(address, in_link=True)
        return [_Piece(addresses.link(written, label, target, context.leaving))]
    pieces = _pieces(inside, context)
    shown = address.removeprefix("mailto:") if opening.markup == "autolink" else address
    if context.link or not shown or label == shown:
        return pieces
    return [*pieces, _Piece(text=" ("), _code(shown, context), _Piece(text=")")]


def _picture(token: Token, context: Context) -> list[_Piece]:
    """Write a picture as a link to it, since pictures are never loaded."""
    address = str(token.attrGet("src") or "")
    alt = token.children or []
    if context.link:
        return _pieces(alt, context)
    opening = Token("link_open", "a", 1, attrs={"href": address})
    return _link(opening, alt or [Token("text", "", 0, content=address)], context)


# Joining: the characters beside a mark decide whether parsers read it as one


def _escaped(pieces: list[_Piece], context: Context) -> list[_Piece]:
    """Return the pieces with all text escaped and its addresses turned into links."""
    done: list[_Piece] = []
    for piece in pieces:
        if not piece.text:
            done.append(piece)
            continue
        if context.sources is not None and not context.link and citations.MARK.search(piece.text):
            for part in citations.parts(piece.text):
                uncited = replace(context, sources=None)
                done += _escaped([_Piece(text=part.text)], uncited) if part.number is None else [_cited(part, context)]
            continue
        for what, part in [("text", piece.text)] if context.link else addresses.split(piece.text):
            if what == "mail":
                done.append(_code(part, context))
            elif what == "web" and (target := addresses.target(addresses.absolute(part))):
                done.append(_Piece(addresses.link(escaped(part, in_link=True), "", target, context.leaving)))
            else:
                done.append(_Piece(escaped(part, in_link=context.link), is_letters=True))
    return done


def _cited(part: citations.Part, context: Context) -> _Piece:
    """Write the number of a source as a badge; one that does not exist is struck out."""
    if part.number is not None and context.sources is not None and 1 <= part.number <= context.sources:
        return _Piece(f":blue-badge[{part.number}]")
    return _Piece(f":orange[~~{escaped(part.text)}~~]")


def _join(pieces: list[_Piece], context: Context) -> str:
    pieces = _escaped(pieces, context)
    written = [f"{piece.mark}{_join(piece.inside, context)}{piece.mark}" if piece.mark else piece.markdown for piece in pieces]
    ends = {"", *_BREAKS.values()}
    for at, piece in enumerate(pieces):
        before = written[at - 1] if at else ""
        after = pieces[at + 1].mark or pieces[at + 1].markdown if at + 1 < len(pieces) else ""
        if piece.is_letters:
            text = written[at]
            # A space at an edge would be dropped or change a break; a digit would keep a dollar sign from closing a formula.
            if (
                (text[:1].isspace() and (not at or before in ends))
                or (text[:1].isdigit() and before[-1:] == "$")
                or (at and pieces[at - 1].mark and kind(before[-len(pieces[at - 1].mark) - 1]) == "sign" and kind(text[:1]) == "letter")
            ):
                text = _first_referenced(text)
            if text[-1:].isspace() and after in ends:
                text = _last_referenced(text)
            elif at + 1 < len(pieces) and pieces[at + 1].mark and kind(text[-1:]) == "letter":
                inside = written[at + 1][len(pieces[at + 1].mark) :]
                text = _last_referenced(text) if kind(inside[:1]) == "sign" else text
            written[at] = text
        elif at and not pieces[at - 1].is_letters and before[-1:] in ("`", "$", "*") and written[at][:1] == before[-1:]:
            # Without a joiner, two code spans, two formulas or two marks would be read as one.
            written[at] = (JOINER if before[-1:] != "*" else _JOINER_AS_SIGN) + written[at]
    return "".join(written)


def _first_referenced(markdown: str) -> str:
    return f"{_reference(markdown[0])}{markdown[1:]}"


def _last_referenced(markdown: str) -> str:
    return f"{markdown[:-1]}{_reference(markdown[-1])}"


def _reference(character: str) -> str:
    """Return a numeric character reference; U+FFFD for control characters, for which CommonMark has no reference."""
    return "\ufffd" if "\x7f" <= character <= "\x9f" else f"&#{ord(character)};"
