"""What an engine has done, for graphs and for people."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from models.engine.stats.histogram import Spreads

STUCK_S = 10.0
"""A step that takes longer is reported: in the log, the metrics, /readyz and the pages."""


@dataclass(frozen=True, slots=True)
class EngineMetrics:
    """One moment of one engine. Totals count from the load and never fall."""

    slots: int
    busy: int
    waiting: int
    decoded_tokens: int
    prefill_tokens: int
    """Prompt tokens computed."""
    cached_tokens: int
    """Prompt tokens that the KV cache held already."""
    steps: int
    step_seconds: float
    answers: int
    failures: int
    cells_used: int
    cells_total: int
    tokens_per_second: float | None
    """Of all running answers together, over the busy part of the last minute."""
    prompt_tokens: int = 0
    """Of all prompts that got a slot: the share of cached_tokens in them is the hit rate."""
    slot_tokens: int = 0
    """Cached tokens that the conversation's own slot held since its last answer. The five kinds together are `cached_tokens`."""
    prefetched_tokens: int = 0
    """Cached tokens that were prefetched."""
    copied_tokens: int = 0
    """Cached tokens that came from another conversation's slot."""
    restored_tokens: int = 0
    """Cached tokens that came back from the host's memory."""
    disk_tokens: int = 0
    """Cached tokens that came back from the disk."""
    prefetch_computed_tokens: int = 0
    """Tokens prefetched while nobody waited, used or not."""
    offloaded: int = 0
    """Conversations kept in the host's memory."""
    offloaded_bytes: int = 0
    disk_offloaded: int = 0
    """Conversations kept on the disk."""
    disk_offloaded_bytes: int = 0
    disk_failures: int = 0
    """Conversations that could not be written to disk or read back."""
    draft_tokens: int = 0
    accepted_tokens: int = 0
    """Of the draft tokens those that were right."""
    mtp_tokens: int = 0
    """Of the draft tokens those of MTP; the others come from prompt lookup."""
    mtp_accepted: int = 0
    preempted: int = 0
    """Answers preempted for another user and resumed later."""
    padding_tokens: int = 0
    """Tokens computed in idle slots, so that the weights were read less often."""
    decode_failures: int = 0
    """Decodes that llama.cpp could not do."""
    full: int = 0
    """Decodes that found no room in the KV cache."""
    aborted: int = 0
    """Steps that were stopped because nobody wanted their answers any more."""
    step_running_s: float = 0.0
    """How long the step that runs now has been running; 0 between two steps."""
    spreads: Spreads | None = None


class Speed:
    """Tokens and busy seconds of the last minute, a bucket a second. One writer."""

    def __init__(self) -> None:
        self._buckets: deque[list[float]] = deque(maxlen=60)

    def add(self, tokens: int, seconds: float) -> None:
        second = time.monotonic() // 1
        if not self._buckets or self._buckets[-1][0] != second:
            self._buckets.append([second, 0, 0.0])
        self._buckets[-1][1] += tokens
        self._buckets[-1][2] += seconds

    @property
    def tokens_per_second(self) -> float | None:
        since = time.monotonic() - 60
        recent = [bucket for bucket in list(self._buckets) if bucket[0] >= since]
        tokens, seconds = sum(bucket[1] for bucket in recent), sum(bucket[2] for bucket in recent)
        return tokens / seconds if tokens and seconds else None
