"""Define links to snapshots of conversations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.chat.records import Author


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A read-only link to a snapshot of a conversation."""

    id: str
    """A random id, which forms the link."""
    conversation_id: str
    user_id: str
    """The owner."""
    title: str
    group_id: str | None = None
    """The group whose members may open the link; None for everyone who is signed in."""
    group: str = ""
    """The current name of that group, not stored with the link; empty if the group was removed."""
    masked: bool = False
    """Whether personal data was masked because the owner asked for it."""
    created_at: datetime
    expires_at: datetime | None = None
    """When the link stops working; None if it works until it is revoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedStep:
    """A call of a tool as a link shows it. Its result is not shared: it may quote what only the owner may read."""

    title: str
    arguments: str
    seconds: float | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSource:
    """A passage that an answer cites. Its text is not shared: it may be for fewer people than the link."""

    document: str
    page: int
    first_line: int
    last_line: int
    heading: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedMessage:
    """A message as a link shows it."""

    author: Author
    text: str
    created_at: datetime
    model: str = ""
    """The model of an answer."""
    files: tuple[str, ...] = ()
    """Names of attached files; their content is not shared."""
    steps: tuple[SharedStep, ...] = ()
    """The tools that the model called for an answer."""
    sources: tuple[SharedSource, ...] = ()


@dataclass(frozen=True, slots=True)
class SharedChat:
    """The contents that a link shows."""

    share: Share
    owner: str
    """The full name of the owner."""
    messages: tuple[SharedMessage, ...]


@dataclass(frozen=True, slots=True)
class Audience:
    """A group that a person may share with."""

    id: str
    name: str
