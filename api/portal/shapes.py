"""Define the typed JSON that /api/v1 accepts and returns. Unknown fields are refused, and types are never coerced."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, computed_field, model_validator

from core.characters import may_stand_on_a_line, without_controls
from core.chat.context.records import AnswerContext
from core.chat.conversations import Shown
from core.chat.records import Conversation, Message
from core.errors import InvalidInput
from core.inference.records import Generation, Routing, Timings
from core.inference.requests import SamplingParams
from core.knowledge.records import StoredFile
from core.people.records import User

_HALF = re.compile("[\ud800-\udfff]")


def _one_line(text: str) -> str:
    """Refuse control characters: a database may reject them, and no name contains any. Core normalizes the rest."""
    if not may_stand_on_a_line(text):
        raise ValueError("Control characters are not allowed here")
    return text


def _plain(text: str) -> str:
    if _HALF.search(text):
        raise ValueError("An unpaired surrogate is not allowed here")
    return without_controls(text)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("This time is outside the calendar") from None


Line = Annotated[str, AfterValidator(_one_line), Field(max_length=500)]
Prose = Annotated[str, AfterValidator(_plain)]
_ID = "^[0-9a-f]{32}$"
Id = Annotated[str, Path(pattern=_ID, description="An id from the portal.")]
FileId = Annotated[str, Field(pattern=_ID)]
FolderId = Annotated[str, Field(pattern=_ID)]
Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""ISO 8601. Without an offset it is UTC."""


def _whole_characters(sent: Any) -> Any:
    """Refuse unpaired surrogates anywhere: no database stores them, and no response could repeat them."""
    open_ = [sent]
    while open_:
        one = open_.pop()
        if isinstance(one, str) and _HALF.search(one):
            raise ValueError("An unpaired surrogate is not allowed here")
        open_ += one if isinstance(one, list) else [*one, *one.values()] if isinstance(one, dict) else ()
    return sent


class Asked(BaseModel):
    """Base of all request bodies."""

    model_config = ConfigDict(extra="forbid", strict=True)
    _check_characters = model_validator(mode="before")(_whole_characters)


class Person(BaseModel):
    id: str
    name: str = Field(description="The sign-in name.")
    full_name: str
    role: str = Field(description="analyst, reviewer, manager, admin, or the name of a custom role.")
    group: str
    active: bool
    language: str | None
    created_at: datetime
    last_seen_at: datetime | None

    @staticmethod
    def of(user: User) -> Person:
        return Person(
            id=user.id, name=user.name, full_name=user.full_name, role=str(user.role), group=user.group, active=user.active,
            language=user.language, created_at=user.created_at, last_seen_at=user.last_seen_at,
        )  # fmt: skip


class ConversationOut(BaseModel):
    id: str
    title: str = Field(description="Empty until the first question sets it.")
    folder_id: str | None = Field(description="null if it is in no folder.")
    pinned: bool
    archived: bool
    unread: bool = Field(description="An answer ended that has not been opened yet.")
    instructions: bool = Field(description="Whether the person's and the group's instructions apply.")
    memory: bool = Field(description="Whether the person's memories are read in it and proposed from it.")
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def of(conversation: Conversation) -> ConversationOut:
        return ConversationOut(
            id=conversation.id, title=conversation.title, folder_id=conversation.folder_id,
            pinned=conversation.pinned_at is not None, archived=conversation.archived_at is not None, unread=conversation.unread,
            instructions=conversation.uses_instructions, memory=conversation.uses_memory, created_at=conversation.created_at,
            updated_at=conversation.updated_at,
        )  # fmt: skip


