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
from models.engine.drafting import Drafting
from models.engine.last_step import LastStep
from models.engine.ledger import Ledger
from models.engine.metrics import EngineMetrics
from models.engine.outbox import Outbox
from models.engine.parked_files import ParkedFiles
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
        speculate: bool = True,
        files: ParkedFiles | None = None,
        last_step: LastStep | None = None,
    ) -> None:
        """`why` tells the backend's last error in its own words, for ModelFailed. speculate: guess tokens, where that pays.

        files: where conversations go that the host's memory has no room for.
        last_step: where to note each step, for who looks after the process died; closed at the end.
        """
        self._backend = backend
        self._name = name
        self._last_step = last_step or LastStep(name)
        self._why = why
        self._scheduler = Scheduler(backend.slots, backend.batch_tokens, queue_limit, backend.shared_cells)
        self._memory = ContextMemory(backend, files)
        self._prefixes = self._memory.prefixes
        self._speculation = Speculation(backend.most_guesses if speculate and backend.can_cut else 0, backend.context)
        self._drafting = Drafting(backend)
        self._wake = threading.Condition()
        self._closing = False
        self._decoding: tuple[Sequence, ...] = ()
        self._adapter = 0
        self._step_began = 0.0
        self._reading_ahead = False
        self._ledger = Ledger()
        self._outbox = Outbox()
        self._thread = threading.Thread(target=self._run, name=f"decode {name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    # From any thread

    def submit(
        self,
        prompt: list[int],
        params: SamplingParams,
        max_tokens: int,
        user_id: str,
        *,
        batch: bool = False,
        adapter: int = 0,
        label: str = "",
    ) -> Sequence:
        """Queue an answer to `prompt`, which must leave room for a token. Raises Busy, Unavailable while closing.

        batch: nobody watches, so that interactive questions go first. adapter: one of the backend's, 0: none. label: an id for the log of
        a crash. Returns once what the disk knows of the prompt is read.
        """
        sequence = Sequence(len(prompt), list(prompt), params, max_tokens, user_id, batch, adapter, label)
        self.queue(sequence)
        return sequence

    def queue(self, sequence: Sequence) -> None:
        """As `submit`, for who made the sequence."""
        sequence.guesser = Guesser(sequence.tokens) if self._speculation.possible else None
        with self._wake:
            self._scheduler.check_room()
        self._memory.bring_back(sequence.tokens, sequence.adapter, self._wake)
        with self._wake:
            if self._closing:
                raise Unavailable("The model {name} is being unloaded.", name=self._name)
            self._scheduler.submit(sequence)
            if self._reading_ahead:
                self._backend.abort(True)
            self._wake.notify()

    def expect(self, held: list[int], tokens: list[int]) -> None:
        """The conversation of which a slot holds `held`, or all but the last of it, will go on with a prompt that begins with `tokens`.

        They are read while nobody waits.
        """
        if self._backend.can_cut and len(tokens) < self._backend.context:
            with self._wake:
                self._memory.ahead.expect(held, tokens)
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
        reused = self._memory.reused
        disk_parked, disk_parked_bytes, disk_failures = self._memory.on_disk
        cells = self._backend.shared_cells or self._backend.slots * self._backend.context
        with self._wake:
            return replace(
                self._ledger.metrics(self._backend.slots, cells),
                busy=len(self._scheduler.running),
                waiting=len(self._scheduler.waiting),
                # Cells that two slots share count twice here.
                cells_used=min(self._prefixes.cells, cells),
                slot_tokens=reused.slot,
                ahead_tokens=reused.ahead,
                copied_tokens=reused.copied,
                restored_tokens=reused.host,
                disk_tokens=reused.disk,
                read_ahead_tokens=self._memory.ahead.tokens,
                parked=len(self._memory.parked),
                parked_bytes=self._memory.parked.bytes,
                disk_parked=disk_parked,
                disk_parked_bytes=disk_parked_bytes,
                disk_failures=disk_failures,
                guessed_tokens=self._speculation.guessed,
                guessed_right=self._speculation.right,
                drafted_tokens=self._drafting.guessed,
                drafted_right=self._drafting.right,
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
                if self._scheduler.idle:
                    self.read_ahead()
                else:
                    self.step()
            except Exception:  # noqa: BLE001 - one broken step must not end the thread
                _log.exception("a step of model %s failed; its running answers end here", self._name)
                self._fail_all(ModelFailed("The model {name} stopped in the middle of the answer. Ask again.", name=self._name))
        self._fail_all(Unavailable("The model {name} was unloaded before the answer was finished.", name=self._name))
        self._memory.close()
        self._backend.close()
        self._last_step.close()

    def _wait_for_work(self) -> bool:
        with self._wake:
            while self._scheduler.idle and not self._memory.ahead and not self._closing:
                self._wake.wait()
            return not self._closing

    def step(self) -> None:
        """Schedule, decode, sample, deliver: one token for every answer that is past its prompt."""
        self._step_began = time.perf_counter()
        batch = self._schedule()
        drafting_s = self._draft(batch)
        self._last_step.decoding(self._decoding)
        sampled = self._compute(batch) if batch else []
        self._last_step.resting()
        for sequence, token in sampled:
            self._deliver(sequence, token)
        if not batch or self._scheduler.idle:
            self._outbox.hand_over()
        self._count(batch, len(sampled), time.perf_counter() - self._step_began, drafting_s)

    def read_ahead(self) -> None:
        """Read a little of what is expected. A question that comes meanwhile breaks it off."""
        with self._wake:
            part = self._memory.ahead.next(self._scheduler.free, self._scheduler.chunk) if self._scheduler.idle else None
            if part is None or self._closing:
                return
            self._reading_ahead = True
            self._backend.abort(False)
        begin = time.perf_counter()
        try:
            self._put_on(self._prefixes.adapters[part.slot])
            self._backend.cut(part.slot, part.start)
            result = self._backend.decode([part])
        finally:
            # Whatever became of it: left standing, it would have every question break off the others' steps.
            self._reading_ahead = False
        with self._wake:
            if result is Decoded.DONE:
                self._memory.ahead.done(part)
                self._scheduler.measured(0, len(part.tokens), time.perf_counter() - begin)
                return
            if result is not Decoded.ABORTED:
                self._memory.ahead.clear()
        self._backend.cut(part.slot, part.start)

    def _schedule(self) -> list[tuple[Sequence, Part]]:
        """Drop cancelled answers, admit waiting ones, choose the batch."""
        with self._wake:
            paused = [one for one in self._scheduler.waiting if one.cancelled]
            for sequence in paused:
                self._scheduler.withdraw(sequence)
        for sequence in [*paused, *(one for one in self._scheduler.running.values() if one.cancelled)]:
            self._finish(sequence, FinishReason.CANCELLED)
        with self._wake:
            self._admit_waiting()
            while (one := self._scheduler.to_pause()) is not None:
                self._pause(one)
                self._admit_waiting()
            for sequence, place in self._scheduler.moved():
                sequence.events.put(Queued(place, self._scheduler.expected_wait(place)))
            batch = self._scheduler.parts()
            self._speculation.extend(batch, self._scheduler.plain_s.get(len(batch)), self._scheduler.prefill_s_per_token)
            self._decoding = tuple(sequence for sequence, _ in batch)
            if not self._closing:
                self._backend.abort(False)
        return batch

    def _draft(self, batch: list[tuple[Sequence, Part]]) -> float:
        """Let the model's next-token layer guess ahead in a batch that reads no prompt; returns the seconds it took."""
        if not self._drafting.possible or not batch or any(len(part.tokens) - part.guessed > 1 for _, part in batch):
            return 0.0
        scheduler = self._scheduler
        return self._drafting.extend(batch, scheduler.plain_s.get(len(batch)), self._speculation.guess_s(scheduler.prefill_s_per_token))

    def _admit_waiting(self) -> None:
        while (sequence := self._scheduler.next_waiting()) is not None:
            try:
                self._admit(sequence)
            except ModelFailed as error:
                self._fail(sequence, error)
            except Exception:
                self._scheduler.waiting.append(sequence)  # where it is found and ended with all others
                raise

    def _admit(self, sequence: Sequence) -> None:
        """Give the sequence a slot, with as much of its prompt as is known there or can be brought there."""
        slot, length = self._memory.place(sequence.tokens, self._scheduler.free, sequence.adapter, counted=sequence.sampler is None)
        sequence.done = length
        if sequence.sampler is None:
            sequence.cached = length
            sequence.sampler = self._backend.new_sampler(sequence.params, sequence.tokens)
            self._ledger.began(sequence, length)
        self._scheduler.start(sequence, slot)

    def _pause(self, sequence: Sequence) -> None:
        """Make room for a user who has less than a fair share; the answer goes on when there is room again."""
        assert sequence.slot is not None
        self._prefixes.touch(sequence.slot)
        self._scheduler.pause(sequence)
        self._ledger.paused += 1

    def _compute(self, batch: list[tuple[Sequence, Part]], *, apart: bool = False) -> list[tuple[Sequence, int]]:
        """Decode and sample. A batch that fails is tried again answer by answer (`apart`), so that only the cause is lost."""
        self._put_on(batch[0][0].adapter)
        result = self._decode([part for _, part in batch])
        while result is Decoded.FULL and not apart and self._make_room(batch):
            result = self._decode([part for _, part in batch])
        if result is Decoded.DONE:
            self._last_step.sampling()
            return [entry for index, (sequence, part) in enumerate(batch) for entry in self._advance(sequence, part, index)]
        for sequence, part in batch:
            self._undo(sequence, part)
        if result is Decoded.ABORTED or (apart and result is Decoded.FULL):
            return []  # the next step tries again, and makes room
        if len(batch) == 1 or not self._backend.can_cut:
            error = self._decode_error(result)
            for sequence, _ in batch:
                self._fail(sequence, error)
            return []
        return [entry for one in batch for entry in self._compute([one], apart=True)]

    def _decode(self, parts: list[Part]) -> Decoded:
        self._outbox.before_decode(long=any(len(part.tokens) - part.guessed > 1 for part in parts))
        result = self._backend.decode(parts)
        self._ledger.decodes[result] += 1
        if result is not Decoded.FAILED:
            self._memory.decoded()
        return result

    def _put_on(self, adapter: int) -> None:
        """The adapter that the answers of the batch have in common."""
        if adapter != self._adapter:
            self._backend.use_adapter(adapter)
            self._adapter = adapter

    def _make_room(self, batch: list[tuple[Sequence, Part]]) -> bool:
        """Forget what an idle slot remembers, else guess nothing; where all share one memory, pause the youngest answer.

        False where none of it helps.
        """
        with self._wake:
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
        if part.drafted:
            self._drafting.learn(sequence, part.guessed, len(sampled) - 1)
        if part.guessed:
            sequence.checked(part.guessed, len(sampled) - 1, drafted=part.drafted)
        if part.start < sequence.prompt_length:
            sequence.read(min(kept, sequence.prompt_length - part.start), self._step_began)
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
            self._outbox.tell(sequence, Delta(text, tokens=sequence.generated))
        if sequence.detokenizer.stopped:
            self._finish(sequence, FinishReason.STOP)
        elif sequence.generated >= sequence.max_tokens or len(sequence.tokens) >= self._backend.context:
            self._finish(sequence, FinishReason.LENGTH)

    def _finish(self, sequence: Sequence, reason: FinishReason) -> None:
        text = sequence.detokenizer.finish()
        self._release(sequence)
        if text:
            self._outbox.tell(sequence, Delta(text, tokens=sequence.generated))
        finished = sequence.finished(reason)
        self._ledger.ended(sequence, finished.timings)
        self._outbox.tell(sequence, finished)

    def _fail(self, sequence: Sequence, error: PortalError) -> None:
        self._release(sequence)
        self._outbox.tell(sequence, error)
        self._ledger.failures += 1

    def _release(self, sequence: Sequence) -> None:
        """Free slot, sampler and guesser; what the slot holds stays, for the conversation's next turn."""
        sequence.guesser = None
        with self._wake:
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

    def _fail_all(self, error: PortalError) -> None:
        with self._wake:
            waiting, self._scheduler.waiting = self._scheduler.waiting, []
            running = list(self._scheduler.running.values())
            self._memory.ahead.clear()
        # What a step that broke left where is not known.
        for slot in range(self._backend.slots):
            self._memory.clear(slot)
        for sequence in running + waiting:
            self._fail(sequence, error)
        self._outbox.hand_over()

    def _decode_error(self, result: Decoded) -> PortalError:
        if result is Decoded.FULL:
            return ModelFailed("The context memory of model {name} is full. Ask again, or ask an admin to give it more.", name=self._name)
        reason = self._why() or "no reason given"
        _log.error("model %s could not decode: %s", self._name, reason)
        return ModelFailed("The model {name} failed: {reason}", name=self._name, reason=reason)

    def _count(self, batch: list[tuple[Sequence, Part]], sampled: int, seconds: float, drafting_s: float) -> None:
        guessed = sum(part.guessed for _, part in batch)
        read = sum(len(part.tokens) for _, part in batch if len(part.tokens) > 1) if not guessed else 0
        answers = sum(len(part.tokens) == 1 for _, part in batch)
        with self._wake:
            self._decoding = ()
            if sampled and not read:
                plain_s, token_s = self._scheduler.plain_s.get(len(batch), seconds), self._scheduler.prefill_s_per_token
                self._speculation.learn(guessed, max(0, sampled - len(batch)), seconds - drafting_s, plain_s, token_s)
            if not guessed:
                self._scheduler.measured(answers, read, seconds)
        self._ledger.stepped(len(batch), sampled, read, seconds)
