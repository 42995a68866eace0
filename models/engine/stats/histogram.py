"""Count how often a value fell into each of a few fixed ranges, for graphs. Adding costs the decode thread less than a microsecond."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated

from core.inference.records import Timings
from core.operations.metric_fields import histogram

STEP_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
GAP_S = (0.002, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)
WAIT_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
ANSWERS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
TOKENS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


@dataclass(frozen=True, slots=True)
class Spread:
    """One moment of a histogram."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    """How many values were at most each bound, and last how many there were."""
    total: float
    """Their sum."""


@dataclass(frozen=True, slots=True)
class Spreads:
    """The histograms of one engine since the load; those of an answer are counted when it ends."""

    step_duration: Annotated[Spread, histogram("step_duration_seconds", "Duration of a step of the decode loop.")]
    step_answers: Annotated[Spread, histogram("step_answers", "Sequences in a step.")]
    step_prompt_tokens: Annotated[Spread, histogram("step_prompt_tokens", "Prompt tokens per step, for steps that process prompts.")]
    queue_wait: Annotated[Spread, histogram("queue_wait_seconds", "Queue wait of an answer, recorded when it ends.")]
    first_token: Annotated[Spread, histogram("first_token_seconds", "Time from the question to the first token, including queue wait.")]
    inter_token: Annotated[Spread, histogram("inter_token_seconds", "Inter-token latency of an answer.")]


class Histogram:
    """One thread writes; any thread may ask for the spread."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def add_sorted(self, values: Sequence[float]) -> None:
        """Add many values at once, the smallest first."""
        below = 0
        for index, bound in enumerate(self._bounds):
            upto = bisect_right(values, bound)
            self._counts[index] += upto - below
            below = upto
        self._counts[-1] += len(values) - below
        self._total += sum(values)

    @property
    def spread(self) -> Spread:
        return Spread(self._bounds, tuple(accumulate(self._counts)), self._total)


class EngineHistograms:
    """The histograms behind Spreads."""

    def __init__(self) -> None:
        self._step_duration = Histogram(STEP_S)
        self._step_answers = Histogram(ANSWERS)
        self._step_prompt_tokens = Histogram(TOKENS)
        self._queue_wait = Histogram(WAIT_S)
        self._first_token = Histogram(WAIT_S)
        self._inter_token = Histogram(GAP_S)

    def step(self, answers: int, prompt_tokens: int, seconds: float) -> None:
        self._step_duration.add(seconds)
        self._step_answers.add(answers)
        if prompt_tokens:
            self._step_prompt_tokens.add(prompt_tokens)

    def answer(self, timings: Timings, gaps: Sequence[float]) -> None:
        """Count an answer that ended. gaps: between its tokens, the smallest first."""
        self._queue_wait.add(timings.queue_s)
        if timings.ttft_s is not None:
            self._first_token.add(timings.ttft_s)
        self._inter_token.add_sorted(gaps)

    @property
    def spreads(self) -> Spreads:
        return Spreads(
            self._step_duration.spread,
            self._step_answers.spread,
            self._step_prompt_tokens.spread,
            self._queue_wait.spread,
            self._first_token.spread,
            self._inter_token.spread,
        )
