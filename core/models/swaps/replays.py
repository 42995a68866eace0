"""Compare the answers to replay questions with the accepted ones, and tell whether enough of them pass.

Two answers are alike as far as they share words: F1 of their words with repetitions, Chinese characters as words, without case and
punctuation. It is 1 for the same words in any order and 0 for none in common. An answer in other words is less alike, so people see
both answers.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from math import ceil

from core.models.swaps.records import StepKind, StepState, Swap, SwapOptions, Trial

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")


@dataclass(frozen=True, slots=True)
class GateResult:
    """How many replayed answers passed, and how many had to."""

    passed: int
    total: int
    needed: int

    @property
    def reached(self) -> bool:
        return self.passed >= self.needed


def likeness(text: str, accepted: str) -> float:
    """Return how far two answers share their words, 0 to 1."""
    one, other = (Counter(_WORD.findall(each.casefold())) for each in (text, accepted))
    if not one or not other:
        return float(text.strip() == accepted.strip())
    return 2 * (one & other).total() / (one.total() + other.total())


def passes(trial: Trial, options: SwapOptions) -> bool:
    """Tell whether a replayed answer is complete and enough like the accepted one."""
    return trial.error is None and not trial.degenerated and likeness(trial.text, trial.accepted) >= options.replay_likeness


def gate_result(swap: Swap) -> GateResult | None:
    """Return how the replayed answers did; None if an admin decides whatever they are."""
    share = swap.options.replay_passes
    if share is None or not swap.replay:
        return None
    passed, total = sum(passes(trial, swap.options) for trial in swap.replay), len(swap.replay)
    return GateResult(passed, total, ceil(share * total - 1e-9))


def overridden(swap: Swap) -> bool:
    """Tell whether an admin let the new version serve although too few answers passed."""
    found = gate_result(swap)
    done = any(step.kind is StepKind.REPLAY and step.state is StepState.DONE for step in swap.steps)
    return found is not None and not found.reached and done
