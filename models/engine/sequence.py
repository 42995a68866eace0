"""Hold the state of one answer in the engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Sequence as Row
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from core.errors import PortalError
from core.inference.records import FinishReason, Timings, Usage
from core.inference.requests import Delta, Finished, Queued, SamplingParams, TokenLogprob
from models.engine.images import PromptImage
from models.engine.sampling.detokenizer import Detokenizer


@dataclass(frozen=True, slots=True)
class TokenDelta(Delta):
    """New text with the tokens it came from, so that readers need not look into the sequence while it runs."""

    ids: tuple[int, ...] = ()


Event = Queued | TokenDelta | Finished | PortalError
"""What a sequence reports; Finished or an error is the last. After that the sequence belongs to its reader."""


class EventQueue(SimpleQueue[Event]):
    """The events of one sequence for its reader. wake: called after each event, for a reader that does not wait in get()."""

    wake: Callable[[], None] | None = None

    def put(self, item: Event, block: bool = True, timeout: float | None = None) -> None:
        super().put(item)
        if self.wake is not None:
            self.wake()


@dataclass(slots=True, eq=False)
class Sequence:
    """Prompt and answer as tokens, and how many of them are computed. The decode thread alone changes it."""

    prompt_length: int
    tokens: list[int]
    """The prompt, then the sampled tokens."""
    params: SamplingParams
    max_tokens: int
    user_id: str
    batch: bool = False
    """Whether nobody watches: interactive questions go first."""
    adapter: int = 0
    """The LoRA adapter that answers; 0: none."""
    label: str = ""
    """The id of the turn or completion, for the log of a crash."""
    images: Row[PromptImage] = ()
    """The images of the prompt, in order."""
    arrived: float = field(default_factory=time.perf_counter)
    events: EventQueue = field(default_factory=EventQueue)
    text_sent: bool = False
    """Whether some of its text is not yet with the reader."""
    reported: int = 0
    """How many tokens of the answer were reported."""
    detokenizer: Detokenizer = field(init=False)
    cancelled: bool = False
    slot: int | None = None
    done: int = 0
    """Tokens in the slot's KV cache."""
    cached: int = 0
    sampler: Any = None
    queue_position: int = 0
    """The position last reported; 0 if none was."""
    admitted: float | None = None
    first_token: float | None = None
    last_token: float | None = None
    gaps: list[float] = field(default_factory=list)
    """Seconds between one token and the next."""
    steps: int = 0
    """Decodes that held a part of this sequence."""
    prefill_tokens: int = 0
    prefill_s: float = 0.0
    device_s: float = 0.0
    draft_tokens: int = 0
    accepted_tokens: int = 0
    """How many of the draft tokens were accepted."""
    logprobs: list[TokenLogprob] = field(default_factory=list)
    """The log probabilities of generated tokens, if the request asked for them."""

    def __post_init__(self) -> None:
        self.detokenizer = Detokenizer(self.params.stop)

    @property
    def remaining(self) -> int:
        """Return how many tokens to compute before the next can be sampled; 1 while decoding."""
        return len(self.tokens) - self.done

    @property
    def generated(self) -> int:
        return len(self.tokens) - self.prompt_length

    @property
    def ended(self) -> bool:
        """Tell whether it was admitted and has given back its slot and its sampler."""
        return self.admitted is not None and self.slot is None and self.sampler is None

    def run(self) -> tuple[int, PromptImage | None]:
        """Return where the text or the image ends of which the next token to compute is, and the image."""
        for placed in self.images:
            if self.done < placed.start:
                return placed.start, None
            if self.done < placed.end:
                return placed.end, placed
        return len(self.tokens), None

    def computed(self, tokens: int) -> None:
        """Count a step that computed so many of its tokens."""
        self.steps += 1
        self.done += tokens

    def prefilled(self, tokens: int, since: float) -> None:
        """Count `tokens` of the prompt that a step computed. since: when the step began."""
        self.prefill_tokens += tokens
        self.prefill_s += time.perf_counter() - max(since, self.admitted or since)

    def checked(self, draft_tokens: int, accepted: int) -> None:
        """Count draft tokens, and how many of them were accepted."""
        self.draft_tokens += draft_tokens
        self.accepted_tokens += accepted

    def add(self, token: int, now: float) -> None:
        """Add a sampled token. now: time.perf_counter()."""
        self.tokens.append(token)
        if self.last_token is None:
            self.first_token = now
        else:
            self.gaps.append(now - self.last_token)
        self.last_token = now
        if token in self.params.stop_tokens:
            self.detokenizer.stopped = True
        if self.params.logprobs is not None:
            self.logprobs.append(self.sampler.take_logprob())

    def report(self, text: str) -> TokenDelta:
        """Return `text` as an event, with the tokens since the last one."""
        since, self.reported = self.reported, self.generated
        logprobs = tuple(self.logprobs[since:]) if self.logprobs else ()
        return TokenDelta(text, tokens=self.reported, logprobs=logprobs, ids=tuple(self.tokens[self.prompt_length + since :]))

    def finished(self, reason: FinishReason) -> Finished:
        """Return the last event."""
        now = time.perf_counter()
        usage = Usage(self.prompt_length, self.generated, self.cached)
        return Finished(reason, usage, self._timings(now), stop=self.detokenizer.stop)

    def _timings(self, now: float) -> Timings:
        started = self.admitted if self.admitted is not None else now
        gaps = sorted(self.gaps)
        speed = None
        if self.first_token is not None and self.last_token is not None and self.last_token > self.first_token:
            speed = (self.generated - 1) / (self.last_token - self.first_token)
        return Timings(
            queue_s=started - self.arrived,
            ttft_s=None if self.first_token is None else self.first_token - self.arrived,
            duration_s=now - self.arrived,
            tokens_per_second=speed,
            inter_token_p50_s=_percentile(gaps, 0.5),
            inter_token_p95_s=_percentile(gaps, 0.95),
            steps=self.steps,
            prefill_tokens=self.prefill_tokens,
            prefill_s=self.prefill_s if self.prefill_tokens else None,
            draft_tokens=self.draft_tokens,
            accepted_tokens=self.accepted_tokens,
            device_s=self.device_s if self.steps else None,
        )


def _percentile(ascending: Row[float], share: float) -> float | None:
    """Return the quantile: the value that `share` of all do not exceed."""
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))] if ascending else None
