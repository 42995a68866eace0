"""Define instructions, and the record of what an answer was given to read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

LONGEST_INSTRUCTIONS = 4_000
"""Characters of a person's or a group's instructions: some 1,000 tokens of every prompt."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerContext:
    """What an answer was given to read beside the shown messages. It is stored with the answer and deleted with it."""

    instructions: tuple[Applied, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self == AnswerContext()
