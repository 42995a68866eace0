"""Manage the answers of an engine from the queue to their end: slots, room, reports of text, ends."""

from __future__ import annotations

from collections.abc import Sequence as Row
from contextlib import AbstractContextManager
from typing import Any

from core.errors import PortalError
from core.inference.records import FinishReason
from core.inference.requests import Queued
from models.engine.backend import Backend
from models.engine.batching.batch import Batch
from models.engine.batching.micro_batches import MicroBatches
from models.engine.delivery import Outbox
from models.engine.kv_cache.slot_choice import KvCache
from models.engine.scheduler import Scheduler
from models.engine.sequence import Sequence
from models.engine.speculative.drafter import Drafter
from models.engine.stats.ledger import Ledger

SILENT_TOKENS = 16
"""Tokens without text after which they are reported anyway: nothing else may follow."""


class Answers:
    """Admits and ends answers. Only the decode thread uses it; it takes the engine's lock for data that other threads read."""

    def __init__(
        self,
        backend: Backend,
        scheduler: Scheduler,
        kv_cache: KvCache,
        micro_batches: MicroBatches,
        drafters: Row[Drafter],
        ledger: Ledger,
        lock: AbstractContextManager[Any],
    ) -> None:
        """lock: a reentrant one."""
        self._backend = backend
        self._scheduler = scheduler
        self._kv_cache = kv_cache
        self._micro_batches = micro_batches
        self._drafters = drafters
        self._ledger = ledger
        self._lock = lock
        self.outbox = Outbox()

    def end_cancelled(self) -> None:
        """End the answers that were cancelled, running or preempted."""
        with self._lock:
            cancelled = self._scheduler.withdraw_cancelled()
            cancelled += [one for one in self._scheduler.running.values() if one.cancelled]
        for sequence in cancelled:
            self._finish(sequence, FinishReason.CANCELLED)

    def admit_waiting(self) -> None:
        """Give slots to those who are next, preempt others for them where that is fair, and report queue positions."""
        with self._lock:
            self._fill_slots()
            while (one := self._scheduler.to_preempt()) is not None:
                self._preempt(one)
                self._fill_slots()
            for sequence, position in self._scheduler.moved():
                sequence.events.put(Queued(position, self._scheduler.expected_wait(position)))

    def _fill_slots(self) -> None:
        while (sequence := self._scheduler.next_waiting()) is not None:
            try:
                self._admit(sequence)
            except PortalError as error:
                self.fail(sequence, error)
            except Exception:
                self._scheduler.put_back(sequence)  # which finds it and ends it with all others
                raise

    def _admit(self, sequence: Sequence) -> None:
        """Give the sequence a slot that holds, or can get, as much of its prompt as possible."""
        idle = self._scheduler.free
        near = self._micro_batches.near(list(self._scheduler.running), idle)
        slot, length = self._kv_cache.choose(sequence.tokens, near, idle, sequence.adapter, counted=sequence.sampler is None)
        sequence.done = length
        if sequence.sampler is None:
            sequence.cached = length
            sequence.sampler = self._backend.new_sampler(sequence.params, sequence.tokens)
            self._ledger.began(sequence, length)
            if sequence.queue_position:
                sequence.events.put(Queued(0, None))
        self._backend.assign(slot, sequence.sampler)
        self._scheduler.start(sequence, slot)

    def _preempt(self, sequence: Sequence) -> None:
        """Put the sequence back into the queue. It resumes where it stopped once there is room again."""
        assert sequence.slot is not None
        self._kv_cache.touch(sequence.slot)
        self._scheduler.preempt(sequence)
        self._ledger.preempted += 1

    def make_room(self, batch: Batch) -> bool:
        """Empty an idle slot, else drop the draft tokens; where all slots share one KV cache, preempt the youngest sequence.

        False where none of it helps.
        """
        with self._lock:
            if self._kv_cache.forget_oldest(self._scheduler.free):
                return True
            if batch.draft_tokens:
                batch.drop_draft_tokens()
                return True
            youngest = self._scheduler.to_make_room()
            if youngest is None:
                return False
            self._preempt(youngest)
            batch.drop(youngest)
            self._kv_cache.forget_oldest(self._scheduler.free)
        return bool(batch)

    def deliver(self, sampled: Row[tuple[Sequence, int]], now: float) -> None:
        """Report the text of tokens, sampled `now`, and end the answers that end with them."""
        for sequence, token in sampled:
            if sequence.slot is not None:  # otherwise it ended with an earlier token of this step
                self._deliver(sequence, token, now)

    def _deliver(self, sequence: Sequence, token: int, now: float) -> None:
        if self._backend.ends(token):
            self._finish(sequence, FinishReason.STOP)
            return
        sequence.add(token, now)
        detokenizer, generated = sequence.detokenizer, sequence.generated
        text = detokenizer.feed(self._backend.piece(token))
        if text or generated - sequence.reported >= SILENT_TOKENS:
            self.outbox.put(sequence, sequence.report(text))
        if detokenizer.stopped:
            self._finish(sequence, FinishReason.STOP)
        elif generated >= sequence.max_tokens or len(sequence.tokens) >= self._backend.context:
            self._finish(sequence, FinishReason.LENGTH)

    def _finish(self, sequence: Sequence, reason: FinishReason) -> None:
        text = sequence.detokenizer.finish()
        self._release(sequence)
        if text:
            self.outbox.put(sequence, sequence.report(text))
        finished = sequence.finished(reason)
        self._ledger.ended(sequence, finished.timings)
        self.outbox.put(sequence, finished)

    def fail(self, sequence: Sequence, error: PortalError) -> None:
        """End one answer with an error."""
        self._release(sequence)
        self.outbox.put(sequence, error)
        self._ledger.failures += 1

    def fail_all(self, error: PortalError) -> None:
        """End all answers with an error, and empty all slots: their content after a broken step is unknown."""
        with self._lock:
            sequences = [*self._scheduler.running.values(), *self._scheduler.withdraw_all()]
            self._kv_cache.prefetch.clear()
        for slot in range(self._backend.slots):
            self._kv_cache.clear(slot)
        for sequence in sequences:
            self.fail(sequence, error)
        self.outbox.flush()

    def _release(self, sequence: Sequence) -> None:
        """Free slot, sampler and drafts; what the slot holds stays, for the conversation's next turn."""
        for drafter in self._drafters:
            drafter.end(sequence)
        with self._lock:
            self._scheduler.release(sequence)
            if sequence.slot is not None:
                if sequence.done > len(sequence.tokens):
                    # Draft tokens were accepted beyond the answer's end.
                    self._kv_cache.cut(sequence.slot, len(sequence.tokens))
                self._kv_cache.touch(sequence.slot)
                sequence.slot = None
        if sequence.sampler is not None:
            self._backend.free_sampler(sequence.sampler)
            sequence.sampler = None
