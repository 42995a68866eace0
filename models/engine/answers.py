"""The answers of an engine, from the queue to their end: they get slots, make room, tell their text, and end."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from core.errors import PortalError
from core.inference.records import FinishReason
from core.inference.requests import Delta, Queued
from models.engine.backend import Backend, Part
from models.engine.batching.micro_batches import MicroBatches
from models.engine.delivery import Outbox
from models.engine.kv_cache.slot_choice import ContextMemory
from models.engine.scheduler import Scheduler
from models.engine.sequence import Sequence
from models.engine.stats.ledger import Ledger

SILENT_TOKENS = 16
"""After so many that say nothing the reader hears of them all the same: they may be all that will come."""


class Answers:
    """Used by the decode thread only. It takes the engine's lock where it touches what other threads look at."""

    def __init__(
        self,
        backend: Backend,
        scheduler: Scheduler,
        memory: ContextMemory,
        micro_batches: MicroBatches,
        ledger: Ledger,
        lock: AbstractContextManager[Any],
    ) -> None:
        """lock: one that its holder may take again."""
        self._backend = backend
        self._scheduler = scheduler
        self._memory = memory
        self._prefixes = memory.prefixes
        self._micro_batches = micro_batches
        self._ledger = ledger
        self._lock = lock
        self.outbox = Outbox()

    def end_cancelled(self) -> None:
        with self._lock:
            paused = [one for one in self._scheduler.waiting if one.cancelled]
            for sequence in paused:
                self._scheduler.withdraw(sequence)
        for sequence in [*paused, *(one for one in self._scheduler.running.values() if one.cancelled)]:
            self._finish(sequence, FinishReason.CANCELLED)

    def admit_waiting(self) -> None:
        """Give slots to those whose turn it is, for which others may have to pause, and tell those who wait their places."""
        with self._lock:
            self._fill_slots()
            while (one := self._scheduler.to_pause()) is not None:
                self._pause(one)
                self._fill_slots()
            for sequence, place in self._scheduler.moved():
                sequence.events.put(Queued(place, self._scheduler.expected_wait(place)))

    def _fill_slots(self) -> None:
        while (sequence := self._scheduler.next_waiting()) is not None:
            try:
                self._admit(sequence)
            except PortalError as error:
                self.fail(sequence, error)
            except Exception:
                self._scheduler.waiting.append(sequence)  # where it is found and ended with all others
                raise

    def _admit(self, sequence: Sequence) -> None:
        """Give the sequence a slot, with as much of its prompt as is known there or can be brought there."""
        idle = self._scheduler.free
        near = self._micro_batches.near(list(self._scheduler.running), idle)
        slot, length = self._memory.place(sequence.tokens, near, idle, sequence.adapter, counted=sequence.sampler is None)
        sequence.done = length
        if sequence.sampler is None:
            sequence.cached = length
            sequence.sampler = self._backend.new_sampler(sequence.params, sequence.tokens)
            self._ledger.began(sequence, length)
            if sequence.told_place:
                sequence.events.put(Queued(0, None))
        self._scheduler.start(sequence, slot)

    def _pause(self, sequence: Sequence) -> None:
        """Make room for a user who has less than a fair share; the answer goes on when there is room again."""
        assert sequence.slot is not None
        self._prefixes.touch(sequence.slot)
        self._scheduler.pause(sequence)
        self._ledger.paused += 1

    def make_room(self, batch: list[tuple[Sequence, Part]]) -> bool:
        """Forget what an idle slot remembers, else guess nothing; where all share one memory, pause the youngest answer.

        False where none of it helps.
        """
        with self._lock:
            if self._memory.forget_oldest(self._scheduler.free):
                return True
            if any(part.guessed for _, part in batch):
                for _, part in batch:
                    part.forget_guesses()
                return True
            youngest = self._scheduler.to_make_room()
            if youngest is None:
                return False
            self._pause(youngest)
            batch[:] = [entry for entry in batch if entry[0] is not youngest]
            self._memory.forget_oldest(self._scheduler.free)
        return bool(batch)

    def deliver(self, sequence: Sequence, token: int, now: float) -> None:
        """Hand the text of a token, sampled `now`, over, and end the answer where it ends."""
        if sequence.slot is None:
            return  # it ended with an earlier token of this step
        if self._backend.ends(token):
            self._finish(sequence, FinishReason.STOP)
            return
        sequence.add(token, now)
        detokenizer, generated = sequence.detokenizer, sequence.generated
        text = detokenizer.feed(self._backend.piece(token))
        if text or generated - sequence.told >= SILENT_TOKENS:
            sequence.told = generated
            self.outbox.tell(sequence, Delta(text, tokens=generated))
        if detokenizer.stopped:
            self._finish(sequence, FinishReason.STOP)
        elif generated >= sequence.max_tokens or len(sequence.tokens) >= self._backend.context:
            self._finish(sequence, FinishReason.LENGTH)

    def _finish(self, sequence: Sequence, reason: FinishReason) -> None:
        text = sequence.detokenizer.finish()
        self._release(sequence)
        if text:
            self.outbox.tell(sequence, Delta(text, tokens=sequence.generated))
        finished = sequence.finished(reason)
        self._ledger.ended(sequence, finished.timings)
        self.outbox.tell(sequence, finished)

    def fail(self, sequence: Sequence, error: PortalError) -> None:
        self._release(sequence)
        self.outbox.tell(sequence, error)
        self._ledger.failures += 1

    def fail_all(self, error: PortalError) -> None:
        with self._lock:
            waiting, self._scheduler.waiting = self._scheduler.waiting, []
            running = list(self._scheduler.running.values())
            self._memory.ahead.clear()
        # What a step that broke left where is not known.
        for slot in range(self._backend.slots):
            self._memory.clear(slot)
        for sequence in running + waiting:
            self.fail(sequence, error)
        self.outbox.hand_over()

    def _release(self, sequence: Sequence) -> None:
        """Free slot, sampler and guesser; what the slot holds stays, for the conversation's next turn."""
        sequence.guesser = None
        with self._lock:
            self._scheduler.release(sequence)
            if sequence.slot is not None:
                if sequence.done > len(sequence.tokens):
                    # Guesses came true beyond the answer's end.
                    self._backend.cut(sequence.slot, len(sequence.tokens))
                    del self._prefixes.tokens[sequence.slot][len(sequence.tokens) :]
                self._prefixes.touch(sequence.slot)
                sequence.slot = None
        if sequence.sampler is not None:
            self._backend.free_sampler(sequence.sampler)
            sequence.sampler = None
