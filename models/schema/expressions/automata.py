"""Turn regular expressions into deterministic automata, for the patterns of JSON Schema and the texts of tool calls.

Brzozowski's derivatives: what may follow after a character is again an expression, so "and" and "not" cost nothing, and a pattern with a
length, a format or a look-ahead is one automaton. An automaton has one state at a time, so llama.cpp follows its rules with one stack.
Everything is bounded: an expression that grows too large raises TooLarge.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.schema.expressions.nodes import END, LAST, MAX_STEPS, START, Node, Nodes, Ranges, TooLarge, merged

MAX_STATES = 400


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
