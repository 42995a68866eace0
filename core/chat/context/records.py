"""Define instructions, and the record of what an answer was given to read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

LONGEST_SUMMARY = 16_000
"""Characters of a summary that a person edits."""
LONGEST_INSTRUCTIONS = 4_000
"""Characters of a person's or a group's instructions: some 1,000 tokens of every prompt."""


class PartKind(StrEnum):
    """What fills the context."""

    INSTRUCTIONS = "instructions"
    MEMORY = "memory"
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
    holder: Holder
    subject: str
    """The id of the person, or the name of the group."""
    text: str
    updated_at: datetime
    updated_by: str | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """Instructions that an answer was given, and which state of them."""

    holder: Holder
    subject: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Remembered:
    """A memory that an answer was given, and which state of it. Its text is not copied: deleted is deleted."""

    id: str
    updated_at: datetime
    asked: bool = False
    """Whether it stood with the question instead of before the conversation."""


@dataclass(frozen=True, slots=True)
class FileParts:
    """Which lines of a file were read; the first line is 1."""

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
    """The answer of the last turn that it stands for. It holds for the versions of the conversation that contain this answer."""
    turns: int
    """How many turns it stands for, from the first."""
    text: str
    model: str
    created_at: datetime
    edited_at: datetime | None = None
    """When the person changed it."""


@dataclass(frozen=True, slots=True)
class ContextPart:
    """A part of what fills the context, in tokens."""

    kind: PartKind
    tokens: int


@dataclass(frozen=True, slots=True)
class ContextUse:
    """How full the context of a conversation is for its model."""

    model: str
    tokens: int
    """What the last prompt and its answer took, or what the system message takes before the first question."""
    context: int
    reserve: int
    """Tokens kept free for the answer."""
    cut: int = 0
    """Turns 1 to this one no longer fit this model: the next answer reads a summary in their place. 0: all fit."""
    parts: tuple[ContextPart, ...] = ()

    @property
    def too_long(self) -> bool:
        """Tell whether the next question needs a summary, or parts of files, beside the room that is kept for its answer."""
        return self.tokens > self.context - self.reserve


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerContext:
    """What an answer was given to read beside the shown messages. It is stored with the answer and deleted with it."""

    instructions: tuple[Applied, ...] = ()
    memories: tuple[Remembered, ...] = ()
    summarized: int = 0
    """Turns 1 to this one were read as a summary; 0: none."""
    summary_id: str = ""
    left_out: tuple[int, ...] = ()
    """The numbers of the turns that were not read at all."""
    parts: tuple[FileParts, ...] = ()
    """The files of which parts were read."""

    @property
    def is_empty(self) -> bool:
        return self == AnswerContext()
