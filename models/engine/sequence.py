"""One answer on its way through the engine."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from core.errors import PortalError
from core.inference.records import FinishReason, Timings, Usage
from core.inference.requests import Delta, Finished, Queued, SamplingParams, TokenLogprob
from models.engine.sampling.detokenizer import Detokenizer
from models.engine.speculative.accept_rate import Draft
from models.engine.speculative.guesser import Guesser

Event = Queued | Delta | Finished | PortalError
"""What a sequence reports; Finished or an error is the last."""


@dataclass(slots=True, eq=False)
class Sequence:
    """Prompt and answer as tokens, and how far the model has read them. Changed by the decode thread only."""

    prompt_length: int
    tokens: list[int]
    """The prompt, then what was sampled."""
    params: SamplingParams
    max_tokens: int
    user_id: str
    batch: bool = False
    """Nobody watches: interactive questions go first."""
    adapter: int = 0
    """Which LoRA adapter answers; 0: none."""
    label: str = ""
    """The turn's or the completion's id, for the log of a crash."""
    arrived: float = field(default_factory=time.perf_counter)
    events: SimpleQueue[Event] = field(default_factory=SimpleQueue)
    heard: bool = False
    """Some of its text is on its way to who reads it."""
    told: int = 0
    """How many tokens of the answer its reader has heard of."""
    detokenizer: Detokenizer = field(init=False)
    cancelled: bool = False
    slot: int | None = None
    done: int = 0
    """Tokens in the slot's context memory."""
    cached: int = 0
    sampler: Any = None
    guesser: Guesser | None = None
    draft: Draft | None = None
    told_place: int = 0
    admitted: float | None = None
    first_token: float | None = None
    last_token: float | None = None
    gaps: list[float] = field(default_factory=list)
    """Seconds between one token and the next; in order of size once it has ended."""
    steps: int = 0
    """Decodes that held a part of this sequence."""
    prefill_tokens: int = 0
    prefill_s: float = 0.0
    guessed: int = 0
    guessed_right: int = 0
    logprobs: list[TokenLogprob] = field(default_factory=list)
    """Of each generated token, if asked for."""

    def __post_init__(self) -> None:
        self.detokenizer = Detokenizer(self.params.stop)

    @property
    def remaining(self) -> int:
        """Tokens to compute before the next can be sampled; 1 while decoding."""
        return len(self.tokens) - self.done

    @property
    def generated(self) -> int:
        return len(self.tokens) - self.prompt_length

    def add(self, token: int, now: float) -> None:
        """A token that was sampled; now: time.perf_counter()."""
        self.tokens.append(token)
        if self.last_token is None:
            self.first_token = now
        else:
            self.gaps.append(now - self.last_token)
        self.last_token = now
        if token in self.params.stop_tokens:
            self.detokenizer.stopped = True
        if self.params.logprobs is not None:
            self.logprobs.append(self.sampler.told.popleft())

    def read(self, tokens: int, since: float) -> None:
        """A step that began at `since` has computed `tokens` of the prompt."""
        self.prefill_tokens += tokens
        self.prefill_s += time.perf_counter() - max(since, self.admitted or since)

    def checked(self, guessed: int, right: int, *, drafted: bool) -> None:
        """Of `guessed` tokens the first `right` came. drafted: they were not the guesser's."""
        self.guessed += guessed
        self.guessed_right += right
        if self.guesser is not None and not drafted:
            self.guesser.learn(guessed, right)

    def finished(self, reason: FinishReason) -> Finished:
        """The end of it: no token comes after."""
        now = time.perf_counter()
        usage = Usage(self.prompt_length, self.generated, self.cached)
        return Finished(reason, usage, self._timings(now), stop=self.detokenizer.stop)

    def _timings(self, now: float) -> Timings:
        started = self.admitted if self.admitted is not None else now
        self.gaps.sort()
        speed = None
        if self.first_token is not None and self.last_token is not None and self.last_token > self.first_token:
            speed = (self.generated - 1) / (self.last_token - self.first_token)
        return Timings(
            queue_s=started - self.arrived,
            ttft_s=None if self.first_token is None else self.first_token - self.arrived,
            duration_s=now - self.arrived,
            tokens_per_second=speed,
            inter_token_p50_s=self._gap(0.5),
            inter_token_p95_s=self._gap(0.95),
            steps=self.steps,
            prefill_tokens=self.prefill_tokens,
            prefill_s=self.prefill_s if self.prefill_tokens else None,
            guessed_tokens=self.guessed,
            guessed_right=self.guessed_right,
        )

    def _gap(self, share: float) -> float | None:
        """The gap that `share` of all gaps do not exceed."""
        return self.gaps[min(len(self.gaps) - 1, int(share * len(self.gaps)))] if self.gaps else None
