"""What the settings and the home say about models: the pool, the disk it may park on, what this machine and earlier runs taught."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from core.models.records import Crash
from models.engine.kv_cache.offload_files import ParkedFiles, default_budget
from models.serving.last_run import RunRecord, read_crashes
from models.serving.pool import Pool
from settings import Settings

log = logging.getLogger(__name__)

GUIDE = Path(__file__).parents[1] / "models" / "guide" / "guide.gguf"


def open_pool(settings: Settings, record: RunRecord | None) -> Pool:
    """An empty one. record: what is told of crashes."""
    return Pool(
        settings.models_path,
        GUIDE,
        notes=settings.home / "load_settings.json",
        extra_buffers=extra_buffers(settings.home),
        files=open_parked_files(settings),
        record=record,
    )


def open_parked_files(settings: Settings) -> ParkedFiles | None:
    """Where conversations go that memory has no room for; None where the settings or the disk allow none."""
    if settings.parking_disk_mb == 0:
        return None
    try:
        budget = default_budget(settings.home) if settings.parking_disk_mb < 0 else settings.parking_disk_mb * 1024 * 1024
        return ParkedFiles(settings.home / "parked", budget)
    except OSError as problem:
        log.warning("conversations cannot be parked on the disk (%s); they will be computed again", problem.strerror)
        return None


def extra_buffers(home: Path) -> bool:
    """Whether the CPU backend may repack weights; the install notes here when this machine dies of it (see docs/architecture.md)."""
    try:
        noted = json.loads((home / "engine.json").read_text("utf-8"))
    except (OSError, ValueError):
        return True
    return bool(noted.get("extra_buffers", True))


def newest_crash(home: Path) -> Crash | None:
    """The last run that ended in native code, of those that are remembered."""
    return next(reversed(read_crashes(home / "logs")), None)
