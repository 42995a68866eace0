"""Compute the texts of all requests on one thread, batch by batch."""

from __future__ import annotations

import logging
import threading
import time
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from core.errors import Busy, ModelFailed, PortalError, Unavailable
from core.inference.records import Timings, Usage
from core.inference.vectors import Cancelled, Embedded
from models.embedding.llama_embedder import Rows, Tokens
from models.engine.stats.metrics import EngineMetrics, Speed

MAX_WAITING = 1_000_000
"""Most tokens in the queue; a single request is always accepted while nothing waits."""
_log = logging.getLogger(__name__)


class Computes(Protocol):
    """What the engine needs of a model."""

    slots: int
    context: int
    batch_tokens: int

    def compute(self, texts: Sequence[Tokens]) -> Rows | None: ...
    def abort(self, now: bool) -> None: ...
    def close(self) -> object: ...


class Job:
    """The texts of one request and their rows, which the engine's thread fills in."""

    def __init__(self, texts: Sequence[Tokens]) -> None:
        self.texts = texts
        self.rows: list[Rows | None] = [None] * len(texts)
        self.taken = 0
        """How many texts were put into batches so far, in order."""
        self.left = len(texts)
        self.cancelled = False
        self.error: PortalError | None = None
        self.submitted_at = time.monotonic()
        self.begun_at: float | None = None
        self.ended_at = self.submitted_at
        self._ended = threading.Event()

    @property
    def waiting_tokens(self) -> int:
        return sum(map(len, self.texts[self.taken :]))

    @property
    def over(self) -> bool:
        return self._ended.is_set()

    def end(self, error: PortalError | None = None) -> None:
        self.error, self.ended_at = error, time.monotonic()
        self._ended.set()

    def wait(self) -> Embedded:
        """Raises Cancelled, ModelFailed, Unavailable."""
        self._ended.wait()
        if self.error is not None:
            raise self.error
        if self.cancelled:
            raise Cancelled
        rows = tuple(array("f", row.tobytes()) for row in self.rows if row is not None)
        queued = (self.begun_at or self.ended_at) - self.submitted_at
        timings = Timings(queue_s=queued, duration_s=self.ended_at - self.submitted_at)
        return Embedded(rows, Usage(prompt_tokens=sum(map(len, self.texts))), timings)


@dataclass(frozen=True, slots=True)
class _Picked:
    job: Job
    index: int


