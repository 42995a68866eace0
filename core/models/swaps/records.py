"""Define a hot swap: its versions, its steps, and the answers of the new version."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from core.bounds import within
from core.errors import InvalidInput, StoredError
from core.models.load_settings import LoadSettings
from core.models.memory_records import MemoryPlan
from core.models.records import ModelFile

SHARES = (5, 25, 50)
"""Percentages of new questions that a version on trial may receive."""


class SwapState(StrEnum):
    RUNNING = "running"
    ASKING = "asking"
    """Waiting for an admin's approval."""
    DONE = "done"
    ROLLED_BACK = "rolled_back"
    """The old version serves again."""
    INTERRUPTED = "interrupted"
    """The portal stopped during the swap."""


ACTIVE_SWAPS = (SwapState.RUNNING, SwapState.ASKING)


class StepKind(StrEnum):
    MAKE_ROOM = "make_room"
    LOAD = "load"
    CANARY = "canary"
    REPLAY = "replay"
    SHARE = "share"
    SWITCH = "switch"
    WATCH = "watch"
    DRAIN = "drain"
    UNLOAD = "unload"


class StepState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class Decision(StrEnum):
    """An admin's decision on a running swap."""

    APPROVE = "approve"
    """Continue, because the replayed answers are good or the next share of traffic need not wait."""
    ROLL_BACK = "roll_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapOptions:
    """The checks and limits of a swap."""

    shares: tuple[int, ...] = ()
    """Percentages of traffic to try first. This needs memory for both versions."""
    share_answers: int = 20
    """Number of answers of the new version at each share before the next one."""
    min_speed: float = 0.0
    """Tokens per second that each canary answer must reach."""
    min_speed_ratio: float = 0.5
    """Share of the old version's speed that the new one must reach under traffic."""
    watch_s: int = 30
    """Seconds that the old version stays loaded after the switch, ready to serve again."""
    drain_s: int = 900
    """Seconds that running answers may take before they are stopped."""
    replay: bool = False
    """Whether to run the replay questions and wait for an admin's approval."""
    replay_passes: float | None = None
    """Share of the replayed answers that must pass for the swap to continue by itself; None: an admin approves them in any case."""
    replay_likeness: float = 0.6
    """How much an answer must be like the accepted one to pass, 0 to 1."""

    def __post_init__(self) -> None:
        if any(share not in SHARES for share in self.shares) or list(self.shares) != sorted(set(self.shares)):
            raise InvalidInput("Shares of traffic are 5, 25 and 50 percent, in this order.")
        within("share_answers", self.share_answers, 1, 10_000)
        within("min_speed", self.min_speed, 0, 100_000)
        within("min_speed_ratio", self.min_speed_ratio, 0, 1)
        within("watch_s", self.watch_s, 0, 86_400)
        within("drain_s", self.drain_s, 1, 86_400)
        within("replay_passes", self.replay_passes or 0.0, 0, 1)
        within("replay_likeness", self.replay_likeness, 0, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryQuestion:
    """A question that a new version must answer well before it serves."""

    id: str
    model: str
    """The model that the question is for; empty for every model."""
    question: str
    language: str = ""
    """The language that the answer must be in, "en" or "zh"; empty for any."""
    pattern: str = ""
    """A regular expression that must match somewhere in the answer; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayQuestion:
    """A question with an accepted answer. A new version answers it too, and an admin compares both answers."""

    id: str
    model: str
    question: str
    accepted: str
    created_at: datetime
    created_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The answer of one version to one question."""

    question: str
    text: str = ""
    tokens_per_second: float | None = None
    tokens: int = 0
    degenerated: bool = False
    error: StoredError | None = None
    """Why there is no answer."""
    accepted: str = ""
    """The accepted answer of a replay question."""
    verdict: StoredError | None = None
    """Why the answer fails; None if it passes, or if no check applies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStats:
    """How the answers of one version have ended since the swap began to compare."""

    answers: int = 0
    errors: int = 0
    degenerated: int = 0
    tokens_per_second: float | None = None
    """Median speed of the answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapStep:
    """One step of a swap, and its state."""

    kind: StepKind
    state: StepState = StepState.WAITING
    started_at: datetime | None = None
    ended_at: datetime | None = None
    note: StoredError | None = None
    """Why the step failed, or what it waits for."""


@dataclass(frozen=True, slots=True)
class SwapPlan:
    """The plan of a swap. beside: whether there is memory for both versions; otherwise the old one is drained first."""

    beside: bool
    memory: MemoryPlan
    file: ModelFile
    new_version: str
    old_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """One hot swap. Its id is that of its job."""

    id: str
    model: str
    """The model's name, which both versions share."""
    started_by: str
    created_at: datetime
    server: str
    old_path: Path
    old_version: str
    new_path: Path
    new_version: str
    settings: LoadSettings
    beside: bool
    options: SwapOptions = field(default_factory=SwapOptions)
    state: SwapState = SwapState.RUNNING
    ended_at: datetime | None = None
    steps: tuple[SwapStep, ...] = ()
    canary: tuple[Trial, ...] = ()
    replay: tuple[Trial, ...] = ()
    share: int = 0
    """Percentage of new questions that the new version answers now."""
    old_figures: VersionStats | None = None
    new_figures: VersionStats | None = None
    reason: StoredError | None = None
    """Why the swap was rolled back or interrupted."""
    started_by_name: str = ""
    """Name of the person who started the swap, filled in when it is read."""

    @property
    def active(self) -> bool:
        return self.state in ACTIVE_SWAPS

    def stepped(self, kind: StepKind, **changes: object) -> Swap:
        """Return the swap with one step changed."""
        steps = tuple(replace(step, **changes) if step.kind is kind else step for step in self.steps)  # type: ignore[arg-type]
        return replace(self, steps=steps)


def planned_steps(options: SwapOptions, *, beside: bool, replays: bool) -> tuple[SwapStep, ...]:
    """Return the steps of a swap, all waiting."""
    kinds = [
        *([] if beside else [StepKind.MAKE_ROOM]),
        StepKind.LOAD,
        StepKind.CANARY,
        *([StepKind.REPLAY] if options.replay and replays else []),
        *([StepKind.SHARE] if options.shares and beside else []),
        StepKind.SWITCH,
        *([StepKind.WATCH] if options.watch_s and beside else []),
        *([StepKind.DRAIN, StepKind.UNLOAD] if beside else []),
    ]
    return tuple(SwapStep(kind=kind) for kind in kinds)
