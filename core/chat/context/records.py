"""Define instructions, summaries, and the record of what the model read for an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.documents.records import CollectionName, Source

MAX_SUMMARY_LENGTH = 16_000
"""Most characters of a summary that a person edits."""
MAX_INSTRUCTIONS_LENGTH = 4_000
"""Most characters of a person's or a group's instructions: about 1,000 tokens of every prompt."""


class PartKind(StrEnum):
    """What fills the context."""

    INSTRUCTIONS = "instructions"
    MEMORY = "memory"
    TOOLS = "tools"
    """The definitions of tools, their calls and results."""
    SUMMARY = "summary"
    FILES = "files"
    IMAGES = "images"
    TURNS = "turns"


class Holder(StrEnum):
    """Whose instructions these are."""

    PERSON = "person"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Instructions:
    """Instructions of a person or a group that apply to every chat."""

    holder: Holder
    subject: str
    """The id of the person, or the name of the group."""
    text: str
    updated_at: datetime
    updated_by: str | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """Instructions that the model read for an answer, and their version."""

    holder: Holder
    subject: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Remembered:
    """A memory that the model read for an answer, and its version. The text is not copied, so a deleted memory leaves no trace here."""

    id: str
    updated_at: datetime
    asked: bool = False
    """Whether the memory stood with the question instead of at the start of the conversation."""


@dataclass(frozen=True, slots=True)
class FileParts:
    """The lines of a file that were read, counted from 1."""

    name: str
    lines: int
    read: tuple[tuple[int, int], ...]
    """First and last line of each part, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the model reads in place of the first turns of a conversation."""

    id: str
    conversation_id: str
    until_id: str
    """Id of the last answer that the summary covers. The summary is valid for versions of the conversation that contain this answer."""
    turns: int
    """How many turns the summary covers, from the first."""
    text: str
    model: str
    created_at: datetime
    edited_at: datetime | None = None
    """When the person changed it."""


@dataclass(frozen=True, slots=True)
class ContextPart:
    """One part of the context in use, and its size in tokens."""

    kind: PartKind
    tokens: int


@dataclass(frozen=True, slots=True)
class ContextUse:
    """How full the context of a conversation is for its model."""

    model: str
    tokens: int
    """Tokens of the last prompt and its answer; before the first question, those of the system message."""
    context: int
    reserve: int
    """Tokens kept free for the answer."""
    cut: int = 0
    """The last turn that no longer fits: the next answer reads a summary in place of turns 1 to this one. 0 if all turns fit."""
    parts: tuple[ContextPart, ...] = ()

    @property
    def too_long(self) -> bool:
        """Tell whether the next question needs a summary or parts of files to leave room for its answer."""
        return self.tokens > self.context - self.reserve


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerContext:
    """What the model read for an answer besides the shown messages. It is stored with the answer and deleted with it."""

    instructions: tuple[Applied, ...] = ()
    memories: tuple[Remembered, ...] = ()
    summarized: int = 0
    """Turns 1 to this one were read as a summary; 0 if there was no summary."""
    summary_id: str = ""
    left_out: tuple[int, ...] = ()
    """The numbers of the turns that were not read at all."""
    parts: tuple[FileParts, ...] = ()
    """The files that were read only in part."""

    sources: tuple[Source, ...] = ()
    """The passages of collections that were read with the question; the answer cites them by their number, from 1."""
    searched: tuple[CollectionName, ...] = ()
    """The collections that were searched."""

    @property
    def is_empty(self) -> bool:
        return self == AnswerContext()
