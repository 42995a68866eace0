"""Count what an engine has done, on its decode thread. Any thread may read it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from core.inference.records import Timings
from models.engine.backend import Decoded
from models.engine.sequence import Sequence
from models.engine.stats.histogram import EngineHistograms
from models.engine.stats.metrics import EngineMetrics, Speed


@dataclass(slots=True, eq=False)
class Ledger:
    """Plain numbers: a step adds to them in a microsecond."""

    decoded_tokens: int = 0
    prefill_tokens: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    steps: int = 0
    step_seconds: float = 0.0
    answers: int = 0
    failures: int = 0
    preempted: int = 0
    padding: int = 0
    step_began: float | None = None
    """When the current step began, by time.monotonic()."""
    decodes: Counter[Decoded] = field(default_factory=Counter)
    """How many decodes there were, by outcome."""
    _speed: Speed = field(default_factory=Speed)
    _histograms: EngineHistograms = field(default_factory=EngineHistograms)

    def decoded(self, result: Decoded, *, padding: int) -> None:
        self.decodes[result] += 1
        self.padding += padding

    def began(self, sequence: Sequence, cached: int) -> None:
        """Count a sequence whose slot held `cached` tokens of its prompt."""
        self.prompt_tokens += sequence.prompt_length
        self.cached_tokens += cached

    def stepped(self, answers: int, sampled: int, prefilled: int, seconds: float) -> None:
        """Count a step of so many `answers` that sampled and prefilled so many tokens."""
        self.decoded_tokens += sampled
        self.prefill_tokens += prefilled
        self.steps += 1
        self.step_seconds += seconds
        self._speed.add(sampled, seconds)
        if answers:
            self._histograms.step(answers, prefilled, seconds)

    def ended(self, sequence: Sequence, timings: Timings) -> None:
        self.answers += 1
        self._histograms.answer(timings, sorted(sequence.gaps))

    @property
    def step_running_s(self) -> float:
        began = self.step_began
        return 0.0 if began is None else time.monotonic() - began

    def metrics(self, slots: int, cells: int) -> EngineMetrics:
        """Return the metrics counted here; the others are 0. cells: most tokens that the KV cache holds."""
        return EngineMetrics(
            slots=slots,
            busy=0,
            waiting=0,
            decoded_tokens=self.decoded_tokens,
            prefill_tokens=self.prefill_tokens,
            cached_tokens=self.cached_tokens,
            steps=self.steps,
            step_seconds=self.step_seconds,
            answers=self.answers,
            failures=self.failures,
            cells_used=0,
            cells_total=cells,
            tokens_per_second=self._speed.tokens_per_second,
            prompt_tokens=self.prompt_tokens,
            preempted=self.preempted,
            padding_tokens=self.padding,
            decode_failures=self.decodes[Decoded.FAILED],
            full=self.decodes[Decoded.FULL],
            aborted=self.decodes[Decoded.ABORTED],
            step_running_s=self.step_running_s,
            spreads=self._histograms.spreads,
        )
