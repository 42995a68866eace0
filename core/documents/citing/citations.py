"""Find citations such as [1], [1, 2] and 【3】 in the text of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MARK = re.compile(r"\[(\d{1,3}(?:[ \t]*[,，、;][ \t]*\d{1,3}){0,9})\]|【(\d{1,3}(?:[ \t]*[,，、;][ \t]*\d{1,3}){0,9})】")
"""One citation of one or more sources."""
_CODE = re.compile(r"(?P<fence>```+|~~~+).*?(?:(?P=fence)|\Z)|(?P<tick>`+)(?!`).*?(?<!`)(?P=tick)(?!`)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of text, or the number of a cited source."""

    text: str
    number: int | None = None


def parts(text: str) -> Iterator[Part]:
    """Yield the text between citations, and each cited number with its text. text: without code and links."""
    last = 0
    for found in MARK.finditer(text):
        if found.start() > last:
            yield Part(text[last : found.start()])
        for number in re.findall(r"\d+", found[0]):
            yield Part(f"[{number}]", int(number))
        last = found.end()
    if last < len(text):
        yield Part(text[last:])


def cited(text: str, sources: int) -> list[int]:
    """Return the numbers of the sources that an answer cites, in order, without those that do not exist. Code is not read."""
    found = (part.number for part in parts(_CODE.sub(" ", text)))
    return list(dict.fromkeys(number for number in found if number is not None and 1 <= number <= sources))
