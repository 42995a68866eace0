"""Gather what the parts of an engine count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.engine.backend import Backend
from models.engine.kv_cache.slot_choice import KvCache
from models.engine.scheduler import Scheduler
from models.engine.speculative.drafter import Drafter
from models.engine.stats.ledger import Ledger
from models.engine.stats.metrics import EngineMetrics


def gathered(
    backend: Backend,
    scheduler: Scheduler,
    kv_cache: KvCache,
    ledger: Ledger,
    drafters: Sequence[Drafter],
    on_disk: tuple[int, int, int],
) -> EngineMetrics:
    """Return the metrics of an engine. Call it under the engine's lock. on_disk: see KvCache.on_disk."""
    cells = backend.shared_cells or backend.slots * backend.context
    mtp = [drafter for drafter in drafters if drafter.name == "mtp"]
    return replace(
        ledger.metrics(backend.slots, cells),
        busy=len(scheduler.running),
        waiting=len(scheduler.waiting),
        cells_used=min(kv_cache.cells, cells),
        slot_tokens=kv_cache.reused.slot,
        prefetched_tokens=kv_cache.reused.prefetched,
        copied_tokens=kv_cache.reused.copied,
        restored_tokens=kv_cache.reused.host,
        disk_tokens=kv_cache.reused.disk,
        prefetch_computed_tokens=kv_cache.prefetch.tokens,
        offloaded=len(kv_cache.offloaded),
        offloaded_bytes=kv_cache.offloaded.bytes,
        disk_offloaded=on_disk[0],
        disk_offloaded_bytes=on_disk[1],
        disk_failures=on_disk[2],
        draft_tokens=sum(drafter.drafted for drafter in drafters),
        accepted_tokens=sum(drafter.accepted for drafter in drafters),
        mtp_tokens=sum(drafter.drafted for drafter in mtp),
        mtp_accepted=sum(drafter.accepted for drafter in mtp),
    )
