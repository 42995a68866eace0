"""Compute vectors on whichever platform can. If one fails, the next one is asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from core.errors import Busy, ModelFailed, PortalError, StoredError, Unavailable
from core.inference.records import Routing, Timings, Usage
from core.inference.vectors import Cancelled, Embedded, EmbeddingRequest, RerankRequest, RunningEmbedding
from models.platforms.remote.failures import PlatformFailure
from models.platforms.remote.guarded_socket import Call
from models.platforms.remote.wires.counting import estimate
from models.serving.routing.plan import Candidate
from models.serving.routing.routed_answer import cost_of

R = TypeVar("R", EmbeddingRequest, RerankRequest)
POLL_S = 0.1


class RoutedVectors:
    """Implements core's RunningEmbedding over one candidate after the other."""

    def __init__(
        self, request: R, candidates: list[Candidate], left_out: list[StoredError], start_local: Callable[[R], RunningEmbedding]
    ) -> None:
        self._request: EmbeddingRequest | RerankRequest = request
        self._candidates = candidates
        self._left_out = left_out
        self._start: Callable[[Candidate], RunningEmbedding] = lambda each: start_local(replace(request, model=each.model))
        self._at = candidates[0]
        self._lock = threading.Lock()
        self._cancelled = False
        self._call = Call()
        self._local: RunningEmbedding | None = None
        self._estimated = False
        self._cost: float | None = None
        if self._at.member.is_local:
            self._local = self._start(self._at)

    @property
    def model(self) -> str:
        return self._local.model if self._local is not None else self._at.model or ""

    @property
    def model_version(self) -> str:
        return self._local.model_version if self._local is not None else self._at.version

    @property
    def platform(self) -> str:
        return self._at.member.name

    @property
    def routing(self) -> Routing:
        return Routing(
            target=f"{self.model}@{self.platform}", left_out=tuple(self._left_out), estimated=self._estimated, cost=self._cost,
            currency=self._at.currency if self._cost is not None else "",
        )  # fmt: skip

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            local = self._local
        self._call.cancel()
        if local is not None:
            local.cancel()

    def result(self) -> Embedded:
        for number, candidate in enumerate(self._candidates):
            self._at = candidate
            try:
                return self._from_local() if candidate.member.is_local else self._from_remote(candidate)
            except PlatformFailure as problem:
                if self._cancelled:
                    raise Cancelled from problem
                candidate.member.health.failed(problem)
                candidate.member.stats.failed(problem.error)
                failed: PortalError = problem.for_people()
            except (Busy, Unavailable, ModelFailed) as problem:
                failed = problem
            if number + 1 == len(self._candidates):
                raise failed
            self._left_out.append(StoredError.of(failed))
            self._local = None
        raise AssertionError("there is at least one candidate")

    def _from_local(self) -> Embedded:
        running = self._local or self._start(self._at)
        with self._lock:
            self._local = running
            cancelled = self._cancelled
        if cancelled:
            running.cancel()
        return running.result()

    def _from_remote(self, candidate: Candidate) -> Embedded:
        member, request, began = candidate.member, self._request, time.monotonic()
        assert member.remote is not None and candidate.remote is not None
        wait_s = member.stats.within_rate(member.config.limits.requests_per_minute)
        if wait_s > 0:
            raise Busy("{platform} has had its requests for this minute.", retry_after=wait_s, platform=member.name)
        compute = member.remote.vectors(request, candidate.remote)
        ticket = member.line.enter(request.user_id)
        try:
            while not ticket.called.wait(POLL_S):
                if self._cancelled:
                    raise Cancelled
            waited = time.monotonic() - began
            rows, tokens = compute(self._call)
        finally:
            ticket.leave()
        member.health.succeeded()
        duration = time.monotonic() - began
        member.stats.answered(None, duration)
        self._estimated = tokens == 0
        usage = Usage(prompt_tokens=tokens or _estimated(request))
        self._cost = cost_of(member.config.price, usage)
        return Embedded(tuple(rows), usage, Timings(queue_s=waited, duration_s=duration))


def _estimated(request: EmbeddingRequest | RerankRequest) -> int:
    if isinstance(request, EmbeddingRequest):
        return sum(estimate(each) if isinstance(each, str) else len(each) for each in request.inputs)
    return sum(estimate(request.query) + estimate(each) for each in request.documents)