class EmbeddingEngine:
    """Owns the model: only its thread uses it and closes it at the end."""

    def __init__(self, model: Computes, name: str, fill: int, *, queue_limit: int = MAX_WAITING) -> None:
        """fill: tokens to put into a batch. Larger batches are not cheaper per token, since every token attends to all of them."""
        self._model = model
        self._name = name
        self._fill = min(fill, model.batch_tokens)
        self._queue_limit = queue_limit
        self._jobs: deque[Job] = deque()
        self.waiting_tokens = 0
        """Tokens of the texts that are in no batch yet."""
        self._running: tuple[_Picked, ...] = ()
        self._wake = threading.Condition()
        self._closing = False
        self._began: float | None = None
        """When the current batch began."""
        self._speed = Speed()
        self._totals = EngineMetrics(
            slots=model.slots,
            busy=0,
            waiting=0,
            decoded_tokens=0,
            prefill_tokens=0,
            cached_tokens=0,
            steps=0,
            step_seconds=0.0,
            answers=0,
            failures=0,
            cells_used=0,
            cells_total=0,
            tokens_per_second=None,
        )
        self._thread = threading.Thread(target=self._run, name=f"vectors {name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    # From any thread

    def submit(self, texts: Sequence[Tokens]) -> Job:
        """Queue texts, each of which fits the context. Raises Busy, Unavailable while closing."""
        job = Job(texts)
        tokens = job.waiting_tokens
        with self._wake:
            if self._closing:
                raise Unavailable("The model {name} is being unloaded.", name=self._name)
            if self.waiting_tokens and self.waiting_tokens + tokens > self._queue_limit:
                wait = self.waiting_tokens / (self._speed.tokens_per_second or 1000.0)
                raise Busy(
                    "The model is busy: {tokens} tokens are ahead. Try again in {seconds} s.",
                    tokens=f"{self.waiting_tokens:,}",
                    seconds=max(1, round(wait)),
                    retry_after=max(1.0, wait),
                )
            self._jobs.append(job)
            self.waiting_tokens += tokens
            self._wake.notify()
        return job

    def cancel(self, job: Job) -> None:
        """Compute no more of it; a batch that holds nothing else is aborted."""
        with self._wake:
            if job.over:
                return
            job.cancelled = True
            self._drop(job)
            if self._running and all(one.job.cancelled for one in self._running):
                self._model.abort(True)
            job.end()

    @property
    def idle(self) -> bool:
        with self._wake:
            return not self._jobs and not self._running

    def metrics(self) -> EngineMetrics:
        with self._wake:
            waiting = sum(len(job.texts) - job.taken for job in self._jobs)
            began = self._began
            return replace(
                self._totals,
                busy=len(self._running),
                waiting=waiting,
                tokens_per_second=self._speed.tokens_per_second,
                step_running_s=0.0 if began is None else time.monotonic() - began,
            )

    def close(self, timeout: float = 30.0) -> bool:
        """Fail what still runs and free the model. Returns True once the memory is free; False if a batch outlasts `timeout`."""
        with self._wake:
            self._closing = True
            self._model.abort(True)
            self._wake.notify()
        if self._thread.ident is None:
            self._model.close()
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # The engine's thread

    def _run(self) -> None:
        while self._wait_for_work():
            self._began = time.monotonic()
            self.step()
            self._began = None
        with self._wake:
            jobs = {*self._jobs, *(one.job for one in self._running)}
            self._jobs.clear()
            self.waiting_tokens = 0
        for job in jobs:
            if not job.over:
                job.end(Unavailable("The model {name} was unloaded before the texts were processed.", name=self._name))
        self._model.close()

    def _wait_for_work(self) -> bool:
        with self._wake:
            while not self._jobs and not self._closing:
                self._wake.wait()
            return not self._closing

    def step(self) -> None:
        """Choose a batch, compute it, hand its rows over."""
        begin = time.monotonic()
        with self._wake:
            picked = self._running = tuple(self._pick(begin))
            if not self._closing:
                self._model.abort(False)
        outcomes = self._compute(picked)
        with self._wake:
            if self._closing and any(outcome is None for outcome in outcomes):
                return  # aborted: _run fails them
            self._running = ()
            for one, outcome in zip(picked, outcomes, strict=True):
                self._hand_over(one, outcome)
            self._count(picked, outcomes, time.monotonic() - begin)

    def _pick(self, now: float) -> list[_Picked]:
        """Take texts in turn from each request, so that a short request need not wait for the end of a long one. A request whose next
        text does not fit stays at the front and comes first in the next batch.
        """
        picked: list[_Picked] = []
        tokens = 0
        in_turn = deque(self._jobs)
        while in_turn and len(picked) < self._model.slots:
            job = in_turn.popleft()
            size = len(job.texts[job.taken])
            if picked and tokens + size > self._fill:
                continue
            picked.append(_Picked(job, job.taken))
            tokens += size
            job.begun_at = job.begun_at or now
            job.taken += 1
            self._jobs.remove(job)
            if job.taken < len(job.texts):
                self._jobs.append(job)
                in_turn.append(job)
        self.waiting_tokens -= tokens
        return picked

    def _compute(self, picked: Sequence[_Picked]) -> list[Rows | PortalError | None]:
        """Return a row, an error, or None where it was aborted, for each text. Texts that fail together are tried again one by one."""
        try:
            rows = self._model.compute([one.job.texts[one.index] for one in picked])
            if rows is not None and not np.isfinite(rows).all():
                raise ModelFailed("The model {name} returned a vector that contains NaN.", name=self._name)
        except PortalError as problem:
            return [problem] if len(picked) == 1 else [outcome for one in picked for outcome in self._compute([one])]
        except Exception:  # noqa: BLE001 - one broken batch must not end the thread
            _log.exception("a batch of model %s failed", self._name)
            return [ModelFailed("The model {name} could not process the texts. Try again.", name=self._name) for _ in picked]
        return [None] * len(picked) if rows is None else list(rows)

    def _hand_over(self, one: _Picked, outcome: Rows | PortalError | None) -> None:
        job = one.job
        if job.over or outcome is None:
            return
        if isinstance(outcome, PortalError):
            self._drop(job)
            job.end(outcome)
            return
        job.rows[one.index] = outcome
        job.left -= 1
        if not job.left:
            job.end()

    def _drop(self, job: Job) -> None:
        if job in self._jobs:
            self._jobs.remove(job)
            self.waiting_tokens -= job.waiting_tokens

    def _count(self, picked: Sequence[_Picked], outcomes: Sequence[Rows | PortalError | None], seconds: float) -> None:
        tokens = sum(len(one.job.texts[one.index]) for one in picked)
        failures = sum(isinstance(outcome, PortalError) for outcome in outcomes)
        broken_off = sum(outcome is None for outcome in outcomes)
        totals = self._totals
        self._totals = replace(
            totals,
            prefill_tokens=totals.prefill_tokens + tokens,
            prompt_tokens=totals.prompt_tokens + tokens,
            steps=totals.steps + 1,
            step_seconds=totals.step_seconds + seconds,
            answers=totals.answers + len(picked) - failures - broken_off,
            failures=totals.failures + failures,
        )
        self._speed.add(tokens, seconds)
