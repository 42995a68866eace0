"""The engine: one thread that decodes all running answers of one model together."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from core.errors import ModelFailed, Unavailable
from core.inference.records import FinishReason
from core.inference.requests import SamplingParams
from models.engine.answers import Answers
from models.engine.backend import Backend, Decoded, Part
from models.engine.batching.micro_batches import MicroBatches
from models.engine.kv_cache.offload_files import ParkedFiles
from models.engine.kv_cache.slot_choice import ContextMemory
from models.engine.llama.last_step import LastStep
from models.engine.runner import Decoder
from models.engine.scheduler import Scheduler
from models.engine.sequence import Sequence
from models.engine.speculative.draft_costs import GuessCosts
from models.engine.speculative.drafting import Drafting
from models.engine.speculative.guesser import Guesser
from models.engine.speculative.prompt_lookup import Speculation
from models.engine.stats.ledger import Ledger
from models.engine.stats.metrics import STUCK_S, EngineMetrics

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
        max_wait_s: float | None = None,
    ) -> None:
        """`why` tells the backend's last error in its own words, for ModelFailed. speculate: guess tokens, where that pays.

        files: where conversations go that the host's memory has no room for.
        max_wait_s: see Scheduler. last_step: where to note each step, for who looks after the process died; closed at the end.
        """
        self._backend = backend
        self._name = name
        self._last_step = last_step or LastStep(name)
        self._wake = threading.Condition()
        self._scheduler = Scheduler(backend.slots, backend.batch_tokens, queue_limit, backend.shared_cells, max_wait_s)
        self._memory = ContextMemory(backend, files)
        self._ledger = Ledger()
        self._micro_batches = MicroBatches(backend, self._memory.prefixes.tokens)
        self._answers = Answers(backend, self._scheduler, self._memory, self._micro_batches, self._ledger, self._wake)
        self._guess_costs = GuessCosts(self._micro_batches.costs, own_streams=backend.own_streams)
        self._drafting = Drafting(backend, self._guess_costs)
        self._decoder = Decoder(
            backend, self._memory, self._answers, self._micro_batches, self._drafting, self._ledger, self._last_step, name, why
        )
        self._speculation = Speculation(backend.most_guesses if speculate and backend.can_cut else 0, backend.context, self._guess_costs)
        self._closing = False
        self._decoding: tuple[Sequence, ...] = ()
        self._interruptible = False
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

    def check_room(self, user_id: str, *, batch: bool = False) -> None:
        """Raises Busy where a question of this user would be refused now: asked before a prompt is made of it, which takes time."""
        with self._wake:
            self._scheduler.check_room(user_id, batch=batch)

    def queue(self, sequence: Sequence) -> None:
        """As `submit`, for who made the sequence."""
        sequence.guesser = Guesser(sequence.tokens) if self._speculation.possible else None
        with self._wake:
            self._scheduler.check_room(sequence.user_id, batch=sequence.batch)
        self._memory.bring_back(sequence.tokens, sequence.adapter, self._wake)
        with self._wake:
            if self._closing:
                raise Unavailable("The model {name} is being unloaded.", name=self._name)
            self._scheduler.submit(sequence)
            if self._interruptible:
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
            if self._ledger.step_running_s > STUCK_S:
                # Nobody needs to wait for a step that may never end; what it tells afterwards nobody hears.
                sequence.events.put(sequence.finished(FinishReason.CANCELLED))

    @property
    def idle(self) -> bool:
        with self._wake:
            return self._scheduler.idle

    @property
    def settled(self) -> bool:
        """What it wants to know of this machine is known."""
        return self._micro_batches.costs.missing is None

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
                cells_used=min(self._memory.prefixes.cells, cells),
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
            self._ledger.step_began = time.monotonic()
            try:
                if not self._scheduler.idle:
                    self.step()
                elif self._memory.ahead:
                    self.read_ahead()
                else:
                    self.measure()
            except Exception:  # noqa: BLE001 - one broken step must not end the thread
                _log.exception("a step of model %s failed; its running answers end here", self._name)
                self._answers.fail_all(ModelFailed("The model {name} stopped before the answer was complete. Ask again.", name=self._name))
            finally:
                self._ledger.step_began = None
        self._answers.fail_all(Unavailable("The model {name} was unloaded before the answer was finished.", name=self._name))
        self._memory.close()
        self._backend.close()
        self._last_step.close()

    def _wait_for_work(self) -> bool:
        with self._wake:
            while self._scheduler.idle and self.settled and not (self._memory.ahead or self._closing):
                self._wake.wait()
            return not self._closing

    def step(self) -> None:
        """Schedule, decode, sample, deliver: one token for every answer that is past its prompt."""
        began = time.perf_counter()
        batch = self._schedule()
        drafting_s = self._draft(batch)
        self._last_step.decoding(self._decoding)
        sampled = self._decoder.compute(batch, began) if batch else []
        self._last_step.resting()
        deliver, now = self._answers.deliver, time.perf_counter()
        for sequence, token in sampled:
            deliver(sequence, token, now)
        if not batch or self._scheduler.idle:
            self._answers.outbox.hand_over()
        self._count(batch, len(sampled), time.perf_counter() - began, drafting_s)

    def read_ahead(self) -> None:
        """Read a little of what is expected. A question that comes meanwhile breaks it off."""
        with self._wake:
            part = self._memory.ahead.next(self._scheduler.free, self._scheduler.pace.chunk) if self._scheduler.idle else None
            if part is None or self._closing:
                return
            self._interruptible = True
            self._backend.abort(False)
        begin = time.perf_counter()
        with self._for_nobody():
            result = self._decoder.read_ahead(part)
        with self._wake:
            if result is Decoded.DONE:
                self._memory.ahead.done(part)
                self._scheduler.pace.learn(0, len(part.tokens), time.perf_counter() - begin)
                return
            if result is not Decoded.ABORTED:
                self._memory.ahead.clear()
        self._backend.cut(part.slot, part.start)

    def measure(self) -> None:
        """Find out a little of what this machine takes. A question that comes meanwhile breaks it off."""
        with self._wake:
            if self._closing or not self._scheduler.idle:
                return
            self._interruptible = True
            self._backend.abort(False)
        with self._for_nobody():
            self._decoder.measure()

    @contextlib.contextmanager
    def _for_nobody(self) -> Iterator[None]:
        """Around a decode that a question may break off."""
        self._last_step.decoding(())
        try:
            yield
        finally:
            # Whatever became of it: left standing, it would have every question break off the others' steps.
            self._interruptible = False
            self._last_step.resting()

    def _schedule(self) -> list[tuple[Sequence, Part]]:
        """Drop cancelled answers, admit waiting ones, choose the batch."""
        self._answers.end_cancelled()
        with self._wake:
            self._answers.admit_waiting()
            batch = self._scheduler.parts()
            self._speculation.extend(batch, self._scheduler.pace.plain_s.get(len(batch)))
            self._decoding = tuple(sequence for sequence, _ in batch)
            if not self._closing:
                self._backend.abort(False)
        return batch

    def _draft(self, batch: list[tuple[Sequence, Part]]) -> float:
        """Let the model's next-token layer guess ahead in a batch that reads no prompt; returns the seconds it took."""
        if not self._drafting.possible or not batch or any(len(part.tokens) - part.guessed > 1 for _, part in batch):
            return 0.0
        return self._drafting.extend(batch, self._scheduler.pace.plain_s.get(len(batch)))

    def _count(self, batch: list[tuple[Sequence, Part]], sampled: int, seconds: float, drafting_s: float) -> None:
        guessed = sum(part.guessed for _, part in batch)
        read = sum(len(part.tokens) for _, part in batch if len(part.tokens) > 1) if not guessed else 0
        answers = sum(len(part.tokens) == 1 for _, part in batch)
        with self._wake:
            self._decoding = ()
            plain_s = self._scheduler.pace.plain_s.get(len(batch))
            if not guessed:
                self._guess_costs.forget()
                self._scheduler.pace.learn(answers, read, seconds)
            elif sampled and plain_s is not None:
                guesses = {part.slot: part.guessed for _, part in batch if part.guessed}
                self._guess_costs.learn([part.slot for _, part in batch], guesses, seconds - drafting_s, plain_s)
                self._speculation.checked(guessed, sampled - len(batch))
        self._ledger.stepped(len(batch), sampled, read, seconds)
