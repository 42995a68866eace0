"""Break runs of text into lines: between words, and between Chinese characters, but not before closing marks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from plugins.pdf_export.fonts import is_cjk

_NOT_FIRST = frozenset("，。、；：？！）」』】》〉”’…％%),.;:?!]}")
"""Characters that no line begins with."""
_ATOM = re.compile(r"\s+|\S+")


class Style(Enum):
    TEXT = "text"
    BOLD = "bold"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Run:
    text: str
    style: Style = Style.TEXT
    link: str = ""


Width = Callable[[Run], float]


def broken(runs: Iterable[Run], room: float, width: Width) -> Iterator[list[Run]]:
    """Yield lines of runs that are at most so wide. A line break in a run ends its line."""
    line: list[Run] = []
    used = 0.0
    for run in runs:
        first, *others = run.text.split("\n")
        for number, part in enumerate([first, *others]):
            if number:
                yield _joined(line)
                line, used = [], 0.0
            for atom in _atoms(part):
                piece = Run(atom, run.style, run.link)
                size = width(piece)
                if line and used + size > room and atom not in _NOT_FIRST:
                    yield _joined(line)
                    line, used = [], 0.0
                if not line and atom.isspace():
                    continue
                while size > room and len(piece.text) > 1:  # One word that is wider than a line.
                    fits = _fitting(piece, room - used, width)
                    yield _joined([*line, Run(piece.text[:fits], run.style, run.link)])
                    piece = Run(piece.text[fits:], run.style, run.link)
                    line, used, size = [], 0.0, width(piece)
                line.append(piece)
                used += size
    yield _joined(line)


def _atoms(text: str) -> Iterator[str]:
    """Yield what is not broken: words, spaces, single Chinese characters, closing marks."""
    for found in _ATOM.findall(text):
        word = ""
        for each in found:
            if is_cjk(each) or each in "，。、；：？！）」』】》〉（「『【《〈":
                if word:
                    yield word
                    word = ""
                yield each
            else:
                word += each
        if word:
            yield word


def _fitting(run: Run, room: float, width: Width) -> int:
    """Return how many characters of a run fit; at least one."""
    low, high = 1, len(run.text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(Run(run.text[:middle], run.style)) <= room:
            low = middle
        else:
            high = middle - 1
    return low


def _joined(line: list[Run]) -> list[Run]:
    """Return a line with neighbouring runs of one style as one."""
    joined: list[Run] = []
    for each in line:
        if joined and (joined[-1].style, joined[-1].link) == (each.style, each.link):
            joined[-1] = Run(joined[-1].text + each.text, each.style, each.link)
        else:
            joined.append(each)
    return joined
