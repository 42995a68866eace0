"""Define what a plugin hands over and is given that provides a kind of platform: a way to ask models elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class PlatformTrouble(Exception):
    """Raise it in a platform that cannot answer now: admins and people see its sentence, and another platform may answer instead."""

    def __init__(self, sentence: str, *, retry_after: float | None = None) -> None:
        """retry_after: seconds after which the platform may be asked again, if it is only busy."""
        super().__init__(sentence)
        self.retry_after = retry_after


class PlatformDeclines(PlatformTrouble):
    """Raise it for a question that this platform cannot answer: another one may, and the next question is asked here again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSettings:
    """What the platforms file says about a platform."""

    name: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    """They fit the schema of the kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformModel:
    """A chat model of a platform. context: tokens of prompt and answer together, if known."""

    id: str
    context: int | None = None
    thinking: bool = False


@dataclass(frozen=True, slots=True)
class PlatformMessage:
    """role: system, user or assistant."""

    role: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformQuestion:
    """What a model is asked. None means its own default."""

    model: str
    """The id of the model."""
    messages: tuple[PlatformMessage, ...]
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    stopped: Callable[[], bool]
    """Tells whether the answer is no longer needed. Check it between pieces, and return if it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformPiece:
    """A piece of an answer. Counts of tokens are those of the whole answer; without them the portal estimates."""

    text: str = ""
    reasoning: str = ""
    cut: bool = False
    """Whether the answer ended here because it reached its limit."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class OpenedPlatform(Protocol):
    """A platform of the platforms file. Its methods are called from several threads at once."""

    def models(self) -> Sequence[PlatformModel]:
        """Return the models that can be asked now; also the health check, every 30 s. Raises PlatformTrouble."""
        ...

    def answer(self, question: PlatformQuestion) -> Iterator[PlatformPiece]:
        """Yield the answer in pieces. Raises PlatformTrouble, best before the first piece: then another platform may answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformKind:
    """A kind of platform for the platforms file."""

    name: str
    """What `kind` says in the file: lower-case letters, digits and hyphens."""
    title: str
    open: Callable[[PlatformSettings], OpenedPlatform]
    """Return a platform. It should not connect yet."""
    options: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}, "additionalProperties": False})
    """JSON Schema of the options that the file may set."""
