"""Represent a grammar as rules of steps: one character, a reference to a rule, or a counted repetition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

LAST_CHARACTER = 0x10FFFF
Ranges = tuple[tuple[int, int], ...]
"""Code points, both ends included."""
_NOTHING: Ranges = ((LAST_CHARACTER + 1, LAST_CHARACTER + 1),)
END = -1
"""The step after a sequence's last one."""


FEW = 9
"""Fewer alternatives than this are kept unchanged."""
MAX_SHARED = 60
"""Most nested levels of shared beginnings."""


class Kind(IntEnum):
    CHARACTER = 0
    REFERENCE = 1
    REPETITION = 2


Step = tuple[Kind, object]


@dataclass(frozen=True, slots=True)
class Repetition:
    """Repeat the sequence that starts at `item`. high None: without end."""

    item: int
    low: int
    high: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Grammar:
    """Steps are numbered. Step n is of kinds[n], and nexts[n] follows it in its sequence, END after the last."""

    kinds: Sequence[Kind]
    ranges: Sequence[Ranges]
    """The characters of steps that are one character."""
    rules: Sequence[Sequence[int]]
    """The first steps of each rule's alternatives; END for an empty one."""
    references: Sequence[int]
    """The number of the rule, for steps that are a reference."""
    repetitions: Sequence[Repetition | None]
    followers: Sequence[int]
    root: int


def complement(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return every code point that is in none of the ranges."""
    found, begin = [], 0
    for low, high in sorted(ranges):
        if low > begin:
            found.append((begin, low - 1))
        begin = max(begin, high + 1)
    if begin <= LAST_CHARACTER:
        found.append((begin, LAST_CHARACTER))
    return tuple(found)


class GrammarBuilder:
    def __init__(self) -> None:
        self._kinds: list[Kind] = []
        self._ranges: list[Ranges] = []
        self._references: list[int] = []
        self._repetitions: list[Repetition | None] = []
        self._followers: list[int] = []
        self._rules: list[list[int] | None] = []

    def new_rule(self) -> int:
        self._rules.append(None)
        return len(self._rules) - 1

    def defined(self, rule: int) -> bool:
        return self._rules[rule] is not None

    def define(self, rule: int, alternatives: list[list[Step]], depth: int = 0) -> None:
        """Share the beginnings of alternatives, so that a choice of many words is followed as one."""
        if len(alternatives) < FEW or depth > MAX_SHARED:
            self._rules[rule] = [self._add(steps) for steps in alternatives]
            return
        groups: dict[object, list[list[Step]]] = {}
        for steps in alternatives:
            groups.setdefault(steps[0][1] if steps and steps[0][0] is Kind.CHARACTER else id(steps), []).append(steps)
        self._rules[rule] = [self._shared(group, depth) for group in groups.values()]

    def _shared(self, group: list[list[Step]], depth: int) -> int:
        if len(group) == 1:
            return self._add(group[0])
        length, shortest = 1, min(map(len, group))
        first = group[0]
        while length < shortest and first[length][0] is Kind.CHARACTER and all(one[length] == first[length] for one in group):
            length += 1
        rest = self.new_rule()
        self.define(rest, [steps[length:] for steps in group], depth + 1)
        return self._add([*first[:length], self.reference(rest)])

    @staticmethod
    def characters(ranges: Ranges) -> Step:
        return Kind.CHARACTER, ranges or _NOTHING

    @staticmethod
    def reference(rule: int) -> Step:
        return Kind.REFERENCE, rule

    def repeated(self, item: list[Step], low: int, high: int | None) -> list[Step]:
        if not item or high == 0:
            return []
        return [(Kind.REPETITION, Repetition(self._add(item), low, high))]

    def grammar(self, root: int) -> Grammar:
        rules = [rule or [] for rule in self._rules]
        return Grammar(
            kinds=self._kinds,
            ranges=self._ranges,
            rules=rules,
            references=self._references,
            repetitions=self._repetitions,
            followers=self._followers,
            root=root,
        )

    def left_recursive(self) -> int | None:
        """Find a rule that can begin with itself, after empty beginnings too."""
        leftmost = self._leftmost()
        state = bytearray(len(self._rules))  # 1: on the path, 2: done
        for first in range(len(self._rules)):
            if state[first]:
                continue
            path = [(first, iter(leftmost[first]))]
            state[first] = 1
            while path:
                rule, following = path[-1]
                found = next(following, None)
                if found is None:
                    state[rule] = 2
                    path.pop()
                elif state[found] == 1:
                    return found
                elif not state[found]:
                    state[found] = 1
                    path.append((found, iter(leftmost[found])))
        return None

    def _leftmost(self) -> list[list[int]]:
        """Find for each rule the rules it can begin with. Every step is looked at once, however the rules depend on each other."""
        leftmost: list[list[int]] = [[] for _ in self._rules]
        watched: list[list[tuple[int, int]]] = [[] for _ in self._rules]
        """The alternatives (rule, step) that continue if a rule can be empty, by rule."""
        empty = bytearray(len(self._rules))
        todo = [(rule, first) for rule, firsts in enumerate(self._rules) for first in firsts or ()]
        while todo:
            rule, step = todo.pop()
            while step != END:
                begins, may_be_empty = self._begins(step)
                if begins is not None:
                    leftmost[rule].append(begins)
                    if not may_be_empty and not empty[begins]:
                        watched[begins].append((rule, self._followers[step]))
                        break
                elif not may_be_empty:
                    break
                step = self._followers[step]
            else:
                if not empty[rule]:
                    empty[rule] = 1
                    todo += watched[rule]
                    watched[rule].clear()
        return leftmost

    def _begins(self, step: int) -> tuple[int | None, bool]:
        """Return (the rule that the step refers to, whether the step can be empty regardless of that rule)."""
        repetition = self._repetitions[step]
        if repetition is None:
            return (self._references[step] if self._kinds[step] is Kind.REFERENCE else None), False
        item = repetition.item
        return (self._references[item] if self._kinds[item] is Kind.REFERENCE else None), repetition.low == 0

    def _add(self, steps: list[Step]) -> int:
        """Number the steps of a sequence; returns the first one's number, END if there is none."""
        if not steps:
            return END
        first = len(self._kinds)
        for kind, what in steps:
            self._kinds.append(kind)
            if kind is Kind.CHARACTER:
                self._ranges.append(what)  # type: ignore[arg-type]
                self._references.append(END)
                self._repetitions.append(None)
            else:
                self._ranges.append(())
                self._references.append(what if kind is Kind.REFERENCE else END)  # type: ignore[arg-type]
                self._repetitions.append(what if isinstance(what, Repetition) else None)
        self._followers += range(first + 1, len(self._kinds))
        self._followers.append(END)
        return first
