"""A fake of hot swaps: it loads at once, and gives the answers that a test sets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.errors import InvalidInput, NotFound, StoredError
from core.inference.requests import GenerationRequest
from core.models.load_settings import LoadSettings
from core.models.memory_records import MemoryPlan
from core.models.records import LoadedModel, ModelState
from core.models.swaps.records import SwapPlan, Trial, VersionStats
from samples.fakes import FILE, MODEL

PLAN = MemoryPlan("CPU", 1_000, 1_000, 1_000, 1_000_000, 1_000_000, 4096, 4)


def well(request: GenerationRequest) -> Trial:
    """Return a good answer to every question, in its language."""
    question = request.messages[-1].content
    text = "计算机是处理数据的机器。" if any(letter >= "\u4e00" for letter in question) else "A computer is a machine that handles data."
    return Trial(question=question, text=text, tokens=12, tokens_per_second=30.0)


@dataclass
class FakeSuccessions:
    """Fulfils Successions. One file serves; `acts` tells what was done, in order."""

    beside: bool = True
    serving: Path = Path("/models/old.gguf")
    answers: Callable[[GenerationRequest], Trial] = well
    loads: LoadedModel = field(default_factory=lambda: replace(MODEL, version="v2"))
    leaving: int = 0
    old_figures: VersionStats = field(default_factory=VersionStats)
    new_figures: VersionStats = field(default_factory=VersionStats)
    acts: list[str] = field(default_factory=list)
    refuse: InvalidInput | None = None
    gate: threading.Event | None = None
    """Holds the load until it is set."""

    def plan(self, model: str, path: Path, settings: LoadSettings | None) -> SwapPlan:
        if model != "fake":
            raise NotFound("There is no model {model}.", model=model)
        if self.refuse is not None:
            raise self.refuse
        return SwapPlan(self.beside, PLAN, replace(FILE, path=path), "v2", "v1")

    def settings(self, model: str) -> LoadSettings:
        return LoadSettings(context=4096)

    def path(self, model: str) -> Path:
        return self.serving

    def begin(self, model: str, path: Path, settings: LoadSettings) -> FakeSuccession:
        self.plan(model, path, settings)
        return FakeSuccession(self, path)


class FakeSuccession:
    """Fulfils Succession."""

    def __init__(self, all: FakeSuccessions, path: Path) -> None:
        self._all = all
        self._path = path
        self._before = all.serving

    def hold(self) -> None:
        self._all.acts.append("hold")

    def leaving(self) -> int:
        return self._all.leaving

    def free_leaving(self) -> bool:
        self._all.acts.append("free")
        return True

    def load(self) -> None:
        self._all.acts.append("load")

    def candidate(self) -> LoadedModel:
        waits = self._all.gate is not None and not self._all.gate.is_set()
        return replace(self._all.loads, state=ModelState.LOADING) if waits else self._all.loads

    def ask(self, request: GenerationRequest, question: str, limit_s: float) -> Trial:
        return self._all.answers(request)

    def share(self, percent: int) -> None:
        self._all.acts.append(f"share {percent}")

    def stats(self) -> tuple[VersionStats, VersionStats]:
        return self._all.old_figures, self._all.new_figures

    def switch(self) -> None:
        self._all.acts.append("switch")
        self._all.serving = self._path

    def roll_back(self) -> None:
        self._all.acts.append("roll back")
        self._all.serving = self._before


FAILED = replace(MODEL, state=ModelState.FAILED, error=StoredError("The file is damaged."))
