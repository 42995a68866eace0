"""Define memories: facts about a person that the person has accepted, dismissed or not yet decided on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MAX_MEMORY_LENGTH = 300
"""Most characters of one fact."""
MAX_MEMORIES = 300
"""Most accepted facts of one person."""
MAX_PROPOSED = 20
"""Most undecided proposals of one person. No more are made while there are this many."""
MAX_DISMISSED = 200
"""Most dismissed proposals kept to avoid proposing them again. The oldest are removed first."""
UNDECIDED_DAYS = 90
"""Days after which undecided and dismissed proposals are deleted."""


class MemoryMode(StrEnum):
    """The portal's setting for memory."""

    OFF = "off"
    """Memory is off for everyone."""
    ASK = "ask"
    """Memory is off until a person switches it on."""
    ON = "on"
    """Memory is on until a person switches it off."""


class MemoryState(StrEnum):
    PROPOSED = "proposed"
    """Written by a model; not used until the person accepts it."""
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    """Kept only to avoid proposing it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A fact about a person, proposed by a model or written by the person."""

    id: str
    user_id: str
    text: str
    state: MemoryState
    created_at: datetime
    updated_at: datetime
    """When the text or the state last changed."""
    conversation_id: str | None = None
    """The chat that a proposal comes from and is deleted with. None once the person has accepted the memory."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Whether memory is available to a person, and whether it is on."""

    available: bool
    """False if the settings, the person's role or their group forbid memory."""
    on: bool
    """Whether the person's chats use memories and propose new ones."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """The memories that the model reads for an answer."""

    opening: tuple[Memory, ...] = ()
    """Memories at the start of the conversation. They stay the same from turn to turn."""
    asked: tuple[Memory, ...] = ()
    """Memories that are relevant to the question and stand with it."""
