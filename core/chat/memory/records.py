"""Define memories: facts about a person that the person accepted, or has yet to look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

LONGEST_MEMORY = 300
"""Characters of one fact."""
MOST_MEMORIES = 300
"""Accepted facts of one person."""
MOST_PROPOSED = 20
"""Proposals of one person that wait; while there are so many, no more are made."""
MOST_DISMISSED = 200
"""Dismissed proposals that are kept, so that they are not made again; the oldest give way."""
UNDECIDED_DAYS = 90
"""Days after which proposals that nobody looked at, and dismissed ones, are deleted."""


class MemoryMode(StrEnum):
    """What the portal's settings say."""

    OFF = "off"
    """Nobody has memories."""
    ASK = "ask"
    """Each person may switch them on."""
    ON = "on"
    """They are on until a person switches them off."""


class MemoryState(StrEnum):
    PROPOSED = "proposed"
    """Written by a model; not used until the person accepts it."""
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    """Kept only so that it is not proposed again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    id: str
    user_id: str
    text: str
    state: MemoryState
    created_at: datetime
    updated_at: datetime
    """When the text or the state last changed."""
    conversation_id: str | None = None
    """The chat that a proposal comes from; it is deleted with that chat. None once the person accepted it."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """What a person may do about memory, and does."""

    available: bool
    """False where the settings or the person's group forbid it."""
    on: bool
    """Whether the person's chats use it and propose to it."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """The memories that an answer is given to read."""

    opening: tuple[Memory, ...] = ()
    """They stand before the conversation and stay the same from turn to turn."""
    asked: tuple[Memory, ...] = ()
    """They stand with the question, for which they matter."""
