"""Estimate what draft tokens add to a step, and choose those that bring the most tokens per second.

All draft tokens of a step are checked by computing them as further rows of it. Their time is not linear, see `RowCosts`: on a
processor two rows of a small model may take three times as long as one, and sixteen twice as long as four. So a few draft tokens may not
pay where many do, and whether any do is known before the first is tried.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence

from models.engine.batching.micro_batches import neighbours
from models.engine.batching.row_costs import RowCosts

_MARGIN = 1.1
"""Draft tokens must pay even if they took this much longer than expected."""
_MIN_CHANCE = 0.05
"""Draft tokens that are less likely to be right are not considered."""
_OUTLIER = 2.0
_FLOOR = 0.1
"""Share of a step without draft tokens: additions below it drown in the noise of step times."""


class DraftCosts:
    """Estimates what draft tokens cost and bring. Only the decode thread uses it."""

    def __init__(self, rows: RowCosts, *, own_streams: bool) -> None:
        """own_streams: only neighbouring slots are computed together; else all are."""
        self._rows = rows
        self._own_streams = own_streams
        self._factor = 1.0
        """How many times longer they take than the measured rows of idle slots: attention looks at whole conversations."""

    @property
    def known(self) -> bool:
        return self._rows.known

    def together(self, slots: Sequence[int]) -> list[range]:
        """Return the runs of ascending slots that are computed together; where all are, which they are does not matter."""
        return neighbours(slots) if self._own_streams else [range(len(slots))]

    def added(self, groups: Sequence[range], drafts: Mapping[int, int]) -> float:
        """Return the seconds that so many draft tokens, by slot, add to a step of these runs. Only once `known`."""
        return self._factor * self._expected(groups, drafts)

    def _expected(self, groups: Sequence[range], drafts: Mapping[int, int]) -> float:
        rows = len(groups[0])
        if not self._own_streams or (rows == 1 and len(groups) == 1):
            return max(0.0, self._rows.of(rows + sum(drafts.values())) - self._rows.of(rows))
        seconds = 0.0
        for group in groups:
            drafting = sorted(slot for slot in drafts if slot in group)
            if len(drafting) == len(group):
                seconds += self._neighbours([1 + drafts[slot] for slot in drafting]) - self._rows.of(len(group))
            else:
                seconds += sum(self._neighbours([drafts[slot] for slot in run]) for run in neighbours(drafting))
        return max(0.0, seconds)

    def _neighbours(self, lengths: list[int]) -> float:
        """Return the seconds of neighbours as llama.cpp computes them: equally many tokens of each, then what is left in the same way."""
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
        also_s: Callable[[Mapping[int, int]], float] = lambda drafts: 0.0,
    ) -> dict[int, int]:
        """Choose how many draft tokens to check for which slots, the likeliest first; none where that brings no more tokens a second.

        likely: by slot the chance that a draft token is right whose predecessors were, and how many there are. room: for draft tokens
        altogether. plain_s: seconds of the step without them. also_s: what making them takes besides checking them.
        """
        tokens = float(len(slots))
        rate = tokens / plain_s
        order = [(-right, slot) for slot, (right, _) in likely.items()]
        heapq.heapify(order)
        chosen: dict[int, int] = {}
        drafts: dict[int, int] = {}
        groups = self.together(slots)
        for _ in range(room):
            if not order or -order[0][0] < _MIN_CHANCE:
                break
            chance, slot = heapq.heappop(order)
            drafts[slot] = drafts.get(slot, 0) + 1
            tokens -= chance
            seconds = plain_s + _MARGIN * (self.added(groups, drafts) + also_s(drafts))
            if tokens > rate * seconds:
                rate, chosen = tokens / seconds, dict(drafts)
            right, most = likely[slot]
            if drafts[slot] < most:
                heapq.heappush(order, (chance * right, slot))
        return chosen

    def learn(self, slots: Sequence[int], drafts: Mapping[int, int], seconds: float, plain_s: float) -> None:
        """Learn from a step with so many draft tokens. plain_s: its seconds without.

        A step that took far longer than expected was delayed by something else, and says little.
        """
        if self.known:
            floor = _FLOOR * plain_s
            factor = max(0.0, seconds - plain_s + floor) / max(floor, self._expected(self.together(slots), drafts) + floor)
            self._factor += 0.2 * (min(factor, _OUTLIER * self._factor) - self._factor)

    def forget(self) -> None:
        """Move what was learned a little towards what was measured, with a step without draft tokens: the machine may have been busy."""
        self._factor += 0.005 * (1.0 - self._factor)
