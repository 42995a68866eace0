"""Which slots llama.cpp computes together in a step, where each has a stream of context memory of its own.

Left to itself it computes neighbouring slots together, and reads all weights again for each such run. Conversations keep their slots,
so that those that are answered lie scattered among idle ones: with eight of sixteen, four or five runs. So an answer begins beside
those that run, and its conversation moves there, where that is quicker. What gaps are left are closed by fillers, tokens of idle slots
that are computed along and forgotten, or by the first token of a prompt that is read there, where that is quicker than reading the
weights once more; a run is filled up to a number of rows that is quicker to compute than its own, and taken apart where that is quicker.
What is, `RowCosts` tells.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from models.engine.backend import Backend, Part
from models.engine.batching.row_costs import RowCosts

_ENOUGH = 0.95
"""Of the time that llama.cpp's own runs would take: less a grouping must promise. Costs are not known better."""
_AGAIN = 64
"""Batches after which what was decided is decided anew: conversations grow."""
_LARGEST_PIECE = 8
"""Rows: more are never taken out of a run, for a tile is no larger."""
_TOKEN = 0
"""Any will do: nothing is sampled after a filler."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A batch in the order in which llama.cpp is to see it."""

    parts: Sequence[Part]
    places: Sequence[int]
    """Where each of the batch's own parts is among them."""
    fillers: Sequence[Part] = ()
    groups: Sequence[int] = ()
    """How many rows are computed together, group after group; () where more than rows are computed."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """slots: of the rows and fillers in the order in which llama.cpp is to see them; () for its own order, which is ascending."""

    groups: Sequence[int]
    slots: Sequence[int] = ()


class MicroBatches:
    """Used by the decode thread only."""

    def __init__(self, backend: Backend, held: Sequence[list[int]]) -> None:
        """held: the tokens in each slot."""
        # Besides a token of each slot a step computes guesses.
        self.costs = RowCosts(backend.slots + backend.most_guesses if backend.can_cut else 0)
        self._own_streams = backend.own_streams
        self._held = held
        self._context = backend.context
        self._batch_tokens = backend.batch_tokens
        self._layouts: dict[tuple[tuple[int, ...], tuple[int, ...]], _Layout] = {}
        self._quickest: list[tuple[float, int]] = []
        """For so many neighbours: the least they take, and how many of them are computed together first."""
        self._left = 0

    def arrange(self, parts: Sequence[Part]) -> Arrangement:
        """parts: of ascending slots. Rows are those of one token; guesses and the rest of prompts llama.cpp computes after all rows."""
        own_order = Arrangement(parts, range(len(parts)))
        # The guesses of several answers are checked together if nothing stands between them.
        guessing = sum(bool(part.guessed) for part in parts)
        if not self._own_streams or not self.costs.known or guessing > 1:
            return own_order
        rows = [part for part in parts if len(part.tokens) - part.guessed == 1]
        others = [part for part in parts if len(part.tokens) - part.guessed != 1]
        layout = self._layout(tuple([part.slot for part in rows]), tuple([part.slot for part in others]))
        groups = () if others or guessing else layout.groups
        if not layout.slots:
            return replace(own_order, groups=groups)
        own = {part.slot: part for part in parts}
        ordered = [own.get(slot) or self.filler(slot) for slot in layout.slots]
        fillers = [part for part in ordered if part.slot not in own]
        ordered += [part for part in others if part.slot not in layout.slots]
        # A slot may have filled up since that was decided.
        if sum(len(part.tokens) for part in ordered) > self._batch_tokens or any(one.start >= self._context for one in fillers):
            return own_order
        place = {part.slot: number for number, part in enumerate(ordered)}
        return Arrangement(ordered, [place[part.slot] for part in parts], fillers, groups)

    def near(self, running: Sequence[int], free: Collection[int]) -> Collection[int]:
        """Of the `free` slots those where one more answer takes least, beside those that are `running`."""
        if not (self._own_streams and self.costs.known and running):
            return free
        runs = neighbours(sorted(running))
        adds = {slot: self._adds(slot, runs) for slot in free}
        enough = min(adds.values()) + (1 - _ENOUGH) * sum(self._takes(len(run)) for run in runs)
        return [slot for slot in free if adds[slot] <= enough]

    def _adds(self, slot: int, runs: list[range]) -> float:
        """What a row in `slot` takes more, by itself or with the gap closed to the run before it, to the one after it or to both."""
        before = [run for run in runs if run.stop <= slot][-1:]
        after = [run for run in runs if run.start > slot][:1]
        adds = [self._takes(1)]
        for beside in (before, after, [*before, *after]):
            if beside:
                length = max(slot + 1, beside[-1].stop) - min(slot, beside[0].start)
                adds.append(self._takes(length) - sum(self._takes(len(run)) for run in beside))
        return min(adds)

    def filler(self, slot: int) -> Part:
        return Part(slot, len(self._held[slot]), (_TOKEN,), wants_logits=False)

    def for_nothing(self, rows: int) -> Sequence[Part]:
        """A batch of so many rows, to see how long it takes: a token of each slot, or where there are not so many, guesses in one.

        () where that is too much for the slots.
        """
        if rows > self._batch_tokens:
            return ()
        if rows <= len(self._held):
            parts = [replace(self.filler(slot), wants_logits=True) for slot in range(rows)]
        else:
            emptiest = min(range(len(self._held)), key=lambda slot: len(self._held[slot]))
            parts = [Part(emptiest, len(self._held[emptiest]), (_TOKEN,) * rows, wants_logits=True, guessed=rows - 1)]
        return () if any(part.start + len(part.tokens) > self._context for part in parts) else parts

    def _fillers(self, begin: int, end: int, reading: Collection[int]) -> int:
        """How many slots from `begin` on, up to `end`, can be computed along: idle ones that are full cannot."""
        for slot in range(begin, end):
            if slot not in reading and len(self._held[slot]) >= self._context:
                return slot - begin
        return end - begin

    def _layout(self, rows: tuple[int, ...], others: tuple[int, ...]) -> _Layout:
        if not self._left:
            self._layouts.clear()
            self._quickest.clear()
            self._left = _AGAIN
        self._left -= 1
        layout = self._layouts.get((rows, others))
        if layout is None:
            runs = neighbours(rows)
            groups = self._best(runs, others)
            # The last group first: it ends where the next slot is not the neighbour of the one before.
            slots = () if groups == runs else [slot for group in reversed(groups) for slot in group]
            layout = self._layouts[rows, others] = _Layout([len(group) for group in groups], slots)
        return layout

    def _best(self, runs: list[range], reading: Collection[int]) -> list[range]:
        """What takes least for the first run, for the first two, ...: the group that ends there, after what is best for those before it."""
        if len(runs) == 1 and len(runs[0]) == 1:
            return runs  # An answer by itself is computed in the same way whatever was measured, so that its seed gives it again.
        least = [0.0]
        chosen: list[tuple[int, range]] = []
        for last, run in enumerate(runs):
            until = runs[last + 1].start if last + 1 < len(runs) else len(self._held)
            spare = self._fillers(run.stop, until, reading)
            options = []
            for first in range(last, -1, -1):
                gap = range(runs[first].stop, runs[first + 1].start) if first < last else range(0)
                if self._fillers(gap.start, gap.stop, reading) < len(gap):
                    break
                length = self._filled(run.stop - runs[first].start, spare)
                options.append((least[first] + self._takes(length), first, range(runs[first].start, runs[first].start + length)))
            seconds, first, group = min(options, key=lambda option: option[0])
            least.append(seconds)
            chosen.append((first, group))
        if least[-1] > _ENOUGH * sum(self.costs.of(len(run)) for run in runs):
            return runs
        groups: list[range] = []
        end = len(runs)
        while end:
            end, group = chosen[end - 1]
            groups[:0] = self._apart(group)
        return groups

    def _filled(self, length: int, spare: int) -> int:
        """The quickest number of neighbours from `length` on, with at most `spare` more."""
        return min(range(length, length + spare + 1), key=self._takes)

    def _takes(self, rows: int) -> float:
        """Seconds for so many neighbours, taken apart if that is quicker."""
        known = self._quickest or [(0.0, 0)]
        for count in range(len(known), rows + 1):
            pieces = ((known[piece][0] + known[count - piece][0], piece) for piece in range(1, min(count // 2, _LARGEST_PIECE) + 1))
            known.append(min([(self.costs.of(count), count), *pieces]))
        self._quickest = known
        return known[rows][0]

    def _apart(self, group: range) -> list[range]:
        piece = self._quickest[len(group)][1]
        return [group] if piece == len(group) else [*self._apart(group[:piece]), *self._apart(group[piece:])]


def neighbours(slots: Sequence[int]) -> list[range]:
    """Runs of neighbouring slots, of ascending ones."""
    runs: list[range] = []
    for slot in slots:
        if runs and runs[-1].stop == slot:
            runs[-1] = range(runs[-1].start, slot + 1)
        else:
            runs.append(range(slot, slot + 1))
    return runs