class TimingsOut(BaseModel):
    """Measurements of an answer. Times are in seconds; null means not measured."""

    queue_s: float
    ttft_s: float | None = Field(description="Time from the question to the first token.")
    duration_s: float
    tokens_per_second: float | None
    thinking_s: float | None = Field(description="Duration of the reasoning; null if there was none.")
    inter_token_p50_s: float | None = Field(description="Inter-token latency.")
    inter_token_p95_s: float | None
    steps: int = Field(description="Engine steps that this answer took part in.")
    prefill_tokens: int = Field(description="Prompt tokens that were computed; the rest came from the cache.")
    prefill_s: float | None = Field(description="Duration of the steps that processed the prompt, which served other answers too.")
    draft_tokens: int = Field(description="Draft tokens of speculative decoding.")
    accepted_tokens: int = Field(description="Draft tokens that were accepted.")
    retries: int = Field(description="How often the answer was retried with safer sampling.")

    @computed_field(description="The old name of draft_tokens, for one release.")  # type: ignore[prop-decorator]
    @property
    def guessed_tokens(self) -> int:
        return self.draft_tokens

    @computed_field(description="The old name of accepted_tokens, for one release.")  # type: ignore[prop-decorator]
    @property
    def guessed_right(self) -> int:
        return self.accepted_tokens

    @staticmethod
    def of(timings: Timings) -> TimingsOut:
        return TimingsOut(**asdict(timings))


class RoutedOut(BaseModel):
    place: str = Field(description="Model and platform, as in glm@gateway.")
    left_out: list[str] = Field(description="Why the platforms before it did not answer.")
    dropped: list[str] = Field(description="Parameters that the platform does not take.")
    estimated: bool = Field(description="Whether the tokens are estimates.")
    cost: float | None = Field(description="By the platform's price.")
    currency: str

    @staticmethod
    def of(routing: Routing) -> RoutedOut:
        return RoutedOut(
            place=routing.place, left_out=[str(each) for each in routing.left_out], dropped=list(routing.dropped),
            estimated=routing.estimated, cost=routing.cost, currency=routing.currency,
        )  # fmt: skip


class GenerationOut(TimingsOut):
    model: str
    model_version: str = Field(description="The fingerprint of the GGUF file.")
    platform: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = Field(description="Prompt tokens whose KV cache was reused; included in prompt_tokens.")
    finish_reason: Literal["stop", "length", "cancelled", "error"]
    routed: RoutedOut | None = Field(description="Why it was answered where it was; null if no platforms were configured.")
    cached_at: datetime | None = Field(description="When the answer was first written, if the result cache gave it: it took no tokens.")
    error: str | None = Field(description="Why there is no answer, or what is wrong with it, for example that it repeated itself.")

    @staticmethod
    def row(row: Generation) -> GenerationOut:
        return GenerationOut(
            **asdict(row.timings),
            model=row.model, model_version=row.model_version, platform=row.platform,
            prompt_tokens=row.usage.prompt_tokens, completion_tokens=row.usage.completion_tokens, cached_tokens=row.usage.cached_tokens,
            finish_reason=row.finish_reason.value, error=str(row.error) if row.error else None,
            routed=RoutedOut.of(row.routing) if row.routing else None, cached_at=row.cached_at,
        )  # fmt: skip


class FileOut(BaseModel):
    id: str
    name: str
    size_bytes: int
    created_at: datetime
    conversation_id: str | None = Field(description="null until a question uses the file.")
    encoding: str | None = Field(description="The encoding the text is read in, for example UTF-8 or Big5; null for a document.")

    @staticmethod
    def of(file: StoredFile) -> FileOut:
        return FileOut(
            id=file.id, name=file.name, size_bytes=file.size_bytes, created_at=file.created_at, conversation_id=file.conversation_id,
            encoding=file.encoding or None,
        )  # fmt: skip


class AppliedOut(BaseModel):
    holder: Literal["person", "group"]
    group: str | None = Field(description="The name of the group; null for the person's own.")
    updated_at: datetime = Field(description="Which state of them it was.")


class PartsOut(BaseModel):
    name: str
    lines: int = Field(description="Lines of the whole file.")
    read: list[list[int]] = Field(description="First and last line of each part, from 1.")


class RememberedOut(BaseModel):
    id: str
    updated_at: datetime = Field(description="Which state of it was read.")


