"""Define what one generation used and took: its row, token counts and timings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import StoredError
from core.models.records import ModelKind


class FinishReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"
    ERROR = "error"


class Source(StrEnum):
    """Where a request came from, or what it produced."""

    CHAT = "chat"
    API = "api"
    EMBEDDING = "embedding"
    RERANK = "rerank"
    TITLE = "title"
    """The title of a chat, which nobody asked for."""
    SUMMARY = "summary"
    """A summary of old turns, which nobody asked for."""
    MEMORY = "memory"
    """Facts that a model proposes to remember, which nobody asked for."""
    GROUNDING = "grounding"
    """Boxes on an image."""
    TOOL = "tool"
    """A call of a model in a chat that ended in calls of tools; the answer has its own row."""
    TASK = "task"
    """A plan of a task, or what one of its steps writes."""


ANSWERLESS = frozenset(
    {
        Source.EMBEDDING, Source.RERANK, Source.TITLE, Source.SUMMARY, Source.MEMORY, Source.GROUNDING, Source.TOOL, Source.TASK,
    }
)  # fmt: skip
"""The sources of generation rows that are not answers to anyone."""


WITHOUT_TOOLS = (Source.CHAT, Source.TITLE, Source.SUMMARY, Source.MEMORY, Source.TASK)
"""The sources of requests that get no tools of their preset: chats choose theirs, and the others use none."""


class Task(StrEnum):
    """What a request is for; each task may have its own route."""

    CHAT = "chat"
    TITLE = "title"
    SUMMARIZE = "summarize"
    MEMORY = "memory"
    EMBED = "embed"
    RERANK = "rerank"
    VISION = "vision"
    TOOLS = "tools"
    GROUND = "ground"
    """Boxes for phrases on an image: by a detector, or by a chat model that sees images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A model that can be asked now, on any platform."""

    name: str
    kind: ModelKind
    version: str
    """The fingerprint of its file, or the version that its platform reports."""
    platform: str
    context: int
    """Tokens per conversation."""
    thinking: bool = False
    """Whether it can think before it answers."""
    adapters: tuple[str, ...] = ()
    default: bool = False
    guide: bool = False
    """Whether it is the built-in guide, which knows only this portal and reads no files."""
    isolated: bool = False
    """Whether it runs in its own process."""
    stuck_s: float = 0.0
    """How long its step has been running, if that is longer than a step should take; else 0."""
    owner: str = "portal"
    """Who runs it: the portal, or the platform's name."""
    tools: bool | None = None
    """Whether it can call tools; None: unknown."""
    vision: bool | None = None
    targets: tuple[str, ...] = ()
    """Where it runs, as in glm@gateway, if several platforms have it."""
    preset_of: str = ""
    """The model that answers, where this is a preset; else empty."""
    title: str = ""
    """A title that is shown instead of the name, if not empty."""
    collections: tuple[str, ...] = ()
    """Ids of the collections that a preset reads for each question of a chat."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names that a request may use: the model, the model with each adapter (glm:legal), and on each platform
        (glm@gateway).
        """
        return (self.name, *(f"{self.name}:{adapter}" for adapter in self.adapters), *self.targets)


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens whose KV cache was reused; part of prompt_tokens."""


@dataclass(frozen=True, slots=True)
class Timings:
    queue_s: float = 0.0
    ttft_s: float | None = None
    """Time to the first token, including the queue; None if there was none."""
    duration_s: float = 0.0
    tokens_per_second: float | None = None
    """Completion tokens after the first, divided by the time they took."""
    thinking_s: float | None = None
    """The time from the first token to the first one after the reasoning; None without reasoning."""
    inter_token_p50_s: float | None = None
    """Inter-token latency; None below two tokens."""
    inter_token_p95_s: float | None = None
    steps: int = 0
    """Decodes of the engine that included this answer, with those of its prompt."""
    prefill_tokens: int = 0
    """Prompt tokens that were computed; the rest came from the cache."""
    prefill_s: float | None = None
    """Time of the steps that prefilled the prompt, in which other answers were served too. None if there were none."""
    draft_tokens: int = 0
    """Draft tokens that were checked for this answer."""
    accepted_tokens: int = 0
    """Draft tokens that were accepted."""
    retries: int = 0
    """How often it repeated itself and was resumed with safer sampling."""
    device_s: float | None = None
    """Its part of the time of the engine's steps, which are divided by tokens among the answers that they served. Only local models
    measure it."""


@dataclass(frozen=True, slots=True)
class Routing:
    """Why a request was answered where it was."""

    target: str
    """Model and platform, as in glm@gateway."""
    left_out: tuple[StoredError, ...] = ()
    """Why the platforms before it did not answer."""
    dropped: tuple[str, ...] = ()
    """Parameters that the platform does not accept."""
    estimated: bool = False
    """Whether the tokens are estimates, because the platform did not count them."""
    cost: float | None = None
    """Computed from the platform's price; None if it has none."""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Generation:
    """One append-only row per generation; it outlives the chat it came from."""

    id: str
    user_id: str
    group: str
    created_at: datetime
    model: str
    model_version: str
    """The GGUF's fingerprint, which distinguishes files of the same name."""
    platform: str
    usage: Usage
    timings: Timings
    finish_reason: FinishReason
    source: Source
    conversation_id: str | None = None
    message_id: str | None = None
    error: StoredError | None = None
    variant: str | None = None
    cost: float | None = None
    routing: Routing | None = None
    """None if no platforms are configured."""
    key_id: str | None = None
    """The API key that asked, if one did."""
    cached_at: datetime | None = None
    """When the answer was first written, if the result cache gave it: it took no tokens."""
    currency: str | None = None
    """The currency of a cost from one of the portal's own prices; otherwise routing has it."""
