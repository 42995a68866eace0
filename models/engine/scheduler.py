"""Decide which sequence gets a slot next, and whose tokens go into the next batch. No model, no threads: only decisions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from collections.abc import Sequence as Row

from core.errors import Busy
from models.engine.backend import Part
from models.engine.batching.adapter_turns import AdapterTurns
from models.engine.batching.batch import Batch
from models.engine.batching.step_time import WHOLE, StepTime
from models.engine.sequence import Sequence

FAIR_SHARE = 0.25
"""Share of the slots: nobody keeps more while others wait."""
SPARE_CELLS = 1 / 16
"""Share of a KV cache of all slots that is kept free for running sequences before another one begins."""
BATCH_WAITS_S = 60.0
"""How long unwatched work lets interactive questions go first; then it counts as one."""
MAX_USERS = 4
"""How many times one user's limit all users together may have in the queue."""
ORDINARY_ANSWER = 300
"""Tokens of an answer of ordinary length."""


class Scheduler:
    """Waiting and running sequences. Not thread-safe: the engine holds its lock around every call."""

    def __init__(
        self,
        slots: int,
        batch_tokens: int,
        queue_limit: int,
        shared_cells: int = 0,
        max_wait_s: float | None = None,
        step_time: StepTime | None = None,
    ) -> None:
        """queue_limit: most waiting sequences of one user; of all together four times as many.

        shared_cells: what all slots hold together where they share one KV cache, else 0. max_wait_s: a question is refused that would
        wait longer than this and longer than for one round of answers; None: none is.
        """
        self.slots = slots
        self._waiting: list[Sequence] = []
        self._running: dict[int, Sequence] = {}
        self._batch_tokens = batch_tokens
        self._queue_limit = queue_limit
        self._max_wait_s = max_wait_s
        self._shared_cells = shared_cells
        self._share = max(1, int(slots * FAIR_SHARE))
        self._turns: AdapterTurns | None = None
        self._reordered = False
        self._answer_s: float | None = None
        self.step_time = step_time or StepTime(batch_tokens)

    @property
    def waiting(self) -> Row[Sequence]:
        return self._waiting

    @property
    def running(self) -> Mapping[int, Sequence]:
        """Return the running sequences by slot."""
        return self._running

    @property
    def idle(self) -> bool:
        return not self._waiting and not self._running

    @property
    def free(self) -> list[int]:
        return [slot for slot in range(self.slots) if slot not in self._running]

    def submit(self, sequence: Sequence) -> None:
        """Queue a sequence. Raises Busy if the queue is full."""
        self.check_room(sequence.user_id, batch=sequence.batch)
        self._queue(sequence)

    def check_room(self, user_id: str, *, batch: bool = False) -> None:
        """Raise Busy if the queue is full, or if a question of this user would wait too long. batch: nobody watches, so it may wait."""
        full = len(self._waiting) >= MAX_USERS * self._queue_limit  # Counting a full queue for each refusal would take long.
        if full or sum(sequence.user_id == user_id for sequence in self._waiting) >= self._queue_limit:
            raise self._busy(self.expected_wait(len(self._waiting)) or 10.0)
        if batch or self._max_wait_s is None or len(self._waiting) < self.slots:
            return
        position = self._position_of_next(user_id)
        wait = self.expected_wait(position)
        if position > self.slots and wait is not None and wait > self._max_wait_s:
            raise self._busy(wait - self._max_wait_s)

    def _busy(self, retry_after: float) -> Busy:
        return Busy(
            "The model is busy: {waiting} questions are ahead. Try again in {seconds} s.",
            waiting=len(self._waiting),
            seconds=max(1, round(retry_after)),
            retry_after=max(1.0, retry_after),
        )

    def _queue(self, sequence: Sequence) -> None:
        if sequence.adapter and self._turns is None:
            self._turns = AdapterTurns()
        self._waiting.append(sequence)
        self._reordered = True

    def withdraw(self, sequence: Sequence) -> None:
        """Take a sequence out of the queue."""
        self._waiting.remove(sequence)
        self._reordered = True

    def withdraw_cancelled(self) -> list[Sequence]:
        """Take the cancelled sequences out of the queue."""
        cancelled = [sequence for sequence in self._waiting if sequence.cancelled]
        for sequence in cancelled:
            self.withdraw(sequence)
        return cancelled

    def withdraw_all(self) -> list[Sequence]:
        """Empty the queue."""
        waiting, self._waiting = self._waiting, []
        self._reordered = True
        return waiting

    def put_back(self, sequence: Sequence) -> None:
        """Put a sequence back into the queue that could not be started."""
        self._waiting.append(sequence)
        self._reordered = True

    def expected_wait(self, position: int) -> float | None:
        """Return the seconds until the queue position gets a slot, from how long answers took; None while nothing is known."""
        answer_s = self._first_answer_s() if self._answer_s is None else self._answer_s
        return None if answer_s is None else answer_s * position / self.slots

    def _first_answer_s(self) -> float | None:
        """Return the seconds of an ordinary answer at the speed of the steps so far, as long as no answer has ended."""
        step_s = self.step_time.longest_s
        return None if step_s is None else step_s * min([ORDINARY_ANSWER, *(one.max_tokens for one in self._running.values())])

    def next_waiting(self) -> Sequence | None:
        """Take the next sequence to serve, see `_ranked`; None if nobody waits, or there is no slot or no room."""
        if not self._waiting or len(self._running) == self.slots:
            return None
        sequence = self._in_order()[0]
        if not self._has_room(sequence):
            return None
        self.withdraw(sequence)
        return sequence

    def _has_room(self, sequence: Sequence) -> bool:
        """Tell whether a shared KV cache has room for it beside the running ones. Idle slots make room; nobody is served out of order."""
        if not self._shared_cells or not self._running:
            return True
        taken = sum(len(one.tokens) for one in self._running.values())
        return taken + len(sequence.tokens) <= self._shared_cells * (1 - SPARE_CELLS)

    def to_preempt(self) -> Sequence | None:
        """Choose the sequence to preempt for a user with less than the fair share, with every slot taken or no room.

        It is the youngest of the user who holds most, if that is more than the share, unwatched work first; None where everybody keeps to
        the share. A watched answer is not preempted for unwatched work.
        """
        if not self._waiting or (len(self._running) < self.slots and self._has_room(self._in_order()[0])):
            return None
        held = Counter(sequence.user_id for sequence in self._running.values())
        user, most = held.most_common(1)[0]
        if most <= self._share:
            return None
        following = self._in_order()[0]
        youngest = max((one for one in self._running.values() if one.user_id == user), key=lambda one: (one.batch, one.arrived))
        unwatched = self._yields(following, time.perf_counter()) and not youngest.batch
        return None if held[following.user_id] >= self._share or unwatched else youngest

    def to_make_room(self) -> Sequence | None:
        """Choose the sequence to preempt in a shared KV cache that is full: the youngest, unwatched work first. None if it is alone."""
        if not self._shared_cells or len(self._running) < 2:
            return None
        return max(self._running.values(), key=lambda one: (one.batch, one.arrived))

    def preempt(self, sequence: Sequence) -> None:
        """Put a running sequence back into the queue; it keeps its tokens."""
        assert sequence.slot is not None
        del self._running[sequence.slot]
        sequence.slot = None
        self._queue(sequence)

    def moved(self) -> Iterator[tuple[Sequence, int]]:
        """Yield waiting sequences with their queue position (1 is next) where it changed. One that has begun is left out."""
        if not self._reordered:
            return
        self._reordered = False
        for position, sequence in enumerate(self._in_order(), start=1):
            if sequence.queue_position != position and sequence.admitted is None:
                sequence.queue_position = position
                yield sequence, position

    def _position_of_next(self, user_id: str) -> int:
        """Return the queue position, 1 is next, of a question that this user would ask now: the fair one, not the last."""
        count = sum(one.user_id == user_id for one in (*self._running.values(), *self._waiting))
        mine = (count >= self._share, False, count, time.perf_counter())
        return 1 + sum(rank < mine for rank, _ in self._ranked())

    def _in_order(self) -> list[Sequence]:
        return [sequence for _, sequence in self._ranked()]

    def _ranked(self) -> list[tuple[tuple[bool, bool, int, float], Sequence]]:
        """Rank the queue: users with their fair share last, unwatched work after questions, then each user's first waiting request
        before anyone's second (running ones count), then in order of submission."""
        held = Counter(sequence.user_id for sequence in self._running.values())
        now = time.perf_counter()
        ranked = []
        for sequence in sorted(self._waiting, key=lambda one: (self._yields(one, now), one.arrived)):
            count = held[sequence.user_id]
            ranked.append(((count >= self._share, self._yields(sequence, now), count, sequence.arrived), sequence))
            held[sequence.user_id] += 1
        ranked.sort(key=lambda entry: entry[0])
        return ranked

    @staticmethod
    def _yields(sequence: Sequence, now: float) -> bool:
        return sequence.batch and now - sequence.arrived < BATCH_WAITS_S

    def start(self, sequence: Sequence, slot: int) -> None:
        """Run a sequence in a slot."""
        sequence.slot = slot
        if sequence.admitted is None:
            sequence.admitted = time.perf_counter()
        self._running[slot] = sequence
        self._reordered = True

    def release(self, sequence: Sequence) -> None:
        """Free the sequence's slot, if it has one. The time it was held predicts how long the next in the queue will wait."""
        if sequence.slot is None or sequence.admitted is None:
            return
        del self._running[sequence.slot]
        self._reordered = True
        held = time.perf_counter() - sequence.admitted
        self._answer_s = held if self._answer_s is None else 0.8 * self._answer_s + 0.2 * held

    def next_batch(self) -> Batch:
        """Choose the next batch, of one adapter: a token of every decoding sequence, then chunks of prompts, shortest first.

        In the order of the slots: in another order, llama.cpp reads the weights once a slot.
        """
        entries: list[tuple[Sequence, Part]] = []
        prefilling = []
        for sequence in self._whose_turn():
            if sequence.remaining == 1:
                entries.append((sequence, self._part(sequence, 1)))
            else:
                prefilling.append(sequence)
        entries += self._chunks(prefilling, len(entries))
        entries.sort(key=lambda entry: entry[1].slot)
        return Batch(self.step_time, entries)

    def _chunks(self, prefilling: list[Sequence], decoding: int) -> list[tuple[Sequence, Part]]:
        """Choose which prompts to prefill, and how far, in a step with so many decoding sequences."""
        left = self._batch_tokens - decoding
        budget = min(self.step_time.budget(len(self._running) - len(prefilling), len(prefilling)), left)
        whole = min(left, int(budget * WHOLE))
        now = time.perf_counter()
        chunks: list[tuple[Sequence, Part]] = []
        room, ended = budget, 0
        # A short prompt goes first, but waiting makes a long one count as shorter: nobody waits forever.
        for sequence in sorted(prefilling, key=lambda one: one.remaining / (1.0 + now - one.arrived)):
            if room <= 0 or self.step_time.is_enough(ended, budget - room, len(prefilling), decoding):
                break
            if chunks and room < sequence.remaining <= whole:
                continue  # The next step takes it whole: llama.cpp splits a batch into parts of equal length, each with all weights.
            count = sequence.remaining if sequence.remaining <= whole else room
            part = self._part(sequence, count)
            count = len(part.tokens)
            chunks.append((sequence, part))
            room -= count
            ended += count == sequence.remaining
        return chunks

    def _whose_turn(self) -> Collection[Sequence]:
        """Return the running sequences; if they use several adapters, those of the adapter that is next."""
        if self._turns is None or not self._running:
            return self._running.values()
        adapters = {sequence.adapter for sequence in self._running.values()}
        turn = self._turns.choose(adapters, time.perf_counter())
        return [sequence for sequence in self._running.values() if sequence.adapter == turn]

    @staticmethod
    def _part(sequence: Sequence, count: int) -> Part:
        assert sequence.slot is not None
        end, image = sequence.done + count, None
        if sequence.images:
            run, image = sequence.run()
            end = min(end, run)
        tokens = sequence.tokens[sequence.done : end]
        return Part(sequence.slot, sequence.done, tokens, wants_logits=end == len(sequence.tokens), image=image)
