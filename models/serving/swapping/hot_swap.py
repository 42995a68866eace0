"""Let a new version of a model take its name while answers run: load it beside the old one, or after the old one was unloaded."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from statistics import median

from core.errors import Conflict, InvalidInput, PortalError, StoredError
from core.inference.requests import Delta, Finished, GenerationRequest
from core.models.load_settings import LoadSettings
from core.models.records import LoadedModel, ModelState
from core.models.swaps.records import SwapPlan, Trial, VersionStats
from models.gguf.facts import fingerprint
from models.platforms.local import LocalPlatform
from models.serving.pool.pool_entry import Entry
from models.serving.swapping.running_answer import AnswerTally
from models.serving.swapping.versions import Versions

POLL_S = 0.05
RESTORE_S = 3600.0
"""Seconds that loading the old version again may take."""


class HotSwaps:
    """Implements core's Successions over the versions of a pool."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions

    def settings(self, model: str) -> LoadSettings:
        return self._versions.entry(model).settings

    def path(self, model: str) -> Path:
        return self._versions.entry(model).facts.file.path

    def plan(self, model: str, path: Path, settings: LoadSettings | None) -> SwapPlan:
        old = self._serving(model)
        new, beside = self._prepared(old, path, settings or old.settings)
        return SwapPlan(
            beside=beside, memory=new.plan.memory, file=new.facts.file, new_version=fingerprint(new.facts), old_version=old.version
        )

    def begin(self, model: str, path: Path, settings: LoadSettings) -> HotSwap:
        old = self._serving(model)
        new, _ = self._prepared(old, path, settings)
        return HotSwap(self._versions, old, new)

    def _serving(self, model: str) -> Entry:
        entry = self._versions.entry(model)
        if entry.state is not ModelState.READY:
            raise Conflict("The model {model} is not ready. Only a serving model can be replaced.", model=model)
        return entry

    def _prepared(self, old: Entry, path: Path, settings: LoadSettings) -> tuple[Entry, bool]:
        """Read and check the new version's file; tell whether there is memory for both."""
        new = self._versions.prepared(path, settings, name=old.name, freed_bytes=old.memory_bytes or old.plan.memory.needed_bytes)
        if new.facts.file.kind is not old.facts.file.kind:
            raise InvalidInput(
                "{file} is a model for {kind}, which cannot replace {model}. Load it under its own name.",
                file=path.name, kind=new.facts.file.kind.value, model=old.name,
            )  # fmt: skip
        return new, new.plan.memory.fits


class HotSwap:
    """Implements core's Succession."""

    def __init__(self, versions: Versions, old: Entry, new: Entry) -> None:
        self._versions = versions
        self._old = old
        self._new = new
        self._freed = False
        """Whether the old version is unloaded."""
        self._switched = False

    def hold(self) -> None:
        self._versions.hold(self._old.name)

    def leaving(self) -> int:
        return 0 if self._old.idle else max(1, len(self._old.open))

    def free_leaving(self) -> bool:
        self._freed = True
        return self._versions.drop(self._old)

    def load(self) -> None:
        self._versions.load_aside(self._new)

    def candidate(self) -> LoadedModel:
        return self._new.describe(default=False)

    def ask(self, request: GenerationRequest, question: str, limit_s: float) -> Trial:
        platform = self._new.platform
        if not isinstance(platform, LocalPlatform) or self._new.state is not ModelState.READY:
            reason = self._new.error or StoredError("The new version is not running.")
            return Trial(question=question, error=reason)
        text, tokens, end = "", 0, None
        try:
            running = platform.start(request)
            timer = threading.Timer(limit_s, running.cancel)
            timer.start()
            try:
                for event in running.events():
                    if isinstance(event, Delta):
                        text, tokens = text + event.text, event.tokens
                    elif isinstance(event, Finished):
                        end = event
            finally:
                timed_out = timer.finished.is_set()
                timer.cancel()
        except PortalError as problem:
            return Trial(question=question, text=text, tokens=tokens, error=StoredError.of(problem))
        if end is None or timed_out:
            return Trial(question=question, text=text, tokens=tokens, error=StoredError("No answer within {n} s.", {"n": round(limit_s)}))
        return Trial(
            question=question, text=text, tokens=tokens, tokens_per_second=end.timings.tokens_per_second,
            degenerated=end.note is not None or end.timings.retries > 0,
        )  # fmt: skip

    def share(self, percent: int) -> None:
        if percent:
            self._old.tally = self._old.tally or AnswerTally()
            self._new.tally = self._new.tally or AnswerTally()
        self._versions.share(self._new, percent)

    def stats(self) -> tuple[VersionStats, VersionStats]:
        return _stats(self._old.tally), _stats(self._new.tally)

    def switch(self) -> None:
        self._old.tally = self._old.tally or AnswerTally()
        self._new.tally = self._new.tally or AnswerTally()
        self._versions.exchange(self._new)
        self._switched = True
        if self._freed:
            self._versions.drop(self._old)  # Its name was reserved until now.

    def roll_back(self) -> None:
        self._versions.share(self._new, 0)
        if self._freed:
            self._restore()
        elif self._switched:
            self._versions.exchange(self._old)
        self._versions.release(self._old.name)
        # On its own thread: its answers may run for long, and the swap has ended.
        threading.Thread(target=self._discard, name=f"discard {self._new.name}", daemon=True).start()

    def _discard(self) -> None:
        deadline = time.monotonic() + 900
        while self._new.platform is not None and not self._new.idle and time.monotonic() < deadline:
            time.sleep(POLL_S)
        self._versions.drop(self._new)

    def _restore(self) -> None:
        """Load the old version again and let it serve."""
        if not self._switched:
            self._versions.drop(self._new)  # Its memory is needed.
        old = self._versions.prepared(self._old.facts.file.path, self._old.settings, name=self._old.name)
        self._versions.load_aside(old)
        deadline = time.monotonic() + RESTORE_S
        while old.state is ModelState.LOADING and time.monotonic() < deadline:
            time.sleep(POLL_S)
        if old.state is not ModelState.READY:
            raise Conflict(
                "The old version of {model} could not be loaded again: {reason}", model=old.name, reason=old.error or "it takes too long"
            )
        left = self._versions.exchange(old)
        if left is not None and left is not self._new:
            self._versions.drop(left)


def _stats(tally: AnswerTally | None) -> VersionStats:
    if tally is None:
        return VersionStats()
    ends, speeds = list(tally.ends), list(tally.speeds)
    return VersionStats(
        answers=len(ends),
        errors=sum(failed for failed, _ in ends),
        degenerated=sum(degenerated for _, degenerated in ends),
        tokens_per_second=median(speeds) if speeds else None,
    )