class ContextOut(BaseModel):
    """What the model read for an answer besides the shown messages."""

    instructions: list[AppliedOut]
    memories: list[RememberedOut] = Field(description="What was remembered about the person; /api/v1/memories has the texts.")
    summarized: int = Field(description="Turns 1 to this one were read as a summary; 0: none.")
    left_out: list[int] = Field(description="Numbers of the turns that were not read at all.")
    parts: list[PartsOut] = Field(description="Files of which parts were read.")

    @staticmethod
    def of(context: AnswerContext) -> ContextOut:
        applied = [
            AppliedOut(holder=each.holder.value, group=each.subject if each.holder == "group" else None, updated_at=each.updated_at)
            for each in context.instructions
        ]
        parts = [PartsOut(name=each.name, lines=each.lines, read=[list(lines) for lines in each.read]) for each in context.parts]
        memories = [RememberedOut(id=each.id, updated_at=each.updated_at) for each in context.memories]
        return ContextOut(
            instructions=applied, memories=memories, summarized=context.summarized, left_out=list(context.left_out), parts=parts
        )  # fmt: skip


class MessageOut(BaseModel):
    id: str
    conversation_id: str
    parent_id: str | None = Field(description="The message before this one.")
    author: Literal["user", "assistant"]
    text: str
    reasoning: str
    status: Literal["streaming", "done", "stopped", "failed", "interrupted"]
    error: str | None
    created_at: datetime
    generation: GenerationOut | None
    pinned: bool = Field(description="Whether the model always reads this turn whole.")
    context: ContextOut | None = Field(description="What the answer was given to read beside the shown messages; null if nothing.")
    rating: int | None
    comment: str
    files: list[FileOut]

    @staticmethod
    def of(message: Message) -> MessageOut:
        return MessageOut(**_message_fields(message))  # type: ignore[arg-type]


class ShownOut(MessageOut):
    """A message of the transcript, with the position among its versions."""

    version: int = Field(description="1 is the oldest.")
    versions: list[str] = Field(description="Ids of all versions, oldest first.")

    @staticmethod
    def shown(shown: Shown) -> ShownOut:
        return ShownOut(**_message_fields(shown.message), version=shown.version, versions=list(shown.versions))  # type: ignore[arg-type]


def _message_fields(message: Message) -> dict[str, object]:
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "parent_id": message.parent_id,
        "author": message.author.value,
        "text": message.text,
        "reasoning": message.reasoning,
        "status": message.status.value,
        "error": str(message.error) if message.error else None,
        "created_at": message.created_at,
        "generation": message.generation and GenerationOut.row(message.generation),
        "pinned": message.pinned,
        "context": message.context and ContextOut.of(message.context),
        "rating": message.rating,
        "comment": message.comment,
        "files": [FileOut.of(file) for file in message.files],
    }


class Sampling(Asked):
    """How the next token is chosen. A missing field takes the model's recommended value."""

    temperature: float | None = Field(default=None, description="0 to 5; 0 always takes the most likely token.")
    top_p: float | None = Field(default=None, description="0 to 1.")
    top_k: int | None = Field(default=None, description="0 or more; 0 keeps all tokens.")
    min_p: float | None = Field(default=None, description="0 to 1.")
    repeat_penalty: float | None = Field(default=None, description="0.1 to 10; 1 disables it.")
    max_tokens: int | None = Field(default=None, description="Maximum length of the answer, in tokens.")
    stop: list[str] | None = Field(default=None, description="At most 16 strings that end the answer.")
    seed: int | None = Field(default=None, description="0 to 4294967295; the same seed repeats the same choices.")
    typical_p: float | None = Field(default=None, description="0 to 1; 1 disables it.")
    presence_penalty: float | None = Field(default=None, description="-2 to 2; penalizes tokens that have occurred in the answer.")
    frequency_penalty: float | None = Field(default=None, description=(
        "-2 to 2; penalizes tokens by how often they have occurred in the answer."
    ))
    thinking_budget: int | None = Field(default=None, description="Maximum thinking tokens; then the model answers.")

    def params(self) -> SamplingParams:
        return SamplingParams(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            min_p=self.min_p,
            repeat_penalty=self.repeat_penalty,
            max_tokens=self.max_tokens,
            stop=tuple(self.stop or ()),
            seed=self.seed,
            typical_p=self.typical_p,
            presence_penalty=self.presence_penalty,
            frequency_penalty=self.frequency_penalty,
            thinking_budget=self.thinking_budget,
        )


def at_least_one(**given: object) -> None:
    """Raise InvalidInput for a request that changes nothing."""
    if all(value is None for value in given.values()):
        raise InvalidInput("The request changes nothing. Send at least one of {names}.", names=", ".join(given))
