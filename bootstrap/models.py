"""Open the pool of this process, its disk space, and the records of earlier runs."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path

from core.errors import StartFailed
from core.models.start_records import Crash
from models.engine.kv_cache.offload_files import OffloadFiles, default_budget
from models.engine.llama import native
from models.engine.llama.options import BackendOptions
from models.gguf.facts import fingerprint, read_facts
from models.serving.pool.pool import Pool
from models.serving.state_files.last_run import RunRecord, read_crashes
from models.trials import machine_trial
from models.trials.file_buffers import FILE_BUFFERS, FileBuffers
from settings import Settings

log = logging.getLogger(__name__)

GUIDE = Path(__file__).parents[1] / "models" / "guide" / "guide.gguf"


def open_pool(settings: Settings, record: RunRecord | None) -> Pool:
    """Open an empty pool. record: receives crashes."""
    return Pool(
        settings.models_path,
        GUIDE,
        settings_file=settings.home / "load_settings.json",
        # The crash may come from a processor that lacks instructions which others of the same name support.
        extra_buffers=extra_buffers(settings.home, again=bool(record and record.found)),
        files=open_offload_files(settings),
        record=record,
        max_wait_s=settings.max_wait_s,
        mtp=settings.mtp,
        gpu_sampling=settings.gpu_sampling,
        budget_bytes=settings.model_memory_gb * 1_000_000_000,
    )


def open_offload_files(settings: Settings) -> OffloadFiles | None:
    """Open the files for conversations offloaded to disk; None if the settings or the disk do not allow it."""
    if settings.offload_disk_mb == 0:
        return None
    try:
        budget = default_budget(settings.home) if settings.offload_disk_mb < 0 else settings.offload_disk_mb * 1024 * 1024
        return OffloadFiles(settings.home / "parked", budget)
    except OSError as problem:
        log.warning("conversations cannot be offloaded to disk (%s); they will be computed again", problem.strerror)
        return None


def extra_buffers(home: Path, *, again: bool = False) -> bool:
    """Tell whether llama.cpp may repack weights on this machine. Test it and record the result if needed. Raises StartFailed.

    again: ignore the record and test again. A record in the home that this environment belongs to is valid too.
    """
    machine = machine_trial.identity(native.LIBRARY_FOLDER)
    own, shared = home / machine_trial.RESULT_FILE, Path(sys.prefix).parent / machine_trial.RESULT_FILE
    for path in () if again else (own, shared):
        noted = machine_trial.read_trial_result(path)
        if noted is not None and noted.machine == machine:
            return noted.extra_buffers
    trials = machine_trial.try_both(lambda extra: machine_trial.try_decode(Path(sys.executable), extra_buffers=extra))
    if not trials[-1].ok:
        raise StartFailed(
            "llama.cpp cannot run on this machine. Tried {tried}. Type ./portal run to compile llama.cpp for this machine.",
            tried=machine_trial.in_words(trials),
        )
    try:
        machine_trial.write_trial_result(own, machine_trial.TrialResult.of(trials[-1], machine))
    except OSError as problem:
        log.warning("%s cannot be written (%s); the next start tests llama.cpp again", own, problem.strerror)
    return trials[-1].extra_buffers


def loadable(home: Path, path: Path, options: BackendOptions) -> BackendOptions:
    """Return the options to load this file on this machine, with repacked weights if both allow it. Raises as a load does."""
    buffers = FileBuffers(home / FILE_BUFFERS, machine_trial.identity(native.LIBRARY_FOLDER))
    return buffers.try_to_load(path, fingerprint(read_facts(path)), replace(options, extra_buffers=extra_buffers(home)))


def newest_crash(home: Path) -> Crash | None:
    """Return the newest recorded crash in native code, or None."""
    return next(reversed(read_crashes(home / "logs")), None)
