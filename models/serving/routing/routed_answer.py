"""Give one answer from whichever platform can. Until the first token another platform may take over; afterwards a failure ends the answer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from core.errors import Busy, InvalidInput, ModelFailed, PortalError, PromptTooLong, StoredError, Unavailable
from core.inference.ports import RunningGeneration
from core.inference.records import FinishReason, Routing, Timings, Usage
from core.inference.requests import Delta, Finished, GenerationEvent, GenerationRequest, Queued
from core.platforms.records import Price
from models.platforms.plugin.plugin_answer import PluginAnswer
from models.platforms.remote.failures import PlatformFailure
from models.platforms.remote.remote_answer import Count, RemoteAnswer
from models.platforms.remote.wires.counting import estimate_prompt
from models.serving.routing.members.line import Ticket
from models.serving.routing.plan import Candidate

EXPECTED_TOKENS = 512
"""Expected tokens of an answer without a limit, for balancing."""
POLL_S = 0.1
KEPT = " The text so far is kept. Try again, or choose another model."
StartLocal = Callable[[GenerationRequest], RunningGeneration]


class RoutedAnswer:
    """Implements core's RunningGeneration over one candidate after the other."""

    def __init__(
        self,
        request: GenerationRequest,
        candidates: list[Candidate],
        left_out: list[StoredError],
        *,
        start_local: StartLocal,
        count: Count,
        max_wait_s: float | None,
        settled: Callable[[Candidate], None],
    ) -> None:
        """candidates: at least one. settled: called with the one that answered. Raises what a local start raises if no other candidate is
        left."""
        self._request = request
        self._candidates = candidates
        self._left_out = left_out
        self._start_local = start_local
        self._count = count
        self._max_wait_s = max_wait_s
        self._settled = settled
        self._lock = threading.Lock()
        self._cancelled = False
        self._at = candidates[0]
        self._local: RunningGeneration | None = None
        self._remote: RemoteAnswer | PluginAnswer | None = None
        self._dropped: tuple[str, ...] = ()
        self._estimated = False
        self._cost: float | None = None
        self._begun = False
        self._arrived = time.monotonic()
        self._prepare()

    # Properties of a running generation

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
    def engine(self) -> str:
        return self._local.engine if self._local is not None else self._at.member.config.type.value

    @property
    def prompt_tokens(self) -> int:
        return self._local.prompt_tokens if self._local is not None else estimate_prompt(self._request)

    @property
    def ignored(self) -> tuple[str, ...]:
        return self._local.ignored if self._local is not None else self._dropped

    @property
    def routing(self) -> Routing:
        return Routing(
            target=f"{self.model}@{self.platform}", left_out=tuple(self._left_out), dropped=self._dropped, estimated=self._estimated,
            cost=self._cost, currency=self._at.currency if self._cost is not None else "",
        )  # fmt: skip

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            running = self._local or self._remote
        if running is not None:
            running.cancel()

    def poll(self, wake: Callable[[], None]) -> bool:
        """See RunningGeneration. Only a local model can be polled; it blocks before it fails over to another platform."""
        return self._local is not None and self._local.poll(wake)

    def events(self) -> Iterator[GenerationEvent]:
        """See RunningGeneration. Abandoning the iterator cancels the answer."""
        try:
            while True:
                try:
                    yield from self._from_local() if self._at.member.is_local else self._from_remote()
                    return
                except PlatformFailure as problem:
                    failed: PortalError = problem.for_people()
                except (Busy, Unavailable, ModelFailed, InvalidInput) as problem:
                    failed = problem
                if self._begun:
                    raise _cut_short(failed)
                self._left_out.append(StoredError.of(failed))
                if not self._next():
                    raise failed
        except GeneratorExit:
            self.cancel()
            raise

    # Candidates

    def _prepare(self) -> None:
        """Start the first candidate that can answer: a local model queues at once, another server is asked when events are read."""
        while True:
            try:
                self._take(self._at)
                return
            except PromptTooLong:
                if not self._next():
                    raise
            except (Busy, Unavailable, InvalidInput) as problem:
                self._left_out.append(StoredError.of(problem))
                if not self._next():
                    raise

    def _next(self) -> bool:
        """Go to the next candidate."""
        following = self._candidates.index(self._at) + 1
        if following >= len(self._candidates) or self._cancelled:
            return False
        self._at = self._candidates[following]
        self._local = self._remote = None
        return True

    def _take(self, candidate: Candidate) -> None:
        self._dropped = ()
        if candidate.remote is None:
            running = self._start_local(replace(self._request, model=candidate.model))
            with self._lock:
                self._local = running
                cancelled = self._cancelled
            if cancelled:
                running.cancel()
            return
        assert candidate.member.remote is not None
        answer = candidate.member.remote.answer(self._request, candidate.remote, self._count)
        with self._lock:
            self._remote = answer
            self._dropped = answer.dropped
            if self._cancelled:
                answer.cancel()

    def _ready(self) -> None:
        """Start the current candidate if it is not started yet; failing over only selects it."""
        if self._local is None and self._remote is None:
            self._take(self._at)

    # Answers

    def _from_local(self) -> Iterator[GenerationEvent]:
        member, tokens = self._at.member, self._expected()
        waited = time.monotonic() - self._arrived if self._left_out else 0.0
        self._ready()
        assert self._local is not None
        member.takes_on(tokens)
        try:
            for event in self._local.events():
                self._begun = self._begun or isinstance(event, Delta)
                if isinstance(event, Finished):
                    member.stats.answered(event.timings.ttft_s, event.timings.duration_s)
                    self._settled(self._at)
                    event = replace(event, timings=_later(event.timings, waited))
                yield event
        except (ModelFailed, Unavailable) as problem:
            member.stats.failed(StoredError.of(problem))
            raise
        finally:
            member.takes_on(-tokens)

    def _from_remote(self) -> Iterator[GenerationEvent]:
        member, tokens = self._at.member, self._expected()
        self._ready()
        assert self._remote is not None
        ticket = member.line.enter(self._request.user_id, batch=self._request.batch)
        member.takes_on(tokens)
        ended = False
        try:
            yield from self._wait(ticket)
            if self._cancelled:
                ended = True
                waited = time.monotonic() - self._arrived
                timings = Timings(queue_s=waited, duration_s=waited)
                yield Finished(finish_reason=FinishReason.CANCELLED, usage=Usage(), timings=timings)
                return
            self._check_rate()
            self._remote.queue_s = time.monotonic() - self._arrived
            if not member.health.begin():
                why = member.health.why_not(self._at.target) or StoredError("{place} is not available.", {"place": self._at.target})
                ended = True
                raise Unavailable(why.template, **why.params)
            for event in self._remote.events():
                self._begun = self._begun or isinstance(event, Delta)
                if isinstance(event, Finished):
                    ended = True
                    self._end(event)
                yield event
        except PlatformFailure as problem:
            ended = True
            member.health.failed(problem)
            member.stats.failed(problem.error)
            raise
        finally:
            if not ended:
                member.health.abandoned()
            ticket.leave()
            member.takes_on(-tokens)

    def _end(self, event: Finished) -> None:
        """Record how a remote answer ended."""
        assert self._remote is not None
        member = self._at.member
        self._estimated = self._remote.estimated
        self._cost = cost_of(member.config.price, event.usage)
        if event.finish_reason is FinishReason.CANCELLED:
            member.health.abandoned()
            return
        member.health.succeeded()
        member.stats.answered(event.timings.ttft_s, event.timings.duration_s)
        self._settled(self._at)

    def _wait(self, ticket: Ticket) -> Iterator[Queued]:
        """Wait in the platform's queue. Raises Busy if it would take too long."""
        member, reported_position = self._at.member, 0
        while not ticket.called.wait(0 if reported_position == 0 else POLL_S) and not self._cancelled:
            position = ticket.position
            if position and position != reported_position:
                mean = member.stats.mean_duration_s()
                wait_s = None if mean is None else mean * position / member.line.most
                if reported_position == 0 and wait_s is not None and self._max_wait_s is not None and wait_s > self._max_wait_s:
                    raise Busy("{platform} is busy.", retry_after=wait_s, platform=member.name)
                reported_position = position
                yield Queued(position, wait_s)
            reported_position = reported_position or -1
        if reported_position > 0 and not self._cancelled:
            yield Queued(0, 0.0)

    def _check_rate(self) -> None:
        member = self._at.member
        wait_s = member.stats.within_rate(member.config.limits.requests_per_minute)
        if wait_s > 0:
            raise Busy("{platform} has had its requests for this minute.", retry_after=wait_s, platform=member.name)

    def _expected(self) -> int:
        return estimate_prompt(self._request) + min(self._request.params.max_tokens or EXPECTED_TOKENS, EXPECTED_TOKENS)


def cost_of(price: Price | None, usage: Usage) -> float | None:
    """Return what an answer cost in the platform's currency."""
    if price is None:
        return None
    cached = price.input if price.cached is None else price.cached
    fresh = usage.prompt_tokens - usage.cached_tokens
    return (fresh * price.input + usage.cached_tokens * cached + usage.completion_tokens * price.output) / price.per


def _cut_short(problem: PortalError) -> ModelFailed:
    return ModelFailed(problem.template + KEPT, **problem.params)


def _later(timings: Timings, seconds: float) -> Timings:
    """Count the time that other platforms took before as waiting."""
    return replace(
        timings,
        queue_s=timings.queue_s + seconds,
        ttft_s=None if timings.ttft_s is None else timings.ttft_s + seconds,
        duration_s=timings.duration_s + seconds,
    )
