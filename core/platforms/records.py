"""Define platforms, routes and versions of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.errors import StoredError
from core.inference.records import Task
from core.models.records import ModelKind

LOCAL = "local"
"""The name of the platform that stands for the models in this process."""


class PlatformType(StrEnum):
    LOCAL = "local"
    OPENAI = "openai"
    OLLAMA = "ollama"
    XINFERENCE = "xinference"
    DETECTOR = "detector"
    PLUGIN = "plugin"
    """A platform of a kind that a plugin provides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteModel:
    """A model of a platform. name: its name in requests. id: its name on the platform."""

    name: str
    id: str
    kind: ModelKind
    context: int | None = None
    """Context in tokens, shared by prompt and answer; None takes the value that the platform reports, if any."""
    thinking: bool | None = None
    """Whether the model can reason; None takes what the platform reports, if anything."""
    tools: bool | None = None
    vision: bool | None = None
    version: str = ""
    """Version of the weights that a detector reports."""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The time limits and the load limits of a platform."""

    concurrent: int = 8
    requests_per_minute: int | None = None
    timeout_s: float = 600.0
    """Longest time of a whole answer."""
    first_token_s: float = 60.0
    idle_s: float = 60.0
    """Longest time between two deltas of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The price of `per` tokens."""

    input: float = 0.0
    cached: float | None = None
    """The price of cached input; None means the same as `input`."""
    output: float = 0.0
    currency: str = "USD"
    per: int = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One entry of `platforms`. line: its line in the file."""

    name: str
    type: PlatformType
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    ca_file: str = ""
    models: tuple[RemoteModel, ...] = ()
    """The models to offer; empty for all that the platform lists."""
    limits: Limits = Limits()
    price: Price | None = None
    takes: frozenset[str] = frozenset()
    """Parameters that the platform accepts beyond those of OpenAI."""
    drops: frozenset[str] = frozenset()
    """Parameters of OpenAI that the platform does not accept."""
    enabled: bool = True
    kind: str = ""
    """The kind that a plugin provides, for a platform of the type plugin."""
    options: tuple[tuple[str, str], ...] = ()
    """What the file says under `options`, for a platform of the type plugin."""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteEntry:
    """One step of a route. platform: None means every platform that has the model."""

    model: str
    platform: str | None = None
    groups: frozenset[str] = frozenset()
    """Groups that the step applies to; empty for everyone."""
    over_tokens: int | None = None
    """The step applies only to prompts with more tokens than this; None for all prompts."""
    up_to_tokens: int | None = None

    @property
    def target(self) -> str:
        return f"{self.model}@{self.platform}" if self.platform else self.model


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformsConfig:
    """A complete, checked configuration of platforms and routes."""

    platforms: tuple[Platform, ...] = (Platform(name=LOCAL, type=PlatformType.LOCAL),)
    routes: Mapping[Task, tuple[RouteEntry, ...]] = field(default_factory=dict)
    allowed_hosts: frozenset[str] = frozenset()
    """Hosts that may resolve to link-local addresses."""

    @property
    def remote(self) -> tuple[Platform, ...]:
        return tuple(each for each in self.platforms if each.type is not PlatformType.LOCAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformForm:
    """A platform as the form shows it. Values are unchecked; applying the text checks them."""

    name: str
    type: str
    base_url: str
    api_key: str = ""
    models: Mapping[str, tuple[str, ...]] | None = field(default_factory=dict)
    """Model names by kind: llm, embedding, rerank. None if some models have details, which only the text can show."""
    limits: Mapping[str, float] = field(default_factory=dict)
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformsForm:
    """A configuration as the form shows it. routes: steps by task; None if some steps have conditions."""

    platforms: tuple[PlatformForm, ...]
    routes: Mapping[str, tuple[str, ...] | None]


class EditedBy(StrEnum):
    """How a version was created."""

    PAGE = "page"
    FILE = "file"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformsVersion:
    """One version of the configuration. author_id: None if the file on disk was edited."""

    number: int
    created_at: datetime
    author_id: str | None
    author: str
    """The author's name; empty if there is no author."""
    edited_by: EditedBy
    restored: int | None
    """The number of the earlier version that this one restores."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationState:
    """The configuration in use. problem: why the file on disk is not in use."""

    version: int
    """The number of the version in use; 0 if nothing was ever configured."""
    text: str
    path: str
    problem: StoredError | None


class Condition(StrEnum):
    HEALTHY = "healthy"
    SLOW = "slow"
    UNUSED = "unused"
    """Not used, because its circuit breaker is open or it asked to wait."""
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformState:
    """The recent state of a platform. Figures are from this server, of the last hour and since the last edit or start."""

    name: str
    type: PlatformType
    address: str
    condition: Condition
    problem: StoredError | None
    """Why the platform is not used."""
    since: datetime | None
    """The time since which the platform is not used."""
    last_error: StoredError | None
    ttft_p50_s: float | None
    ttft_p95_s: float | None
    answers: int
    errors: int
    in_use: int
    most: int | None
    """Most simultaneous requests; None for this process, whose models have their own slots."""
    waiting: int
    outstanding_tokens: int
    models: tuple[str, ...]
    missing: tuple[StoredError, ...]
    """Errors for configured models that the platform does not have."""
    failures: tuple[tuple[datetime, StoredError], ...]
    """Recent failures with their times, newest first."""
    currency: str = ""
    cost_today: float | None = None
    """Cost over all servers since midnight UTC; None without a price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The platforms and models that a question would go to now."""

    targets: tuple[str, ...]
    """The choices in order: the first one answers, and the others follow if it fails."""
    left_out: tuple[StoredError, ...]
    tokens: int
    """Estimated tokens of the prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """The answer to a test question."""

    target: str
    text: str
    ttft_s: float | None
    duration_s: float
