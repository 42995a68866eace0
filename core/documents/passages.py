"""Cut the text of a document into passages that end where a paragraph or sentence ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.documents.records import Passage

MAX_WEIGHT = 1_000
"""Size of a passage: about 250 tokens, so that embedding models which read 512 tokens read all of it."""
_WIDE_WEIGHT = 3
"""A Chinese character is about as many tokens as this many Latin ones."""
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_HEADING = re.compile(r"(#{1,6}) +(\S.*)")
_PAGE = "\f"
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE = re.compile(r"(?<=[。！？；…])(?=[^”’」』）])|(?<=[.!?])\s+(?=[^\s])|(?<=[。！？][”’」』）])")
_LINE = re.compile(r"\n")
_SPACE = re.compile(r"\s+|(?<=[，、,;；：])")
_CUTS = (_PARAGRAPH, _SENTENCE, _LINE, _SPACE)
"""Where a text can be cut, the best cuts first."""


@dataclass(slots=True)
class _Span:
    start: int
    end: int
    weight: int


def passages_of(text: str) -> tuple[list[Passage], int]:
    """Return the passages of a text, and the number of its pages (0 if it has none). Form feeds separate pages.

    A passage lies within one page and under one heading, which is a line that begins with "#", as in Markdown.
    """
    found: list[Passage] = []
    paged = _PAGE in text
    headings: list[tuple[int, str]] = []
    offset, line, counted = 0, 1, 0
    pages = text.split(_PAGE)
    for number, page in enumerate(pages, start=1):
        for start, end in _sections(page):
            _enter(headings, page[start:end])
            for span in _packed(page, start, end):
                at, until = offset + span.start, offset + span.end
                line += text.count("\n", counted, at)
                counted = at
                words = page[span.start : span.end]
                if _HEADING.fullmatch(words):
                    continue
                found.append(
                    Passage(
                        position=len(found), start=at, end=until, page=number if paged else 0, first_line=line,
                        last_line=line + words.count("\n"), heading=" › ".join(title for _, title in headings), text=words,
                    )
                )  # fmt: skip
        offset += len(page) + 1
    return found, len(pages) if paged else 0


def _sections(page: str) -> Iterator[tuple[int, int]]:
    """Yield the parts of a page that begin with a heading, and the part before the first."""
    starts = [0]
    offset = 0
    for line in page.split("\n"):
        if offset and _HEADING.match(line):
            starts.append(offset)
        offset += len(line) + 1
    for start, end in zip(starts, [*starts[1:], len(page)], strict=True):
        if page[start:end].strip():
            yield start, end


def _enter(headings: list[tuple[int, str]], section: str) -> None:
    """Replace the headings of the same or a lower level by the one that this section begins with."""
    if found := _HEADING.match(section.lstrip()):
        level = len(found[1])
        while headings and headings[-1][0] >= level:
            headings.pop()
        headings.append((level, found[2].strip()[:200]))


def _packed(page: str, start: int, end: int) -> Iterator[_Span]:
    """Put as many paragraphs, sentences or lines into each passage as fit. A passage that would be less than half full takes a part
    of the next paragraph."""
    now: _Span | None = None
    for span in _pieces(page, start, end, 0):
        if now is None:
            now = span
        elif now.weight + span.weight <= MAX_WEIGHT:
            now = _Span(now.start, span.end, now.weight + span.weight)
        else:
            yield now
            now = span
    if now is not None:
        yield now


def _pieces(page: str, start: int, end: int, cut: int) -> Iterator[_Span]:
    """Yield pieces that fit into a passage, without the space around them."""
    words = page[start:end]
    stripped = words.strip()
    if not stripped:
        return
    start += words.index(stripped[0])
    end = start + len(stripped)
    weight = len(stripped) + (_WIDE_WEIGHT - 1) * len(_WIDE.findall(stripped))
    if weight <= MAX_WEIGHT:
        yield _Span(start, end, weight)
    elif cut == len(_CUTS):
        step = MAX_WEIGHT // _WIDE_WEIGHT
        for at in range(start, end, step):
            yield from _pieces(page, at, min(at + step, end), cut)
    else:
        last = start
        for found in _CUTS[cut].finditer(page, start, end):
            yield from _pieces(page, last, found.start(), cut + 1)
            last = found.end()
        yield from _pieces(page, last, end, cut + 1)
