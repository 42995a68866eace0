"""Arrange slots for llama.cpp's micro-batches, where each slot has its own KV cache.

By itself it computes neighbouring slots together, and reads all weights again for each such run. Conversations keep their slots, so
running ones are scattered among idle ones: with eight of sixteen, in four or five runs. So a sequence begins beside running ones, and
its conversation moves there, where that is faster. The remaining gaps are closed by padding, tokens of idle slots that are computed
and forgotten, or by the first token of a prompt that is prefilled there, where that is faster than reading the weights once more. A run is
padded to a number of rows that is faster to compute than its own, and split where that is faster. `RowCosts` knows what is faster.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from models.engine.backend import Backend, Part
from models.engine.batching.row_costs import RowCosts

_ENOUGH = 0.95
"""A grouping must promise less than this share of the time of llama.cpp's own runs. Costs are not known better."""
_AGAIN = 64
"""Batches after which layouts are chosen again, since conversations grow."""
_LARGEST_PIECE = 8
"""Rows: larger pieces are never split off a run, since no tile is larger."""
_TOKEN = 0
"""Any token will do: nothing is sampled after padding."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A batch in the order in which llama.cpp gets it."""

    parts: Sequence[Part]
    indexes: Sequence[int]
    """The batch index of each of the batch's own parts."""
    padding: Sequence[Part] = ()
    groups: Sequence[int] = ()
    """How many rows are computed together, group after group; () where more than rows are computed."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """slots: of the rows and the padding in the order in which llama.cpp gets them; () for its own, ascending order."""

    groups: Sequence[int]
    slots: Sequence[int] = ()


class MicroBatches:
    """Arranges slots for micro-batches. Only the decode thread uses it."""

    def __init__(self, backend: Backend, costs: RowCosts, length: Callable[[int], int]) -> None:
        """length: how many tokens a slot holds."""
        self._costs = costs
        self._slots = backend.slots
        self._own_streams = backend.own_streams
        self._length = length
        self._context = backend.context
        self._batch_tokens = backend.batch_tokens
        self._layouts: dict[tuple[tuple[int, ...], tuple[int, ...]], _Layout] = {}
        self._fastest: list[tuple[float, int]] = []
        """The least seconds that neighbours take, and how many of them are computed together first, by their number."""
        self._left = 0

    def arrange(self, parts: Sequence[Part]) -> Arrangement:
        """Order the parts, whose slots ascend. Rows have one token; llama.cpp computes draft tokens and prompts after all rows."""
        own_order = Arrangement(parts, range(len(parts)))
        # The draft tokens of several sequences are checked together if nothing stands between them.
        drafting = sum(bool(part.draft_tokens) for part in parts)
        if not self._own_streams or not self._costs.known or drafting > 1:
            return replace(own_order, groups=self._own_groups(parts)) if self._costs.learns_from_steps else own_order
        rows = [part for part in parts if part.known == 1]
        others = [part for part in parts if part.known != 1]
        layout = self._layout(tuple([part.slot for part in rows]), tuple([part.slot for part in others]))
        groups = () if others or drafting else layout.groups
        if not layout.slots:
            return replace(own_order, groups=groups)
        own = {part.slot: part for part in parts}
        ordered = [own.get(slot) or self._padding(slot) for slot in layout.slots]
        padding = [part for part in ordered if part.slot not in own]
        ordered += [part for part in others if part.slot not in layout.slots]
        # A slot may have filled up since the layout was chosen.
        if sum(len(part.tokens) for part in ordered) > self._batch_tokens or any(one.start >= self._context for one in padding):
            return own_order
        index = {part.slot: number for number, part in enumerate(ordered)}
        return Arrangement(ordered, [index[part.slot] for part in parts], padding, groups)

    def _own_groups(self, parts: Sequence[Part]) -> Sequence[int]:
        """Return how many rows llama.cpp computes together by itself; () where there are more than rows."""
        if any(len(part.tokens) > 1 for part in parts):
            return ()
        return [len(run) for run in neighbours([part.slot for part in parts])] if self._own_streams else [len(parts)]

    def near(self, running: Sequence[int], free: Collection[int]) -> Collection[int]:
        """Return the `free` slots where one more sequence costs least, beside the `running` ones."""
        if not (self._own_streams and self._costs.known and running):
            return free
        runs = neighbours(sorted(running))
        adds = {slot: self._added_s(slot, runs) for slot in free}
        enough = min(adds.values()) + (1 - _ENOUGH) * sum(self._seconds(len(run)) for run in runs)
        return [slot for slot in free if adds[slot] <= enough]

    def _added_s(self, slot: int, runs: list[range]) -> float:
        """Return the seconds a row in `slot` adds, by itself or with the gap closed to the run before it, after it, or both."""
        before = [run for run in runs if run.stop <= slot][-1:]
        after = [run for run in runs if run.start > slot][:1]
        adds = [self._seconds(1)]
        for beside in (before, after, [*before, *after]):
            if beside:
                length = max(slot + 1, beside[-1].stop) - min(slot, beside[0].start)
                adds.append(self._seconds(length) - sum(self._seconds(len(run)) for run in beside))
        return min(adds)

    def _padding(self, slot: int) -> Part:
        return Part(slot, self._length(slot), (_TOKEN,), wants_logits=False)

    def trial_batch(self, rows: int) -> Sequence[Part]:
        """Make a batch of so many rows to time: a token of each slot, or with fewer slots, draft tokens in one.

        () where the slots have no room for it.
        """
        if rows > self._batch_tokens:
            return ()
        if rows <= self._slots:
            parts = [replace(self._padding(slot), wants_logits=True) for slot in range(rows)]
        else:
            emptiest = min(range(self._slots), key=self._length)
            parts = [Part(emptiest, self._length(emptiest), (_TOKEN,) * rows, wants_logits=True, draft_tokens=rows - 1)]
        return () if any(part.start + len(part.tokens) > self._context for part in parts) else parts

    def _usable(self, begin: int, end: int, prefilling: Collection[int]) -> int:
        """Return how many slots from `begin` on, up to `end`, can be padded: full idle ones cannot."""
        for slot in range(begin, end):
            if slot not in prefilling and self._length(slot) >= self._context:
                return slot - begin
        return end - begin

    def _layout(self, rows: tuple[int, ...], others: tuple[int, ...]) -> _Layout:
        if not self._left:
            self._layouts.clear()
            self._fastest.clear()
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

    def _best(self, runs: list[range], prefilling: Collection[int]) -> list[range]:
        """Find the quickest grouping: for the first run, for the first two, ..., the last group after the best for those before it."""
        if len(runs) == 1 and len(runs[0]) == 1:
            return runs  # A sequence alone is always computed the same way, so that its seed reproduces it.
        least = [0.0]
        chosen: list[tuple[int, range]] = []
        for last, run in enumerate(runs):
            until = runs[last + 1].start if last + 1 < len(runs) else self._slots
            spare = self._usable(run.stop, until, prefilling)
            options = []
            for first in range(last, -1, -1):
                gap = range(runs[first].stop, runs[first + 1].start) if first < last else range(0)
                if self._usable(gap.start, gap.stop, prefilling) < len(gap):
                    break
                length = self._padded(run.stop - runs[first].start, spare)
                options.append((least[first] + self._seconds(length), first, range(runs[first].start, runs[first].start + length)))
            seconds, first, group = min(options, key=lambda option: option[0])
            least.append(seconds)
            chosen.append((first, group))
        if least[-1] > _ENOUGH * sum(self._costs.of(len(run)) for run in runs):
            return runs
        groups: list[range] = []
        end = len(runs)
        while end:
            end, group = chosen[end - 1]
            groups[:0] = self._split(group)
        return groups

    def _padded(self, length: int, spare: int) -> int:
        """Return the quickest number of neighbours from `length` on, with at most `spare` more."""
        return min(range(length, length + spare + 1), key=self._seconds)

    def _seconds(self, rows: int) -> float:
        """Return the seconds of so many neighbours, split if that is faster."""
        fastest = self._fastest or [(0.0, 0)]
        for count in range(len(fastest), rows + 1):
            pieces = ((fastest[piece][0] + fastest[count - piece][0], piece) for piece in range(1, min(count // 2, _LARGEST_PIECE) + 1))
            fastest.append(min([(self._costs.of(count), count), *pieces]))
        self._fastest = fastest
        return fastest[rows][0]

    def _split(self, group: range) -> list[range]:
        piece = self._fastest[len(group)][1]
        return [group] if piece == len(group) else [*self._split(group[:piece]), *self._split(group[piece:])]


def neighbours(slots: Sequence[int]) -> list[range]:
    """Return the runs of neighbouring slots among ascending ones."""
    runs: list[range] = []
    for slot in slots:
        if runs and runs[-1].stop == slot:
            runs[-1] = range(runs[-1].start, slot + 1)
        else:
            runs.append(range(slot, slot + 1))
    return runs
