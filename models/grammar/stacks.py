"""Follow a grammar character by character, and count the cost.

llama.cpp keeps every parse stack on its own, of which there may be exponentially many. Here stacks with the same top are one, above
everything that may lie below it (a "crowd"): a graph-structured stack. Equal ones are one object, so no state is computed twice. The
work is counted in visits, of about a microsecond each, and no call does more than it is allowed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from models.grammar.rules import END, Grammar

MAX_CACHED = 200_000
"""Most stacks of one automaton: beyond that it forgets all but those of the newest state."""
_EMPTY = 0
"""The empty stack: the grammar is complete."""
_BOTTOM = 0
"""The crowd of the empty stack alone."""
_Item = tuple[int, int, int]
"""A step, how often it was repeated so far, and a crowd; in a closure also a call that was made in it, as a negative number."""


class OutOfWork(Exception):
    """The allowed work was not enough."""


class State:
    """The characters that may follow some text. bounds: the code points where one set of next stacks ends and the next begins."""

    __slots__ = ("accepting", "bounds", "following", "stacks", "table", "targets")

    def __init__(self, stacks: tuple[int, ...], accepting: bool) -> None:
        self.stacks = stacks
        self.accepting = accepting
        """Whether the text may end here."""
        self.bounds: list[int] = []
        self.targets: list[list[int]] = []
        """The stacks that take a character from bounds[i] up to bounds[i + 1]."""
        self.following: list[State | None] = []
        """The next states that were computed so far."""
        self.table: tuple[NDArray[np.int32], NDArray[np.bool_]] | None = None


class Stacks:
    """An automaton over the parse stacks of one grammar. Used by one thread. Raises OutOfWork where `left` runs out."""

    def __init__(self, grammar: Grammar, left: int) -> None:
        """left: how many visits it may make; its owner may raise it."""
        self.left = left
        self._grammar = grammar
        self._forget()
        self.start = self._closure([(first, 0, _BOTTOM) for first in grammar.rules[grammar.root]])

    def _forget(self) -> None:
        self._numbers: dict[_Item, int] = {}
        self._entries: list[_Item] = [(END, 0, _BOTTOM)]
        """The top item of each stack."""
        self._set_numbers: dict[frozenset[int], int] = {frozenset([_EMPTY]): _BOTTOM}
        self._stack_sets: list[frozenset[int]] = [frozenset([_EMPTY])]
        self._states: dict[tuple[tuple[int, ...], bool], State] = {}

    def after(self, state: State, point: int) -> State | None:
        """Return the state after one more character; None where the grammar does not allow it."""
        position = self._position(state, point)
        return state.following[position] or self._follow(state, position)

    def read(self, state: State | None, text: str) -> State | None:
        for character in text:
            if state is None:
                break
            state = self.after(state, ord(character))
        return state

    def allows_any(self, state: State, low: int, high: int) -> bool:
        """Tell whether some character from `low` to `high` may come."""
        begin, end = self._position(state, low), self._position(state, high) + 1
        return any(state.targets[begin:end])

    def explore(self, state: State) -> Iterator[tuple[State, int]]:
        """Return the states that one more character can lead to, those with the most stacks first, each with its cost."""
        left = self.left
        self._prepare(state)
        prepared = left - self.left
        positions = {tuple(targets): position for position, targets in enumerate(state.targets) if targets}
        for position in sorted(positions.values(), key=lambda position: -len(state.targets[position])):
            left = self.left
            found = state.following[position] or self._follow(state, position)
            if found is not None:
                yield found, prepared + left - self.left

    def allowed_positions(self, state: State) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Return (the state's bounds, for each whether a character from there up to the next may come)."""
        if state.table is None:
            self._prepare(state)
            state.table = np.array(state.bounds, np.int32), np.array(list(map(bool, state.targets)))
        return state.table

    def trimmed(self, state: State) -> State:
        """Return the same state, after forgetting what only earlier text needed, if that was much."""
        if len(self._entries) < MAX_CACHED:
            return state
        entries, stack_sets = self._entries, self._stack_sets
        self._forget()
        numbers, set_numbers = {_EMPTY: _EMPTY}, {_BOTTOM: _BOTTOM}
        waiting = list(state.stacks)
        while waiting:
            stack = waiting[-1]
            step, times, stack_set = entries[stack]
            missing = [one for one in stack_sets[stack_set] if one not in numbers] if stack_set not in set_numbers else []
            if missing:
                waiting += missing
                continue
            waiting.pop()
            if stack_set not in set_numbers:
                set_numbers[stack_set] = self._stack_set(frozenset(numbers[one] for one in stack_sets[stack_set]))
            numbers[stack] = self._push(step, times, set_numbers[stack_set])
        return self._state(sorted(numbers[stack] for stack in state.stacks), state.accepting)

    def _position(self, state: State, point: int) -> int:
        if not state.bounds:
            self._prepare(state)
        return bisect_right(state.bounds, point) - 1

    def _prepare(self, state: State) -> None:
        """Sort the characters that may come by the stacks that take them."""
        if state.bounds:
            return
        ranges, entries = self._grammar.ranges, self._entries
        wanted = [(stack, ranges[entries[stack][0]]) for stack in state.stacks]
        bounds = sorted({0, *(edge for _, found in wanted for low, high in found for edge in (low, high + 1))})
        positions = {bound: position for position, bound in enumerate(bounds)}
        targets: list[list[int]] = [[] for _ in bounds]
        self._work(len(bounds))
        for stack, found in wanted:
            for low, high in found:
                begin, end = positions[low], positions[high + 1]
                self._work(end - begin)
                for position in range(begin, end):
                    targets[position].append(stack)
        state.targets, state.following, state.bounds = targets, [None] * len(bounds), bounds

    def _follow(self, state: State, position: int) -> State | None:
        targets = state.targets[position]
        if not targets:
            return None
        followers, entries = self._grammar.followers, self._entries
        found = state.following[position] = self._closure([(followers[entries[stack][0]], 0, entries[stack][2]) for stack in targets])
        return found

    def _push(self, step: int, times: int, stack_set: int) -> int:
        entry = (step, times, stack_set)
        number = self._numbers.get(entry)
        if number is None:
            number = self._numbers[entry] = len(self._entries)
            self._entries.append(entry)
        return number

    def _stack_set(self, stacks: frozenset[int]) -> int:
        number = self._set_numbers.get(stacks)
        if number is None:
            number = self._set_numbers[stacks] = len(self._stack_sets)
            self._stack_sets.append(stacks)
        return number

    def _closure(self, todo: list[_Item]) -> State:
        """Return the state that the items lead to without a character. An item with the step END is a complete sequence."""
        grammar = self._grammar
        ranges, followers, repetitions = grammar.ranges, grammar.followers, grammar.repetitions
        seen, found, accepting, left = set[_Item](), list[_Item](), False, self.left
        calls: dict[int, int] = {}
        """The number of the call, by rule or by the complement of a repetition's item."""
        callers: list[list[_Item]] = []
        """The items that continue after each call."""
        done: list[bool] = []
        while todo:
            item = todo.pop()
            if item in seen:
                continue
            seen.add(item)
            left -= 1
            if left < 0:
                break
            step, times, stack_set = item
            if step == END:
                if stack_set < 0:
                    if not done[~stack_set]:
                        done[~stack_set] = True
                        todo += callers[~stack_set]
                elif stack_set == _BOTTOM:
                    accepting = True
                else:
                    # The bottom's entry is a complete sequence, with nothing below it.
                    todo += [self._entries[stack] for stack in self._stack_sets[stack_set]]
                continue
            if ranges[step]:
                found.append(item)
                continue
            repetition = repetitions[step]
            if repetition is None:
                called, after = grammar.references[step], (followers[step], 0, stack_set)
            else:
                low, high = repetition.low, repetition.high
                if times >= low:
                    todo.append((followers[step], 0, stack_set))
                if high is not None and times >= high:
                    continue
                # Without an upper limit, the count does not matter once it reached the lower one.
                called, after = ~repetition.item, (step, min(times + 1, low) if high is None else times + 1, stack_set)
            call = calls.get(called)
            if call is None:
                call = calls[called] = len(callers)
                callers.append([])
                done.append(False)
                firsts = grammar.rules[called] if called >= 0 else (~called,)
                left -= len(firsts) // 4
                todo += [(first, 0, ~call) for first in firsts]
            callers[call].append(after)
            if done[call]:
                todo.append(after)
        self.left = left
        if left < 0:
            raise OutOfWork
        return self._state(self._tops(found, callers), accepting)

    def _tops(self, found: list[_Item], callers: list[list[_Item]]) -> list[int]:
        """Return the stacks of items, those with the same step as one."""
        stack_sets = self._stack_sets_of({stack_set for _, _, stack_set in found if stack_set < 0}, callers)
        below: dict[int, set[int]] = {}
        for step, _, stack_set in found:
            below.setdefault(step, set()).add(stack_sets.get(stack_set, stack_set))
        tops = []
        for step, some in below.items():
            if len(some) > 1:
                together = frozenset[int]().union(*(self._stack_sets[one] for one in some))
                self._work(len(together) // 4)
                some = {self._stack_set(together)}
            tops.append(self._push(step, 0, some.pop()))
        tops.sort()
        return tops

    def _stack_sets_of(self, wanted: Iterable[int], callers: list[list[_Item]]) -> dict[int, int]:
        """Return the crowds of the callers of these calls. No call waits for itself, since no rule begins with itself."""
        made: dict[int, int] = {}
        waiting = list(wanted)
        while waiting:
            call = waiting[-1]
            if call in made:
                waiting.pop()
                continue
            missing = [stack_set for _, _, stack_set in callers[~call] if stack_set < 0 and stack_set not in made]
            if missing:
                waiting += missing
                continue
            waiting.pop()
            together = set[int]()
            for step, times, stack_set in callers[~call]:
                stack_set = made.get(stack_set, stack_set)
                if step == END:
                    together |= self._stack_sets[stack_set]
                else:
                    together.add(self._push(step, times, stack_set))
            self._work(1 + len(together) // 4)
            made[call] = self._stack_set(frozenset(together))
        return made

    def _state(self, stacks: Collection[int], accepting: bool) -> State:
        key = tuple(stacks), accepting
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = State(*key)
        return state

    def _work(self, visits: int) -> None:
        self.left -= visits
        if self.left < 0:
            raise OutOfWork
