"""Define a hot swap: what replaces what, its steps, and what the new version answered on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from core.bounds import within
from core.errors import InvalidInput, StoredError
from core.models.records import LoadSettings, MemoryPlan, ModelFile

SHARES = (5, 25, 50)
"""Percentages of new answers that a version on trial may be given."""


class SwapState(StrEnum):
    RUNNING = "running"
    ASKING = "asking"
    """It waits for an admin's yes."""
    DONE = "done"
    ROLLED_BACK = "rolled_back"
    """The old version serves, as before."""
    INTERRUPTED = "interrupted"
    """The portal stopped in the middle."""


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
    """What an admin says to a running swap."""

    APPROVE = "approve"
    """Go on: the replayed answers are good, or the next share of traffic need not wait."""
    ROLL_BACK = "roll_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapOptions:
    """How careful a swap is."""

    shares: tuple[int, ...] = ()
    """Percentages of traffic to try first; needs memory for both versions."""
    share_answers: int = 20
    """Answers of the new version at each share before the next."""
    min_speed: float = 0.0
    """Tokens per second that each canary answer must reach."""
    min_speed_ratio: float = 0.5
    """How much of the old version's speed the new one must reach under traffic."""
    watch_s: int = 30
    """How long the old version stays loaded after the switch, ready to take over again."""
    drain_s: int = 900
    """How long running answers may take before they are stopped."""
    replay: bool = False
    """Run the replay questions, and wait for an admin's yes."""

    def __post_init__(self) -> None:
        if any(share not in SHARES for share in self.shares) or list(self.shares) != sorted(set(self.shares)):
            raise InvalidInput("Shares of traffic are 5, 25 and 50 percent, in this order.")
        within("share_answers", self.share_answers, 1, 10_000)
        within("min_speed", self.min_speed, 0, 100_000)
        within("min_speed_ratio", self.min_speed_ratio, 0, 1)
        within("watch_s", self.watch_s, 0, 86_400)
        within("drain_s", self.drain_s, 1, 86_400)


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryQuestion:
    """A question that a new version must answer well before it serves."""

    id: str
    model: str
    """Empty: for every model."""
    question: str
    language: str = ""
    """"en" or "zh": the language that the answer must be in; empty: any."""
    pattern: str = ""
    """A regular expression that must be found in the answer; empty: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayQuestion:
    """A question with an answer that was accepted: a new version answers it, and an admin compares."""

    id: str
    model: str
    question: str
    accepted: str
    created_at: datetime
    created_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a version answered to one question."""

    question: str
    text: str = ""
    tokens_per_second: float | None = None
    tokens: int = 0
    degenerated: bool = False
    error: StoredError | None = None
    """Why there is no answer."""
    accepted: str = ""
    """Of a replay question: the answer that was accepted."""
    verdict: StoredError | None = None
    """Why the answer does not pass; None: it does, or nobody judges it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How the answers of one version ended, since the swap began to compare."""

    answers: int = 0
    errors: int = 0
    degenerated: int = 0
    tokens_per_second: float | None = None
    """The median."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapStep:
    kind: StepKind
    state: StepState = StepState.WAITING
    started_at: datetime | None = None
    ended_at: datetime | None = None
    note: StoredError | None = None
    """What there is to say about it: why it failed, or what it waits for."""


@dataclass(frozen=True, slots=True)
class SwapPlan:
    """What a swap would do. beside: there is memory for both versions; else the old one is drained first."""

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
    """The name that stays."""
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
    """Percent of new answers that the new version gives now."""
    old_figures: Figures | None = None
    new_figures: Figures | None = None
    reason: StoredError | None = None
    """Why it was rolled back or interrupted."""
    started_by_name: str = ""
    """Filled in when it is read."""

    @property
    def active(self) -> bool:
        return self.state in ACTIVE_SWAPS

    def stepped(self, kind: StepKind, **changes: object) -> Swap:
        """Return the swap with one step changed."""
        steps = tuple(replace(step, **changes) if step.kind is kind else step for step in self.steps)  # type: ignore[arg-type]
        return replace(self, steps=steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMarker:
    """A moment at which something changed that charts should show."""

    id: str
    at: datetime
    kind: str
    """A noun and a verb, e.g. "model.swap"."""
    subject: str
    details: Mapping[str, str]


def planned_steps(options: SwapOptions, *, beside: bool, replays: bool) -> tuple[SwapStep, ...]:
    """Return the steps that a swap will take, all waiting."""
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
