"""The engine: one thread that decodes all running answers of one model together."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from core.entities import FinishReason
from core.errors import ModelFailed, PortalError, Unavailable
from core.generation import Delta, Queued, SamplingParams
from models.engine.backend import Backend, Decoded, Part
from models.engine.context_memory import ContextMemory
from models.engine.last_step import LastStep
from models.engine.metrics import EngineMetrics, Speed
from models.engine.scheduler import Scheduler
from models.engine.sequence import Sequence
from models.engine.speculation import Guesser, Speculation

_log = logging.getLogger(__name__)


class Engine:
    """Serves sequences on a backend, which it owns: the decode thread alone touches it and closes it at the end."""

    def __init__(
        self,
        backend: Backend,
        name: str,
        queue_limit: int = 256,
        why: Callable[[], str] = lambda: "",
        *,
        speculate: bool = False,
        last_step: LastStep | None = None,
    ) -> None:
        """`why` tells the backend's last error in its own words, for ModelFailed. speculate: guess tokens; off until it is shown to pay.

        last_step: where to note each step, for who looks after the process died; closed at the end.
        """
        self._backend = backend
        self._name = name
        self._last_step = last_step or LastStep(name)
        self._why = why
        self._scheduler = Scheduler(backend.slots, backend.batch_tokens, queue_limit)
        self._memory = ContextMemory(backend)
        self._prefixes = self._memory.prefixes
        self._speculation = Speculation(backend.most_guesses if speculate and backend.can_cut else 0, backend.context)
        self._wake = threading.Condition()
        self._closing = False
        self._decoding: tuple[Sequence, ...] = ()
        self._speed = Speed()
        self._totals = EngineMetrics(backend.slots, 0, 0, 0, 0, 0, 0, 0.0, 0, 0, 0, backend.slots * backend.context, None)
        self._thread = threading.Thread(target=self._run, name=f"decode {name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    # From any thread

    def submit(
        self, prompt: list[int], params: SamplingParams, max_tokens: int, user_id: str, *, batch: bool = False, label: str = ""
    ) -> Sequence:
        """Queue an answer to `prompt`, which must leave room for a token. Raises Busy, Unavailable while closing.

        batch: nobody watches, so that interactive questions go first. label: an id for the log of a crash.
        """
        sequence = Sequence(len(prompt), list(prompt), params, max_tokens, user_id, batch, label)
        self.queue(sequence)
        return sequence

    def queue(self, sequence: Sequence) -> None:
        """As `submit`, for who made the sequence."""
        sequence.guesser = Guesser(sequence.tokens) if self._speculation.possible else None
        with self._wake:
            if self._closing:
                raise Unavailable("The model {name} is being unloaded.", name=self._name)
            self._scheduler.submit(sequence)
            self._wake.notify()

    def cancel(self, sequence: Sequence) -> None:
        """End the answer: at once if it waits or is alone in the batch, else with the step that runs."""
        with self._wake:
            sequence.cancelled = True
            if sequence in self._scheduler.waiting:
                # One that was paused has a sampler, which is the decode thread's to free.
                if sequence.sampler is None:
                    self._scheduler.withdraw(sequence)
                    sequence.events.put(sequence.finished(FinishReason.CANCELLED))
            elif self._decoding and all(one.cancelled for one in self._decoding):
                self._backend.abort(True)

    @property
    def idle(self) -> bool:
        with self._wake:
            return self._scheduler.idle

    def metrics(self) -> EngineMetrics:
        with self._wake:
            return replace(
                self._totals,
                busy=len(self._scheduler.running),
                waiting=len(self._scheduler.waiting),
                cells_used=self._prefixes.cells,
                restored_tokens=self._memory.restored_tokens,
                parked=len(self._memory.parked),
                parked_bytes=self._memory.parked.bytes,
                guessed_tokens=self._speculation.guessed,
                guessed_right=self._speculation.right,
                tokens_per_second=self._speed.tokens_per_second,
            )

    def close(self, timeout: float = 30.0) -> bool:
        """Fail what still runs and free the model. True once the memory is free; False if a step outlasts `timeout`."""
        with self._wake:
            self._closing = True
            self._backend.abort(True)
            self._wake.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # The decode thread

    def _run(self) -> None:
        while self._wait_for_work():
            try:
                self.step()
            except Exception:  # noqa: BLE001 - one broken step must not end the thread
                _log.exception("a step of model %s failed; its running answers end here", self._name)
                self._fail_all(ModelFailed("The model {name} stopped in the middle of the answer. Ask again.", name=self._name))
        self._fail_all(Unavailable("The model {name} was unloaded before the answer was finished.", name=self._name))
        self._backend.close()
        self._last_step.close()

    def _wait_for_work(self) -> bool:
        with self._wake:
            while self._scheduler.idle and not self._closing:
                self._wake.wait()
            return not self._closing

    def step(self) -> None:
        """Schedule, decode, sample, deliver: one token for every answer that is past its prompt."""
        begin = time.perf_counter()
        batch = self._schedule()
        self._last_step.decoding(self._decoding)
        sampled = self._compute(batch) if batch else []
        self._last_step.resting()
        for sequence, token in sampled:
            self._deliver(sequence, token)
        self._count(batch, len(sampled), time.perf_counter() - begin)

    def _schedule(self) -> list[tuple[Sequence, Part]]:
        """Drop cancelled answers, admit waiting ones, choose the batch."""
        with self._wake:
            paused = [one for one in self._scheduler.waiting if one.cancelled]
            for sequence in paused:
                self._scheduler.withdraw(sequence)
        for sequence in [*paused, *(one for one in self._scheduler.running.values() if one.cancelled)]:
            self._finish(sequence, FinishReason.CANCELLED)
        with self._wake:
            while self._scheduler.waiting and self._scheduler.free:
                self._admit(self._scheduler.next_waiting())
            while (one := self._scheduler.to_pause()) is not None:
                self._pause(one)
                self._admit(self._scheduler.next_waiting())
            for sequence, place in self._scheduler.moved():
                sequence.events.put(Queued(place, self._scheduler.expected_wait(place)))
            batch = self._scheduler.parts()
            self._speculation.extend(batch, self._scheduler.prefill_s_per_token)
            self._decoding = tuple(sequence for sequence, _ in batch)
            if not self._closing:
                self._backend.abort(False)
        return batch

    def _admit(self, sequence: Sequence) -> None:
        """Give the sequence a slot, with as much of its prompt as is known there or can be brought there."""
        slot, length = self._memory.place(sequence.tokens, self._scheduler.free)
        sequence.done = length
        if sequence.sampler is None:
            sequence.cached = length
            sequence.sampler = self._backend.new_sampler(sequence.params, sequence.tokens)
            self._totals = replace(
                self._totals,
                prompt_tokens=self._totals.prompt_tokens + sequence.prompt_length,
                cached_tokens=self._totals.cached_tokens + length,
            )
        self._scheduler.start(sequence, slot)

    def _pause(self, sequence: Sequence) -> None:
        """Make room for a user who has less than a fair share; the answer goes on when there is room again."""
        assert sequence.slot is not None
        self._prefixes.touch(sequence.slot)
        self._scheduler.pause(sequence)
        self._totals = replace(self._totals, paused=self._totals.paused + 1)

    def _compute(self, batch: list[tuple[Sequence, Part]]) -> list[tuple[Sequence, int]]:
        """Decode and sample. A batch that fails is tried again answer by answer, so that only the cause is lost."""
        parts = [part for _, part in batch]
        result = self._backend.decode(parts)
        while result is Decoded.FULL and self._memory.forget_oldest(self._scheduler.free):
            result = self._backend.decode(parts)
        if result is Decoded.DONE:
            self._last_step.sampling()
            return [entry for index, (sequence, part) in enumerate(batch) for entry in self._advance(sequence, part, index)]
        for sequence, part in batch:
            self._undo(sequence, part)
        if result is Decoded.ABORTED:
            return []
        if len(batch) == 1 or not self._backend.can_cut:
            error = self._decode_error(result)
            for sequence, _ in batch:
                self._fail(sequence, error)
            return []
        return [entry for one in batch for entry in self._compute([one])]

    def _undo(self, sequence: Sequence, part: Part) -> None:
        """Forget what a decode that did not finish may have written; a model that cannot be cut back starts over."""
        if not self._backend.can_cut:
            sequence.done = 0
            self._prefixes.tokens[part.slot].clear()
        self._backend.cut(part.slot, sequence.done)

    def _advance(self, sequence: Sequence, part: Part, index: int) -> list[tuple[Sequence, int]]:
        """Sample after the part, and after each of its guesses for as long as they come true; forget the others."""
        sequence.steps += 1
        sampled = [self._backend.sample(sequence.sampler, index)] if part.wants_logits else []
        known = len(part.tokens) - part.guessed
        for guess, token in enumerate(part.tokens[known:], start=1):
            if sampled[-1] != token or self._backend.ends(token):
                break
            sampled.append(self._backend.sample(sequence.sampler, index, guess))
        kept = known + max(0, len(sampled) - 1)
        self._prefixes.tokens[part.slot].extend(part.tokens[:kept])
        sequence.done += kept
        if kept < len(part.tokens):
            self._backend.cut(part.slot, sequence.done)
        if part.guessed and sequence.guesser is not None:
            sequence.guesser.learn(part.guessed, len(sampled) - 1)
        return [(sequence, token) for token in sampled]

    def _deliver(self, sequence: Sequence, token: int) -> None:
        """Hand the token's text over, and end the answer where it ends."""
        if sequence.slot is None:
            return  # it ended with an earlier token of this step
        if self._backend.ends(token):
            self._finish(sequence, FinishReason.STOP)
            return
        sequence.add(token)
        text = sequence.detokenizer.feed(self._backend.piece(token))
        if text:
            sequence.events.put(Delta(text, tokens=sequence.generated))
        if sequence.detokenizer.stopped:
            self._finish(sequence, FinishReason.STOP)
        elif sequence.generated >= sequence.max_tokens or len(sequence.tokens) >= self._backend.context:
            self._finish(sequence, FinishReason.LENGTH)

    def _finish(self, sequence: Sequence, reason: FinishReason) -> None:
        text = sequence.detokenizer.finish()
        self._release(sequence)
        if text:
            sequence.events.put(Delta(text, tokens=sequence.generated))
        sequence.events.put(sequence.finished(reason))
        self._totals = replace(self._totals, answers=self._totals.answers + 1)

    def _fail(self, sequence: Sequence, error: PortalError) -> None:
        self._release(sequence)
        sequence.events.put(error)
        self._totals = replace(self._totals, failures=self._totals.failures + 1)

    def _release(self, sequence: Sequence) -> None:
        """Free slot, sampler and guesser; what the slot holds stays, for the conversation's next turn."""
        sequence.guesser = None
        with self._wake:
            self._scheduler.release(sequence)
            if sequence.slot is not None:
                self._prefixes.touch(sequence.slot)
                sequence.slot = None
        if sequence.sampler is not None:
            self._backend.free_sampler(sequence.sampler)
            sequence.sampler = None

    def _fail_all(self, error: PortalError) -> None:
        with self._wake:
            waiting, self._scheduler.waiting = self._scheduler.waiting, []
            running = list(self._scheduler.running.values())
        for sequence in running:
            assert sequence.slot is not None
            self._memory.clear(sequence.slot)
        for sequence in running + waiting:
            self._fail(sequence, error)

    def _decode_error(self, result: Decoded) -> PortalError:
        if result is Decoded.FULL:
            return ModelFailed("The context memory of model {name} is full. Ask again, or ask an admin to give it more.", name=self._name)
        reason = self._why() or "no reason given"
        _log.error("model %s could not decode: %s", self._name, reason)
        return ModelFailed("The model {name} failed: {reason}", name=self._name, reason=reason)

    def _count(self, batch: list[tuple[Sequence, Part]], sampled: int, seconds: float) -> None:
        guessed = sum(part.guessed for _, part in batch)
        read = sum(len(part.tokens) for _, part in batch if len(part.tokens) > 1) if not guessed else 0
        with self._wake:
            self._decoding = ()
            self._scheduler.measured(read, seconds)
            if sampled and not read:
                self._speculation.learn(len(batch), guessed, sampled - len(batch), seconds, self._scheduler.prefill_s_per_token)
        self._speed.add(sampled, seconds)
        self._totals = replace(
            self._totals,
            decoded_tokens=self._totals.decoded_tokens + sampled,
            prefill_tokens=self._totals.prefill_tokens + read,
            steps=self._totals.steps + 1,
            step_seconds=self._totals.step_seconds + seconds,
        )
