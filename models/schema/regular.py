"""Turn regular expressions into deterministic automata, for the patterns of JSON Schema and the texts of tool calls.

Brzozowski's derivatives: what may follow after a character is again an expression, so "and" and "not" cost nothing, and a pattern with a
length, a format or a look-ahead is one automaton. An automaton has one state at a time, so llama.cpp follows its rules with one stack.
Everything is bounded: an expression that grows too large raises TooLarge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LAST = 0x10FFFF
START, END = LAST + 1, LAST + 2
"""Mark the beginning and the end of the text, so that ^ and $ are characters like others."""
MAX_STATES = 400
MAX_STEPS = 8_000
MAX_WORK = 30_000
"""Most parts of alternatives that are examined, in all."""
MAX_CLASSES = 200
Ranges = tuple[tuple[int, int], ...]
ALPHABET: Ranges = ((8, 10), (12, 13), (0x20, 0x7E), (0x80, 0xD7FF), (0xE000, LAST), (START, END))
"""Without halves of surrogate pairs, and without control characters that nobody writes."""


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


def _flat(kind: str, parts: Iterable[Node]) -> frozenset[Node]:
    return frozenset(one for part in parts for one in (part.parts if part.kind == kind else (part,)))


@dataclass(frozen=True, slots=True)
class Automaton:
    """States are numbers, 0 is where it begins. moves: of each state, the characters that lead to each further state."""

    moves: tuple[tuple[tuple[Ranges, int], ...], ...]
    accepting: frozenset[int]

    @property
    def shortest(self) -> int:
        """Return the length of the shortest text."""
        seen, reached, length = {0}, {0}, 0
        while not reached & self.accepting:
            reached = {target for state in reached for _, target in self.moves[state]} - seen
            seen |= reached
            length += 1
        return length

    def matches(self, text: str) -> bool:
        state = 0
        for character in map(ord, text):
            for ranges, target in self.moves[state]:
                if any(low <= character <= high for low, high in ranges):
                    state = target
                    break
            else:
                return False
        return state in self.accepting


class Builder:
    """Makes the automaton of one expression. Raises TooLarge."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._known: dict[tuple[Node, int], Node] = {}

    def automaton(self, node: Node) -> Automaton | None:
        """Return the automaton of the texts between START and END; None if no text fits."""
        numbers = {self._after(node, START): 0}
        states = list(numbers)
        moves: list[dict[int, list[tuple[int, int]]]] = []
        for state in states:
            targets: dict[int, list[tuple[int, int]]] = {}
            for ranges in self._classes(state):
                after = self._after(state, ranges[0][0])
                if after is self._nodes.nothing:
                    continue
                if after not in numbers:
                    if len(numbers) >= MAX_STATES:
                        raise TooLarge
                    numbers[after] = len(numbers)
                    states.append(after)
                targets.setdefault(numbers[after], []).extend(ranges)
            moves.append(targets)
        accepting = {number for state, number in numbers.items() if self._after(state, END).nullable}
        return _without_dead_ends(moves, accepting)

    def _classes(self, node: Node) -> list[Ranges]:
        """Group the characters: the expression treats all members of a group alike as the next one."""
        sets = self._first(node)
        cuts = sorted({0, *(cut for ranges in sets for low, high in ranges for cut in (low, high + 1) if cut <= LAST)})
        groups: dict[tuple[bool, ...], list[tuple[int, int]]] = {}
        for low, following in zip(cuts, [*cuts[1:], LAST + 1], strict=True):
            inside = tuple(any(a <= low <= b for a, b in ranges) for ranges in sets)
            groups.setdefault(inside, []).append((low, following - 1))
        return [tuple(group) for group in groups.values()]

    def _first(self, node: Node) -> set[Ranges]:
        self._nodes.work(1)
        match node.kind:
            case "set":
                return {node.ranges}
            case "cat":
                first = self._first(node.parts[0])
                return first | self._first(node.parts[1]) if node.parts[0].nullable else first
        return {one for part in node.parts for one in self._first(part)}

    def _after(self, node: Node, character: int) -> Node:
        """Return what may follow `character`: the derivative."""
        known = self._known.get((node, character))
        if known is not None:
            return known
        if len(self._known) >= MAX_STEPS:
            raise TooLarge
        nodes = self._nodes
        match node.kind:
            case "set":
                inside = any(low <= character <= high for low, high in node.ranges)
                after = nodes.empty if inside else nodes.nothing
            case "cat":
                first, rest = node.parts
                after = nodes.sequence((self._after(first, character), rest))
                if first.nullable:
                    after = nodes.either((after, self._after(rest, character)))
            case "repeat":
                [part] = node.parts
                more = nodes.repeat(part, max(0, node.least - 1), None if node.most is None else node.most - 1)
                after = nodes.sequence((self._after(part, character), more))
            case "or":
                after = nodes.either(self._after(part, character) for part in node.parts)
            case "and":
                after = nodes.both(self._after(part, character) for part in node.parts)
            case "not":
                after = nodes.other(self._after(node.parts[0], character))
            case _:
                after = nodes.nothing
        self._known[node, character] = after
        return after


def _without_dead_ends(moves: list[dict[int, list[tuple[int, int]]]], accepting: set[int]) -> Automaton | None:
    """Leave out the states from which no text can end; returns None if the first is one."""
    sources: dict[int, list[int]] = {}
    for state, targets in enumerate(moves):
        for target in targets:
            sources.setdefault(target, []).append(state)
    alive, open_ = set(accepting), list(accepting)
    while open_:
        for state in sources.get(open_.pop(), ()):
            if state not in alive:
                alive.add(state)
                open_.append(state)
    if 0 not in alive:
        return None
    numbers = {state: number for number, state in enumerate(sorted(alive))}
    kept = tuple(
        tuple((merged(ranges), numbers[target]) for target, ranges in moves[state].items() if target in alive) for state in sorted(alive)
    )
    return Automaton(kept, frozenset(numbers[state] for state in accepting))



def within(ranges: Ranges, others: Ranges) -> Ranges:
    return merged((max(a, c), min(b, d)) for a, b in ranges for c, d in others if max(a, c) <= min(b, d))


