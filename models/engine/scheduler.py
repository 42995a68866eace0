"""Who gets a slot next, and whose tokens go into the next batch. No model, no threads: only decisions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator

from core.errors import Busy
from models.engine.backend import Part
from models.engine.batching.adapter_turns import AdapterTurns
from models.engine.batching.step_time import WHOLE, Pace
from models.engine.sequence import Sequence

FAIR_SHARE = 0.25
"""Of the slots: more than this nobody keeps while others wait."""
SPARE_CELLS = 1 / 16
"""Of a memory that all slots share: kept free for the answers that run when another one is to begin."""
BATCH_WAITS_S = 60.0
"""How long work that nobody watches lets interactive questions pass; then it counts as one."""
MOST_USERS = 4
"""Times the most of one user: what all together may have in the queue."""
ORDINARY_ANSWER = 300
"""Tokens."""


class Scheduler:
    """Waiting and running sequences. Not thread-safe: the engine holds its lock around every call."""

    def __init__(
        self, slots: int, batch_tokens: int, queue_limit: int, shared_cells: int = 0, max_wait_s: float | None = None
    ) -> None:
        """queue_limit: waiting sequences of one user; of all together four times as many.

        shared_cells: what all slots together hold where they share the context memory, else 0. max_wait_s: nobody is let in who would
        wait longer than that and than for one round of answers; None: everybody is.
        """
        self.slots = slots
        self.waiting: list[Sequence] = []
        self.running: dict[int, Sequence] = {}
        self._batch_tokens = batch_tokens
        self._queue_limit = queue_limit
        self._max_wait_s = max_wait_s
        self._shared_cells = shared_cells
        self._share = max(1, int(slots * FAIR_SHARE))
        self._turns: AdapterTurns | None = None
        self._reordered = False
        self._answer_s: float | None = None
        self.pace = Pace(batch_tokens)

    @property
    def idle(self) -> bool:
        return not self.waiting and not self.running

    @property
    def free(self) -> list[int]:
        return [slot for slot in range(self.slots) if slot not in self.running]

    def submit(self, sequence: Sequence) -> None:
        """Raises Busy if the queue is full."""
        self.check_room(sequence.user_id, batch=sequence.batch)
        self._queue(sequence)

    def check_room(self, user_id: str, *, batch: bool = False) -> None:
        """Raises Busy if the queue is full, or if a question of this user would wait too long. batch: nobody watches, so it may wait."""
        own = sum(sequence.user_id == user_id for sequence in self.waiting)
        if own >= self._queue_limit or len(self.waiting) >= MOST_USERS * self._queue_limit:
            raise self._busy(self.expected_wait(len(self.waiting)) or 10.0)
        if batch or self._max_wait_s is None or len(self.waiting) < self.slots:
            return
        place = self._place_of_next(user_id)
        wait = self.expected_wait(place)
        if place > self.slots and wait is not None and wait > self._max_wait_s:
            raise self._busy(wait - self._max_wait_s)

    def _busy(self, retry_after: float) -> Busy:
        return Busy(
            "The model is busy: {waiting} questions are ahead. Try again in {seconds} s.",
            waiting=len(self.waiting),
            seconds=max(1, round(retry_after)),
            retry_after=max(1.0, retry_after),
        )

    def _queue(self, sequence: Sequence) -> None:
        if sequence.adapter and self._turns is None:
            self._turns = AdapterTurns()
        self.waiting.append(sequence)
        self._reordered = True

    def withdraw(self, sequence: Sequence) -> None:
        """Take one out of the queue."""
        self.waiting.remove(sequence)
        self._reordered = True

    def expected_wait(self, place: int) -> float | None:
        """Seconds until the waiting request at `place` gets a slot, from how long answers took; None where nothing was measured yet."""
        answer_s = self._first_answer_s() if self._answer_s is None else self._answer_s
        return None if answer_s is None else answer_s * place / self.slots

    def _first_answer_s(self) -> float | None:
        """As long as no answer has ended: what one of ordinary length takes at the pace of the steps so far."""
        step_s = max(self.pace.plain_s.values(), default=None)
        return None if step_s is None else step_s * min([ORDINARY_ANSWER, *(one.max_tokens for one in self.running.values())])

    def next_waiting(self) -> Sequence | None:
        """Take the next to be served, see `_in_order`; None where nobody waits, or no slot or no room is free."""
        if not self.waiting or len(self.running) == self.slots:
            return None
        sequence = self._in_order()[0]
        if not self._has_room(sequence):
            return None
        self.withdraw(sequence)
        return sequence

    def _has_room(self, sequence: Sequence) -> bool:
        """Whether a memory that all share holds it beside the running ones. What idle slots remember gives way; nobody overtakes."""
        if not self._shared_cells or not self.running:
            return True
        taken = sum(len(one.tokens) for one in self.running.values())
        return taken + len(sequence.tokens) <= self._shared_cells * (1 - SPARE_CELLS)

    def to_pause(self) -> Sequence | None:
        """With every slot taken, or no room: the answer to put back into the queue for one of a user with less than the fair share.

        The youngest of the user who holds most, if that is more than the share, unwatched work first; None where everybody keeps to it. An
        answer that somebody watches is not put back for work that nobody watches.
        """
        if not self.waiting or (len(self.running) < self.slots and self._has_room(self._in_order()[0])):
            return None
        held = Counter(sequence.user_id for sequence in self.running.values())
        user, most = held.most_common(1)[0]
        if most <= self._share:
            return None
        following = self._in_order()[0]
        youngest = max((one for one in self.running.values() if one.user_id == user), key=lambda one: (one.batch, one.arrived))
        unwatched = self._yields(following, time.perf_counter()) and not youngest.batch
        return None if held[following.user_id] >= self._share or unwatched else youngest

    def to_make_room(self) -> Sequence | None:
        """In a memory that all share and that is full: the answer to put back, the youngest, unwatched work first. None of one alone."""
        if not self._shared_cells or len(self.running) < 2:
            return None
        return max(self.running.values(), key=lambda one: (one.batch, one.arrived))

    def pause(self, sequence: Sequence) -> None:
        """Back into the queue; what it has said and read so far stays its own."""
        assert sequence.slot is not None
        del self.running[sequence.slot]
        sequence.slot = None
        self._queue(sequence)

    def moved(self) -> Iterator[tuple[Sequence, int]]:
        """Waiting sequences whose place (1 is next) is not the one they were told last. One that has begun is told nothing."""
        if not self._reordered:
            return
        self._reordered = False
        for place, sequence in enumerate(self._in_order(), start=1):
            if sequence.told_place != place and sequence.admitted is None:
                sequence.told_place = place
                yield sequence, place

    def _place_of_next(self, user_id: str) -> int:
        """The place in the queue, 1 is next, of a question that this user would ask now: the fair one, not the last."""
        count = sum(one.user_id == user_id for one in (*self.running.values(), *self.waiting))
        mine = (count >= self._share, False, count, time.perf_counter())
        return 1 + sum(rank < mine for rank, _ in self._ranked())

    def _in_order(self) -> list[Sequence]:
        return [sequence for _, sequence in self._ranked()]

    def _ranked(self) -> list[tuple[tuple[bool, bool, int, float], Sequence]]:
        """Users with their fair share come last, work that nobody watches after questions, then each user's first waiting request
        before anybody's second (counting those that run), then who came first."""
        held = Counter(sequence.user_id for sequence in self.running.values())
        now = time.perf_counter()
        ranked = []
        for sequence in sorted(self.waiting, key=lambda one: (self._yields(one, now), one.arrived)):
            count = held[sequence.user_id]
            ranked.append(((count >= self._share, self._yields(sequence, now), count, sequence.arrived), sequence))
            held[sequence.user_id] += 1
        ranked.sort(key=lambda entry: entry[0])
        return ranked

    @staticmethod
    def _yields(sequence: Sequence, now: float) -> bool:
        return sequence.batch and now - sequence.arrived < BATCH_WAITS_S

    def start(self, sequence: Sequence, slot: int) -> None:
        sequence.slot = slot
        if sequence.admitted is None:
            sequence.admitted = time.perf_counter()
        self.running[slot] = sequence
        self._reordered = True

    def release(self, sequence: Sequence) -> None:
        """Give the slot back; how long it was held tells the next in the queue how long to expect."""
        if sequence.slot is None or sequence.admitted is None:
            return
        del self.running[sequence.slot]
        self._reordered = True
        held = time.perf_counter() - sequence.admitted
        self._answer_s = held if self._answer_s is None else 0.8 * self._answer_s + 0.2 * held

    def parts(self) -> list[tuple[Sequence, Part]]:
        """The next batch, of one adapter: every decoding sequence's token, then chunks of prompts, shortest first, within the budget.

        In the order of the slots: out of order, llama.cpp reads the weights once a slot.
        """
        batch: list[tuple[Sequence, Part]] = []
        reading = []
        for sequence in self._whose_turn():
            if sequence.remaining == 1:
                assert sequence.slot is not None
                batch.append((sequence, Part(sequence.slot, sequence.done, sequence.tokens[-1:], True)))
            else:
                reading.append(sequence)
        batch += self._to_read(reading, len(batch))
        batch.sort(key=lambda entry: entry[1].slot)
        return batch

    def _to_read(self, reading: list[Sequence], decoding: int) -> list[tuple[Sequence, Part]]:
        """Of the prompts what to read in a step that gives so many answers a token."""
        left = self._batch_tokens - decoding
        budget = min(self.pace.budget(len(self.running) - len(reading), len(reading)), left)
        whole = min(left, int(budget * WHOLE))
        now = time.perf_counter()
        parts: list[tuple[Sequence, Part]] = []
        room, ended = budget, 0
        # A short prompt goes first, but waiting makes a long one shorter: nobody waits for ever.
        for sequence in sorted(reading, key=lambda one: one.remaining / (1.0 + now - one.arrived)):
            if room <= 0 or self.pace.is_enough(ended, budget - room, len(reading), decoding):
                break
            if parts and room < sequence.remaining <= whole:
                continue  # Read whole with the next step: llama.cpp takes a batch apart into parts of equal length, each with all weights.
            count = sequence.remaining if sequence.remaining <= whole else room
            parts.append((sequence, self._part(sequence, count)))
            room -= count
            ended += count == sequence.remaining
        return parts

    def _whose_turn(self) -> Collection[Sequence]:
        """The running answers, where they have several adapters those of the one whose turn it is."""
        if self._turns is None or not self.running:
            return self.running.values()
        adapters = {sequence.adapter for sequence in self.running.values()}
        turn = self._turns.choose(adapters, time.perf_counter())
        return [sequence for sequence in self.running.values() if sequence.adapter == turn]

    @staticmethod
    def _part(sequence: Sequence, count: int) -> Part:
        assert sequence.slot is not None
        end = sequence.done + count
        return Part(sequence.slot, sequence.done, sequence.tokens[sequence.done : end], wants_logits=end == len(sequence.tokens))
