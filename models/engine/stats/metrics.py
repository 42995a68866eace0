"""Define the metrics of an engine, for graphs and for people."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Annotated

from core.operations.metric_fields import counter, gauge
from models.engine.stats.histogram import Spreads

STUCK_S = 10.0
"""A step that takes longer is reported: in the log, the metrics, /readyz and the pages."""


@dataclass(frozen=True, slots=True)
class EngineMetrics:
    """The metrics of one engine at one moment. Totals count from the load and never fall."""

    slots: Annotated[int, gauge("slots", "Answers a model can give at the same time.")]
    busy: Annotated[int, gauge("slots_busy", "Answers a model is giving.")]
    waiting: Annotated[int, gauge("waiting", "Requests that wait for a slot.")]
    decoded_tokens: Annotated[int, counter("decoded_tokens", "Tokens generated since the load.")]
    prefill_tokens: Annotated[int, counter("prefill_tokens", "Prompt tokens computed since the load.")]
    cached_tokens: Annotated[int, counter("cached_tokens", "Prompt tokens found in the KV cache since the load.")]
    steps: Annotated[int, counter("steps", "Steps of the decode loop since the load.")]
    step_seconds: Annotated[float, counter("step_seconds", "Total duration of the steps.")]
    answers: Annotated[int, counter("answers", "Answers finished since the load.")]
    failures: Annotated[int, counter("failures", "Answers that failed since the load.")]
    cells_used: Annotated[int, gauge("context_cells_used", "Tokens in the KV cache.")]
    cells_total: Annotated[int, gauge("context_cells", "Capacity of the KV cache in tokens.")]
    tokens_per_second: Annotated[float | None, gauge("tokens_per_second", "Throughput of all running answers over the last minute.")]
    prompt_tokens: Annotated[int, counter("prompt_tokens", "Tokens of all prompts that got a slot since the load.")] = 0
    """Tokens of all prompts that got a slot; the share of cached_tokens in them is the hit rate."""
    slot_tokens: Annotated[int, counter("slot_tokens", "Cached tokens from the conversation's own slot.")] = 0
    """Cached tokens that the conversation's own slot held since its last answer. The five kinds together are `cached_tokens`."""
    prefetched_tokens: Annotated[int, counter("prefetched_tokens", "Cached tokens that were prefetched.")] = 0
    copied_tokens: Annotated[int, counter("copied_tokens", "Cached tokens copied from another conversation's slot.")] = 0
    restored_tokens: Annotated[int, counter("restored_tokens", "Cached tokens restored from host memory.")] = 0
    disk_tokens: Annotated[int, counter("disk_tokens", "Cached tokens restored from disk.")] = 0
    prefetch_computed_tokens: Annotated[int, counter("prefetch_computed_tokens", "Tokens prefetched while nobody waited, used or not.")] = 0
    offloaded: Annotated[int, gauge("offloaded_conversations", "Conversations offloaded to host memory.")] = 0
    offloaded_bytes: Annotated[int, gauge("offloaded_bytes", "Host memory that offloaded conversations take.")] = 0
    disk_offloaded: Annotated[int, gauge("offloaded_disk_conversations", "Conversations offloaded to disk.")] = 0
    disk_offloaded_bytes: Annotated[int, gauge("offloaded_disk_bytes", "Disk space that offloaded conversations take.")] = 0
    disk_failures: Annotated[int, counter("offload_disk_failures", "Conversations that could not be written to disk or read back.")] = 0
    draft_tokens: Annotated[int, counter("draft_tokens", "Draft tokens since the load.")] = 0
    accepted_tokens: Annotated[int, counter("draft_tokens_accepted", "Draft tokens that were accepted.")] = 0
    mtp_tokens: Annotated[int, counter("mtp_tokens", "Draft tokens from the MTP layer since the load.")] = 0
    """The draft tokens of MTP; the others come from prompt lookup."""
    mtp_accepted: Annotated[int, counter("mtp_tokens_accepted", "Draft tokens that were accepted.")] = 0
    preempted: Annotated[int, counter("answers_preempted", "Answers preempted for another user and resumed later.")] = 0
    padding_tokens: Annotated[
        int, counter("padding_tokens", "Padding tokens computed in idle slots, so that the weights are read less often.")
    ] = 0
    decode_failures: Annotated[int, counter("decode_failures", "Decodes that failed in llama.cpp since the load.")] = 0
    full: Annotated[int, counter("context_full", "Decodes that found the KV cache full since the load.")] = 0
    aborted: Annotated[int, counter("steps_aborted", "Steps aborted because their answers were cancelled.")] = 0
    step_running_s: Annotated[float, gauge("step_running_seconds", "Duration of the current step; 0 between steps.")] = 0.0
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
