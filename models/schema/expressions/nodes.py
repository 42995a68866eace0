"""Make regular expressions in a normal form, each once: parts, sequences, alternatives, "and" and "not"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LAST = 0x10FFFF
START, END = LAST + 1, LAST + 2
"""Mark the beginning and the end of the text, so that ^ and $ are characters like others."""
MAX_STEPS = 8_000
MAX_WORK = 30_000
"""Most parts of alternatives that are examined, in all."""
MAX_CLASSES = 200
Ranges = tuple[tuple[int, int], ...]
ALPHABET: Ranges = ((8, 10), (12, 13), (0x20, 0x7E), (0x80, 0xD7FF), (0xE000, LAST), (START, END))
"""All characters without halves of surrogate pairs, and without control characters that nobody writes."""


class TooLarge(Exception):
    """The automaton has too many states, or takes too long to make."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One expression. Equal expressions are one object: see Nodes."""

    kind: str
    parts: tuple[Node, ...] = ()
    ranges: Ranges = ()
    least: int = 0
    most: int | None = None
    nullable: bool = False


class Nodes:
    """Makes expressions, each once and in a normal form. Their number is bounded."""

    def __init__(self, most: int = MAX_STEPS * 4) -> None:
        self._made: dict[tuple[object, ...], Node] = {}
        self._most = most
        self._work = 0
        self.nothing = self._node("set")
        self.empty = self._node("empty", nullable=True)
        self.any = self.set([(0, LAST)])
        self.everything = self.repeat(self.set([(0, END)]), 0, None)
        """Match every text, with START and END."""

    def set(self, ranges: Iterable[tuple[int, int]]) -> Node:
        return self._node("set", ranges=within(merged(ranges), ALPHABET))

    def text(self, text: str) -> Node:
        return self.sequence(self.set([(ord(c), ord(c))]) for c in text)

    def sequence(self, parts: Iterable[Node]) -> Node:
        found = self.empty
        for part in reversed(list(parts)):
            found = self._cat(part, found)
        return found

    def _cat(self, first: Node, rest: Node) -> Node:
        if self.nothing in (first, rest):
            return self.nothing
        if first is self.empty:
            return rest
        if rest is self.empty:
            return first
        if first.kind == "cat":
            return self._cat(first.parts[0], self._cat(first.parts[1], rest))
        return self._node("cat", (first, rest), nullable=first.nullable and rest.nullable)

    def either(self, parts: Iterable[Node]) -> Node:
        flat = _flat("or", parts) - {self.nothing}
        if self.everything in flat:
            return self.everything
        sets = [one for one in flat if one.kind == "set"]
        if len(sets) > 1:
            flat = (flat - set(sets)) | {self.set(pair for one in sets for pair in one.ranges)}
        return self._group("or", flat, self.nothing, any(one.nullable for one in flat))

    def both(self, parts: Iterable[Node]) -> Node:
        flat = _flat("and", parts) - {self.everything}
        if self.nothing in flat:
            return self.nothing
        return self._group("and", flat, self.everything, all(one.nullable for one in flat))

    def other(self, part: Node) -> Node:
        if part.kind == "not":
            return part.parts[0]
        if part is self.everything:
            return self.nothing
        return self.everything if part is self.nothing else self._node("not", (part,), nullable=not part.nullable)

    def repeat(self, part: Node, least: int, most: int | None) -> Node:
        if part is self.nothing:
            return self.empty if least == 0 else self.nothing
        if most == 0 or part is self.empty:
            return self.empty
        least = 0 if part.nullable else least
        if (least, most) == (1, 1):
            return part
        if part.kind == "repeat" and (part.least, part.most) == (0, None) and most is None:
            return part
        return self._node("repeat", (part,), least=least, most=most, nullable=least == 0)

    def work(self, parts: int) -> None:
        """Raise TooLarge once too much was done."""
        self._work += parts
        if self._work > MAX_WORK:
            raise TooLarge

    def _group(self, kind: str, flat: frozenset[Node], without: Node, nullable: bool) -> Node:
        self.work(len(flat))
        if len(flat) < 2:
            return next(iter(flat), without)
        ordered = tuple(sorted(flat, key=id))
        return self._node(kind, ordered, nullable=nullable)

    def _node(
        self,
        kind: str,
        parts: tuple[Node, ...] = (),
        ranges: Ranges = (),
        least: int = 0,
        most: int | None = None,
        nullable: bool = False,
    ) -> Node:
        key = (kind, parts, ranges, least, most)
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= self._most or len(ranges) > MAX_CLASSES:
                raise TooLarge
            found = self._made[key] = Node(kind=kind, parts=parts, ranges=ranges, least=least, most=most, nullable=nullable)
        return found


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def outside(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return all characters but these."""
    found, begin = [], 0
    for low, high in merged(ranges):
        if low > begin:
            found.append((begin, low - 1))
        begin = high + 1
    return tuple([*found, (begin, LAST)] if begin <= LAST else found)


def within(ranges: Ranges, others: Ranges) -> Ranges:
    return merged((max(a, c), min(b, d)) for a, b in ranges for c, d in others if max(a, c) <= min(b, d))


def _flat(kind: str, parts: Iterable[Node]) -> frozenset[Node]:
    return frozenset(one for part in parts for one in (part.parts if part.kind == kind else (part,)))
