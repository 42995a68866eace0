"""What guesses add to a step, and which of them bring most tokens a second.

All guesses of a step are checked by computing them as further rows of it. What those take is no straight line, see `RowCosts`: on a
processor two rows of a small model may take three times as long as one, and sixteen twice as long as four. So a few guesses may not pay
where many do, and whether any do is known before the first is tried.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence

from models.engine.batching.micro_batches import neighbours
from models.engine.batching.row_costs import RowCosts

_MARGIN = 1.1
"""Guesses must pay if they took this much more than they are thought to."""
_LEAST = 0.05
"""Guesses that are less likely than that are not thought about."""
_SURPRISE = 2.0
_FLOOR = 0.1
"""Of a step without guesses: what they add less is lost in what steps differ by."""


class GuessCosts:
    """Used by the decode thread only."""

    def __init__(self, rows: RowCosts, *, own_streams: bool) -> None:
        """own_streams: only neighbouring slots are computed together, else all."""
        self._rows = rows
        self._own_streams = own_streams
        self._dearer = 1.0
        """How much more they take than rows of idle slots did: conversations are looked at, for guesses of one all at once."""

    @property
    def known(self) -> bool:
        return self._rows.known

    def together(self, slots: Sequence[int]) -> list[range]:
        """The runs of ascending slots that are computed together; where all are, it does not matter which they are."""
        return neighbours(slots) if self._own_streams else [range(len(slots))]

    def added(self, groups: Sequence[range], guesses: Mapping[int, int]) -> float:
        """Seconds that a step of what is computed `together` takes longer with so many guesses, by slot. Only once `known`."""
        return self._dearer * self._expected(groups, guesses)

    def _expected(self, groups: Sequence[range], guesses: Mapping[int, int]) -> float:
        rows = len(groups[0])
        if not self._own_streams or (rows == 1 and len(groups) == 1):
            return max(0.0, self._rows.of(rows + sum(guesses.values())) - self._rows.of(rows))
        seconds = 0.0
        for group in groups:
            guessing = sorted(slot for slot in guesses if slot in group)
            if len(guessing) == len(group):
                seconds += self._neighbours([1 + guesses[slot] for slot in guessing]) - self._rows.of(len(group))
            else:
                seconds += sum(self._neighbours([guesses[slot] for slot in run]) for run in neighbours(guessing))
        return max(0.0, seconds)

    def _neighbours(self, lengths: list[int]) -> float:
        """As llama.cpp takes them: equally many tokens of each, then in the same way what is left."""
        least = min(lengths)
        seconds = self._rows.of(least * len(lengths))
        left: list[int] = []
        for length in [*lengths, least]:
            if length > least:
                left.append(length - least)
            elif left:
                seconds += self._neighbours(left)
                left = []
        return seconds

    def best(
        self,
        slots: Sequence[int],
        likely: Mapping[int, tuple[float, int]],
        room: int,
        plain_s: float,
        also_s: Callable[[Mapping[int, int]], float] = lambda guesses: 0.0,
    ) -> dict[int, int]:
        """How many guesses to check for which of the slots, the likeliest first; none where that brings no more tokens a second.

        likely: by slot the chance that a guess is right whose forerunners were, and how many guesses there are. room: for guesses
        altogether. plain_s: what the step takes without. also_s: what the guesses take besides being checked.
        """
        tokens = float(len(slots))
        rate = tokens / plain_s
        order = [(-right, slot) for slot, (right, _) in likely.items()]
        heapq.heapify(order)
        chosen: dict[int, int] = {}
        guesses: dict[int, int] = {}
        groups = self.together(slots)
        for _ in range(room):
            if not order or -order[0][0] < _LEAST:
                break
            chance, slot = heapq.heappop(order)
            guesses[slot] = guesses.get(slot, 0) + 1
            tokens -= chance
            seconds = plain_s + _MARGIN * (self.added(groups, guesses) + also_s(guesses))
            if tokens > rate * seconds:
                rate, chosen = tokens / seconds, dict(guesses)
            right, most = likely[slot]
            if guesses[slot] < most:
                heapq.heappush(order, (chance * right, slot))
        return chosen

    def learn(self, slots: Sequence[int], guesses: Mapping[int, int], seconds: float, plain_s: float) -> None:
        """From a step with these guesses; plain_s: what it takes without.

        One that took far longer than expected was kept waiting by something else, and says little.
        """
        if self.known:
            floor = _FLOOR * plain_s
            dearer = max(0.0, seconds - plain_s + floor) / max(floor, self._expected(self.together(slots), guesses) + floor)
            self._dearer += 0.2 * (min(dearer, _SURPRISE * self._dearer) - self._dearer)

    def forget(self) -> None:
        """A step without guesses brings what was learned a little nearer to what was measured: the machine may have been busy."""
        self._dearer += 0.005 * (1.0 - self._dearer)
