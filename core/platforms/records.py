"""Describe platforms, routes and versions of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.errors import StoredError
from core.inference.records import Task
from core.models.records import ModelKind

LOCAL = "local"
"""The name of the platform that is this process."""


class PlatformType(StrEnum):
    LOCAL = "local"
    OPENAI = "openai"
    OLLAMA = "ollama"
    XINFERENCE = "xinference"
    DETECTOR = "detector"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteModel:
    """A model of a platform. name: what requests call it. id: what the platform calls it."""

    name: str
    id: str
    kind: ModelKind
    context: int | None = None
    """Tokens that prompt and answer share; None: what the platform says, if it does."""
    thinking: bool | None = None
    """None: what the platform says, if it does."""
    tools: bool | None = None
    vision: bool | None = None
    version: str = ""
    """What a detector says of its weights."""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    concurrent: int = 8
    requests_per_minute: int | None = None
    timeout_s: float = 600.0
    """For a whole answer."""
    first_token_s: float = 60.0
    idle_s: float = 60.0
    """Between two pieces of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What `per` tokens cost."""

    input: float = 0.0
    cached: float | None = None
    """None: as input."""
    output: float = 0.0
    currency: str = "USD"
    per: int = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One entry of `platforms`. line: where it stands in the file."""

    name: str
    type: PlatformType
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    ca_file: str = ""
    models: tuple[RemoteModel, ...] = ()
    """Empty: all that the platform lists."""
    limits: Limits = Limits()
    price: Price | None = None
    takes: frozenset[str] = frozenset()
    """Parameters that it takes beyond those of OpenAI."""
    drops: frozenset[str] = frozenset()
    """Parameters of OpenAI that it does not take."""
    enabled: bool = True
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteEntry:
    """One step of a route. platform: None means every platform that has the model."""

    model: str
    platform: str | None = None
    groups: frozenset[str] = frozenset()
    """Only for people of these groups; empty: for everybody."""
    over_tokens: int | None = None
    """Only for prompts with more tokens than this."""
    up_to_tokens: int | None = None

    @property
    def place(self) -> str:
        return f"{self.model}@{self.platform}" if self.platform else self.model


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformsConfig:
    platforms: tuple[Platform, ...] = (Platform(name=LOCAL, type=PlatformType.LOCAL),)
    routes: Mapping[Task, tuple[RouteEntry, ...]] = field(default_factory=dict)
    allowed_hosts: frozenset[str] = frozenset()
    """Hosts that may resolve to link-local addresses."""

    @property
    def remote(self) -> tuple[Platform, ...]:
        return tuple(each for each in self.platforms if each.type is not PlatformType.LOCAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformForm:
    """A platform as the form shows it. Values are as they are written; applying the text checks them."""

    name: str
    type: str
    base_url: str
    api_key: str = ""
    models: Mapping[str, tuple[str, ...]] | None = field(default_factory=dict)
    """By kind: llm, embedding, rerank. None: some have details, which only the text shows."""
    limits: Mapping[str, float] = field(default_factory=dict)
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformsForm:
    """A text of the configuration as the form shows it. routes: by task; None where some steps have conditions."""

    platforms: tuple[PlatformForm, ...]
    routes: Mapping[str, tuple[str, ...] | None]


class EditedBy(StrEnum):
    """How a version came in."""

    PAGE = "page"
    FILE = "file"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformsVersion:
    """One version of the configuration. author_id: None where the file on disk was edited."""

    number: int
    created_at: datetime
    author_id: str | None
    author: str
    """The person's name; empty without one."""
    edited_by: EditedBy
    restored: int | None
    """The version that this one repeats."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationState:
    """What serves now. problem: why the file on disk does not."""

    version: int
    """0: nothing was ever configured."""
    text: str
    path: str
    problem: StoredError | None


class Condition(StrEnum):
    HEALTHY = "healthy"
    SLOW = "slow"
    UNUSED = "unused"
    """Its circuit is open, or it asked to wait."""
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformState:
    """What a platform did lately. The figures are those of this server, since its last edit or start, and of the last hour."""

    name: str
    type: PlatformType
    address: str
    condition: Condition
    problem: StoredError | None
    """Why it is not used."""
    since: datetime | None
    """Since when it is not used."""
    last_error: StoredError | None
    ttft_p50_s: float | None
    ttft_p95_s: float | None
    answers: int
    errors: int
    in_use: int
    most: int | None
    """How many requests it takes at once; None for this process, whose models have slots of their own."""
    waiting: int
    outstanding_tokens: int
    models: tuple[str, ...]
    missing: tuple[StoredError, ...]
    """Models of the file that it does not have."""
    failures: tuple[tuple[datetime, StoredError], ...]
    """Newest first."""
    currency: str = ""
    cost_today: float | None = None
    """Of all servers, since midnight UTC; None without a price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a question would go now."""

    places: tuple[str, ...]
    """The first one takes it, the others follow if it fails."""
    left_out: tuple[StoredError, ...]
    tokens: int
    """An estimate of the prompt's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """The answer to a test question."""

    place: str
    text: str
    ttft_s: float | None
    duration_s: float
