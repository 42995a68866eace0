"""Stand in for llama.cpp on a GPU: a decode waits as long as one step would take and uses no processor.

The remaining processor time is the portal's own. Sampling is real: it reads logits of GLM's vocabulary, computed once. Draft tokens and
offload are off: a share above 1 would hide losses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.inference.requests import SamplingParams
from models.engine.backend import Decoded, Part
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.options import BackendOptions


@dataclass(frozen=True, slots=True)
class Clock:
    """The duration of a step: seconds by its number of answers, plus a time for prompt tokens from their rate per second.

    The tables are assumptions, not measurements of this project: the published order of magnitude of llama.cpp with Q4_K_M on an H100. A
    run of `./portal bench engine_gpu` on such a card should correct them.
    """

    name: str
    step_s: tuple[tuple[int, float], ...]
    prefill_tokens_per_s: float

    def seconds(self, answers: int, prompt_tokens: int = 0) -> float:
        """Return the seconds of a step, interpolated between the table's rows."""
        known = [rows for rows, _ in self.step_s]
        decode = float(np.interp(answers, known, [seconds for _, seconds in self.step_s])) if answers else 0.0
        return decode + prompt_tokens / self.prefill_tokens_per_s


CLOCKS = {
    "glm-4-9b": Clock("GLM-4-9B Q4_K_M", ((1, 0.0068), (8, 0.0090), (32, 0.0140), (64, 0.0225)), 9_000),
    "glm-4.7-flash": Clock("GLM-4.7-Flash Q4_K_M", ((1, 0.0058), (8, 0.0120), (32, 0.0180), (64, 0.0245)), 5_000),
}


CANDIDATES_S = 20e-6
"""Time of the GPU to find one row's candidates, an assumption: four small kernels and two small copies for each row."""
_LIKELIEST = SamplingParams(temperature=1.0, top_k=40, seed=0)


def clocked(clock: Clock, *, gpu_sampling: bool = False) -> type[LlamaBackend]:
    """Return a backend that takes the clock's time. gpu_sampling: the portal reads candidates instead of logits."""

    class ClockedBackend(LlamaBackend):
        def __init__(
            self, path: Path, options: BackendOptions, progress: Callable[[float], bool] = lambda done: True, *, mapped: bool = False
        ) -> None:
            super().__init__(path, replace(options, gpu_sampling=gpu_sampling), progress, mapped=mapped)
            if gpu_sampling:
                sampler = self.new_sampler(_LIKELIEST, [])
                super().assign(0, sampler)
                self.free_sampler(sampler)
            most = self.slots + self.max_draft_tokens
            first = Part(0, 0, [1] * (1 + self.max_draft_tokens), wants_logits=True, draft_tokens=self.max_draft_tokens)
            others = [Part(slot, 0, [1 + slot], wants_logits=True) for slot in range(1, self.slots)]
            # Keep its logits: nothing else is ever computed.
            assert super().decode([first, *others]) is Decoded.DONE and most == 1 + self.max_draft_tokens + len(others)
            self.offload_bytes = 0
            self.max_draft_tokens = 0
            self.on_gpu = True

        def assign(self, slot: int, sampler: Any) -> None:
            """Keep all samplers: their candidates were computed once, as the logits were."""

        def decode(self, parts: Sequence[Part]) -> Decoded:
            begun = time.perf_counter()
            rows: list[int] = []
            next_row = 0
            for part in parts:
                rows.append(next_row)
                next_row += 1 + part.draft_tokens if part.wants_logits else 0
            self._sampler.begin(rows)
            answers = sum(1 for part in parts if len(part.tokens) == 1 + part.draft_tokens)
            prompts = sum(len(part.tokens) for part in parts if len(part.tokens) > 1 + part.draft_tokens)
            searched = CANDIDATES_S * answers if gpu_sampling else 0.0
            left = clock.seconds(answers, prompts) + searched - (time.perf_counter() - begun)
            with self._lock_released:
                time.sleep(max(0.0, left))
            return Decoded.DONE

    return ClockedBackend
