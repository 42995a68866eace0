"""Define alert rules: what they measure, when they fire, and whom they tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from core.bounds import within
from core.characters import may_stand_on_a_line
from core.errors import InvalidInput
from core.usage.records import Language

MAX_NAME_LENGTH = 80
MAX_RECIPIENTS = 20
MAX_MODEL_LENGTH = 300
MAX_VALUE = 1e12
MINUTE, HOUR, DAY = 60, 3600, 86_400
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9.!#$%&*+/=?^_{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*")


class Measure(StrEnum):
    ANSWERS = "answers"
    ERRORS = "errors"
    TTFT = "ttft"
    SPEED = "speed"
    QUEUE = "queue"
    POOR = "poor"
    PEOPLE = "people"
    TOKENS = "tokens_today"
    QUOTA = "quota"
    MODELS_DOWN = "models_down"
    DISK = "disk_free"
    INDEX = "index_behind"
    JOBS = "jobs_failed"
    GPU_MEMORY = "gpu_memory"
    GPU_BUSY = "gpu_busy"
    GPU_TEMPERATURE = "gpu_temperature"
    MEMORY = "memory"
    SLOTS = "slots_used"
    WAITING = "waiting"


NOW = frozenset({Measure.QUOTA, Measure.MODELS_DOWN, Measure.INDEX})
"""Measures of the present: they have no window, and nothing stores their past."""
OF_MACHINES = frozenset({
    Measure.DISK, Measure.GPU_MEMORY, Measure.GPU_BUSY, Measure.GPU_TEMPERATURE, Measure.MEMORY, Measure.SLOTS, Measure.WAITING,
})
"""Measures of the history of the machines: the mean, over the window, of the fullest server, GPU or model of each minute."""
UNWINDOWED = NOW | {Measure.TOKENS}
"""Measures without a window of their own. Tokens count from midnight (UTC)."""
UNSCOPED = frozenset({
    Measure.DISK, Measure.INDEX, Measure.JOBS, Measure.GPU_MEMORY, Measure.GPU_BUSY, Measure.GPU_TEMPERATURE, Measure.MEMORY,
})
"""Measures of the whole portal, for which no model and no group can be chosen."""
BY_GROUP_ONLY = frozenset({Measure.QUOTA})
BY_MODEL_ONLY = frozenset({Measure.MODELS_DOWN, Measure.SLOTS, Measure.WAITING})
BY_PLATFORM = frozenset({
    Measure.ANSWERS, Measure.ERRORS, Measure.TTFT, Measure.SPEED, Measure.QUEUE, Measure.PEOPLE, Measure.TOKENS,
})
"""Measures of answers, which say the platform that gave them."""
PER_ANSWER = frozenset({Measure.ERRORS, Measure.TTFT, Measure.SPEED, Measure.QUEUE, Measure.POOR})
"""Shares and percentiles, which mean little from few answers or ratings."""


class Comparison(StrEnum):
    OVER = "over"
    UNDER = "under"


class NoData(StrEnum):
    """What a rule does without data, or with less than it asks for."""

    NOTHING = "nothing"
    FIRE = "fire"
    KEEP = "keep"
    """The state stays as it is."""


class Severity(StrEnum):
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """When an alert fires, and whom it tells. Raises InvalidInput for values that make no sense."""

    name: str
    measure: Measure
    model: str | None = None
    """Only this model; None: all."""
    group: str | None = None
    """Only people of this group; None: all."""
    platform: str | None = None
    """Only answers of this platform; None: all."""
    window_s: int = 5 * MINUTE
    comparison: Comparison = Comparison.OVER
    threshold: float
    recovery: float | None = None
    """The value at which it recovers; None: the threshold."""
    hold_s: int = 0
    """How long it must last before it fires."""
    least: int = 0
    """The least number of answers or ratings in the window; fewer are no data."""
    no_data: NoData = NoData.NOTHING
    severity: Severity = Severity.NORMAL
    people: tuple[str, ...] = ()
    """Ids of people who get a notice, if they may see usage."""
    mails: tuple[str, ...] = ()
    language: Language = Language.EN
    """Of the mails: an address has no language of its own."""
    webhooks: tuple[str, ...] = ()
    """Ids of webhooks."""
    repeat_s: int = 4 * HOUR
    """How often people are told again while it fires; 0: never."""

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > MAX_NAME_LENGTH or not may_stand_on_a_line(self.name):
            raise InvalidInput("Give the rule a name of one line, of at most {most} characters.", most=MAX_NAME_LENGTH)
        within("window_s", self.window_s, MINUTE, 7 * DAY if self.measure is Measure.POOR else DAY)
        within("hold_s", self.hold_s, 0, DAY)
        within("least", self.least, 0, 1_000_000)
        if self.repeat_s:
            within("repeat_s", self.repeat_s, 5 * MINUTE, 7 * DAY)
        for name, value in (("threshold", self.threshold), ("recovery", self.recovery)):
            within(name, value, -MAX_VALUE, MAX_VALUE)
        self._check_recovery()
        self._check_scope()
        self._check_recipients()

    def _check_recovery(self) -> None:
        if self.recovery is None:
            return
        if self.comparison is Comparison.OVER and self.recovery > self.threshold:
            raise InvalidInput("A rule that fires over {value} must recover at {value} or below.", value=self.threshold)
        if self.comparison is Comparison.UNDER and self.recovery < self.threshold:
            raise InvalidInput("A rule that fires under {value} must recover at {value} or above.", value=self.threshold)

    def _check_scope(self) -> None:
        if self.model is not None and (self.measure in UNSCOPED | BY_GROUP_ONLY or len(self.model) > MAX_MODEL_LENGTH):
            raise InvalidInput("This measure cannot be limited to a model. Leave the model out.")
        if self.group is not None and (self.measure in UNSCOPED | BY_MODEL_ONLY or len(self.group) > MAX_MODEL_LENGTH):
            raise InvalidInput("This measure cannot be limited to a group. Leave the group out.")
        if self.platform is not None and (self.measure not in BY_PLATFORM or not 0 < len(self.platform) <= MAX_MODEL_LENGTH):
            raise InvalidInput("This measure cannot be limited to a platform. Leave the platform out.")
        if self.least and self.measure not in PER_ANSWER:
            raise InvalidInput("Only shares, times and speeds can ask for a least number of answers. Set it to 0.")

    def _check_recipients(self) -> None:
        if max(len(self.mails), len(self.webhooks)) > MAX_RECIPIENTS or len(self.people) > 10 * MAX_RECIPIENTS:
            raise InvalidInput("A rule can tell at most {most} mail addresses and webhooks.", most=MAX_RECIPIENTS)
        for address in self.mails:
            if len(address) > 254 or not address.isascii() or not _ADDRESS.fullmatch(address):
                raise InvalidInput("{address} is not a mail address.", address=address[:80])

    @property
    def interval(self) -> timedelta:
        """Return how often the rule is evaluated: long windows change slowly."""
        span = MINUTE if self.measure in NOW else DAY if self.measure is Measure.TOKENS else self.window_s
        return timedelta(seconds=min(max(span / 20, 30), 5 * MINUTE))

    @property
    def most_gap(self) -> timedelta:
        """Return the longest time between two checks that counts towards `hold_s`; longer ones were not observed."""
        return 2 * self.interval

    def condition(self) -> tuple[object, ...]:
        """Return what decides whether it fires, without whom it tells."""
        return (
            self.measure, self.model, self.group, self.platform, self.window_s,
            self.comparison, self.threshold, self.recovery, self.hold_s, self.least,
            self.no_data,
        )  # fmt: skip
