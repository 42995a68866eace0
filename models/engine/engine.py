"""Decode all running answers of one model together, on one thread."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Row

from core.errors import ModelFailed, Unavailable
from core.inference.records import FinishReason
from core.inference.requests import SamplingParams
from models.engine.answers import Answers
from models.engine.backend import Backend, Decoded
from models.engine.batching.batch import Batch
from models.engine.batching.micro_batches import MicroBatches
from models.engine.costs import Costs
from models.engine.images import PromptImage, is_image
from models.engine.kv_cache.offload_files import OffloadFiles
from models.engine.kv_cache.slot_choice import KvCache
from models.engine.llama.last_step import LastStep
from models.engine.runner import Runner
from models.engine.scheduler import Scheduler
from models.engine.sequence import Sequence
from models.engine.speculative.drafter import Drafter, drafters_for
from models.engine.stats.gathered import gathered
from models.engine.stats.ledger import Ledger
from models.engine.stats.metrics import STUCK_S, EngineMetrics

_log = logging.getLogger(__name__)


class Engine:
    """Serves sequences on a backend, which it owns: only the decode thread uses it, and closes it at the end."""

    def __init__(
        self,
        backend: Backend,
        name: str,
        queue_limit: int = 256,
        last_error: Callable[[], str] = lambda: "",
        *,
        prompt_lookup: bool = True,
        drafters: list[Drafter] | None = None,
        costs: Costs | None = None,
        files: OffloadFiles | None = None,
        last_step: LastStep | None = None,
        max_wait_s: float | None = None,
    ) -> None:
        """last_error: the backend's last error in its own words, for ModelFailed. prompt_lookup: draft tokens that way, where it pays.

        drafters, costs: others than those of the backend. files: disk space for conversations that do not fit into the host's memory.
        max_wait_s: see Scheduler. last_step: where to note each step, in case the process dies of it; closed at the end.
        """
        self._backend = backend
        self._name = name
        self._last_step = last_step or LastStep(name)
        self._wake = threading.Condition()
        self._costs = costs or Costs.of_backend(backend)
        self._drafters = drafters_for(backend, self._costs.drafts, prompt_lookup=prompt_lookup) if drafters is None else drafters
        self._scheduler = Scheduler(backend.slots, backend.batch_tokens, queue_limit, backend.shared_cells, max_wait_s, self._costs.steps)
        self._kv_cache = KvCache(backend, files, self._wake)
        self._ledger = Ledger()
        micro_batches = MicroBatches(backend, self._costs.rows, self._kv_cache.length)
        self._answers = Answers(backend, self._scheduler, self._kv_cache, micro_batches, self._drafters, self._ledger, self._wake)
        self._runner = Runner(
            backend, self._kv_cache, self._answers, micro_batches, self._costs.rows, self._ledger, self._last_step, name, last_error
        )
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
        images: Row[PromptImage] = (),
    ) -> Sequence:
        """Queue an answer to `prompt`, which must leave room for a token. Raises Busy, Unavailable while closing.

        batch: nobody watches, so that interactive questions go first. adapter: one of the backend's, 0: none. label: an id for the log of
        a crash. images: those of the prompt. Returns once what the disk holds of the prompt is loaded.
        """
        sequence = Sequence(len(prompt), list(prompt), params, max_tokens, user_id, batch, adapter, label, images)
        self.queue(sequence)
        return sequence

    def check_room(self, user_id: str, *, batch: bool = False) -> None:
        """Raise Busy where a question of this user would be refused now. Ask before rendering its prompt, which takes time."""
        with self._wake:
            self._scheduler.check_room(user_id, batch=batch)

    def queue(self, sequence: Sequence) -> None:
        """Queue a sequence that the caller made. As `submit`."""
        self.check_room(sequence.user_id, batch=sequence.batch)
        self._kv_cache.load_from_disk(sequence.tokens, sequence.adapter)
        for drafter in self._drafters:
            drafter.begin(sequence)
        try:
            with self._wake:
                if self._closing:
                    raise Unavailable("The model {name} is being unloaded.", name=self._name)
                self._scheduler.submit(sequence)
                if self._interruptible:
                    self._backend.abort(True)
                self._wake.notify()
        except BaseException:
            self._forget(sequence)
            raise

    def prefetch(self, held: list[int], tokens: list[int]) -> None:
        """Prefill `tokens` while nobody waits, for the conversation of which a slot holds `held`, or all but the last of it.

        Its next prompt will begin with them.
        """
        if self._backend.can_cut and len(tokens) < self._backend.context and not any(map(is_image, tokens)):
            with self._wake:
                self._kv_cache.prefetch.add(held, tokens)
                self._wake.notify()

    def cancel(self, sequence: Sequence) -> None:
        """End the answer: at once if it waits or is alone in the batch, otherwise with the current step."""
        with self._wake:
            sequence.cancelled = True
            if sequence in self._scheduler.waiting:
                # A preempted one has a sampler, which the decode thread must free.
                if sequence.sampler is None:
                    self._scheduler.withdraw(sequence)
                    self._forget(sequence)
                    sequence.events.put(sequence.finished(FinishReason.CANCELLED))
            elif self._decoding and all(one.cancelled for one in self._decoding):
                self._backend.abort(True)
            if self._ledger.step_running_s > STUCK_S:
                # Nobody needs to wait for a step that may never end; its later reports are not read.
                sequence.events.put(sequence.finished(FinishReason.CANCELLED))

    def _forget(self, sequence: Sequence) -> None:
        for drafter in self._drafters:
            drafter.end(sequence)

    @property
    def idle(self) -> bool:
        """Tell whether no sequence runs or waits."""
        with self._wake:
            return self._scheduler.idle

    @property
    def prefetching(self) -> bool:
        """Tell whether something is left to prefetch."""
        with self._wake:
            return bool(self._kv_cache.prefetch)

    @property
    def settled(self) -> bool:
        """Tell whether nothing is left to measure on this machine."""
        return self._costs.rows.missing is None

    def held(self) -> list[list[int]]:
        """Return the tokens that each slot holds."""
        return self._kv_cache.held()

    def metrics(self) -> EngineMetrics:
        on_disk = self._kv_cache.on_disk  # Before the lock: the files have one of their own.
        with self._wake:
            return gathered(self._backend, self._scheduler, self._kv_cache, self._ledger, self._drafters, on_disk)

    def close(self, timeout: float = 30.0) -> bool:
        """Fail what still runs and free the model. Returns True once the memory is free; False if a step outlasts `timeout`."""
        with self._wake:
            self._closing = True
            self._backend.abort(True)
            self._wake.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # The decode thread

    def _run(self) -> None:
        while self._wait_for_work():
            self.work()
        self._answers.fail_all(Unavailable("The model {name} was unloaded before the answer was finished.", name=self._name))
        self._kv_cache.close()
        self._backend.close()
        self._last_step.close()

    def _wait_for_work(self) -> bool:
        with self._wake:
            self._wake.wait_for(lambda: self._closing or self._kv_cache.prefetch or not (self._scheduler.idle and self.settled))
            return not self._closing

    def work(self) -> None:
        """Do the next piece of work: a step, or while nobody waits, a little prefetching or measuring."""
        self._ledger.step_began = time.monotonic()
        try:
            if not self.idle:
                self.step()
            elif self.prefetching:
                self.prefetch_some()
            else:
                self.measure()
        except Exception:  # noqa: BLE001 - one broken step must not end the thread
            _log.exception("a step of model %s failed; its running answers end here", self._name)
            self._answers.fail_all(ModelFailed("The model {name} stopped before the answer was complete. Ask again.", name=self._name))
        finally:
            self._ledger.step_began = None

    def step(self) -> None:
        """Schedule, draft, compute and deliver: at least one token for every answer that is past its prompt."""
        began = time.perf_counter()
        batch = self._schedule()
        scheduled = time.perf_counter()
        for drafter in self._drafters:
            drafter.propose(batch)
        drafted = time.perf_counter()
        sampled = self._runner.run(batch, began)
        for drafter in self._drafters:
            drafter.learn(batch)
        batch.charge(time.perf_counter() - scheduled)
        self._answers.deliver(sampled, time.perf_counter())
        self._learn(batch, len(sampled), time.perf_counter() - began, drafted - scheduled)

    def _schedule(self) -> Batch:
        """Drop cancelled answers, admit waiting ones, choose the batch."""
        self._answers.end_cancelled()
        with self._wake:
            self._answers.admit_waiting()
            batch = self._scheduler.next_batch()
            self._decoding = tuple(batch.sequences)
            if not self._closing:
                self._backend.abort(False)
        return batch

    def _learn(self, batch: Batch, sampled: int, seconds: float, drafting_s: float) -> None:
        with self._wake:
            self._decoding = ()
            self._costs.learn(batch, sampled, seconds, drafting_s)
            idle = self._scheduler.idle
        self._ledger.stepped(len(batch), sampled, 0 if batch.draft_tokens else batch.prompt_tokens, seconds)
        if not batch or idle:
            self.flush()

    def flush(self) -> None:
        """Hand over all events to their readers now, as the next decode would."""
        self._answers.outbox.flush()

    def prefetch_some(self) -> None:
        """Prefetch a few tokens. A question that arrives meanwhile aborts it."""
        with self._wake:
            free, chunk = self._scheduler.free, self._costs.steps.chunk
            part = self._kv_cache.prefetch.next(free, chunk) if self._scheduler.idle else None
            if part is None or self._closing:
                return
            self._interruptible = True
            self._backend.abort(False)
        begin = time.perf_counter()
        with self._yielding():
            result = self._runner.prefetch(part)
        with self._wake:
            if result is Decoded.DONE:
                self._kv_cache.prefetch.done(part)
                self._costs.steps.learn(0, len(part.tokens), time.perf_counter() - begin)
                return
            if result is not Decoded.ABORTED:
                self._kv_cache.prefetch.clear()
        self._backend.cut(part.slot, part.start)

    def measure(self) -> None:
        """Measure a little of this machine's costs. A question that arrives meanwhile aborts it."""
        with self._wake:
            if self._closing or not self._scheduler.idle:
                return
            self._interruptible = True
            self._backend.abort(False)
        with self._yielding():
            self._runner.measure()

    @contextlib.contextmanager
    def _yielding(self) -> Iterator[None]:
        """Surround a decode that a question may abort."""
        self._last_step.decoding(())
        try:
            yield
        finally:
            # Left set after an error, every question would abort the steps of others.
            self._interruptible = False
            self._last_step.idle()
