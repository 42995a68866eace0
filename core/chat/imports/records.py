"""Define the imported conversations, and the parts that were lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from core.characters import without_controls
from core.chat.records import Author

MAX_CHATS = 20_000
MAX_MESSAGES = 5_000
"""Most messages of one conversation."""
MAX_TEXT_LENGTH = 400_000
"""Most characters of one message."""
MAX_TITLE_LENGTH = 200


class Origin(StrEnum):
    CHATGPT = "ChatGPT"
    OPEN_WEBUI = "Open WebUI"
    LIBRECHAT = "LibreChat"


class Lost(StrEnum):
    """Reasons why part of an export is not imported."""

    FILE = "file"
    """An attached file or picture."""
    TOOL = "tool"
    """A message of a tool, or one that the other portal hid."""
    EMPTY = "empty"
    """A message without text."""
    TOO_LONG = "too_long"
    """A text that was cut at MAX_TEXT_LENGTH."""
    TOO_MANY = "too_many"
    """Messages or chats above the limit."""
    ODD = "odd"
    """Data that does not follow the format."""
    TWICE = "twice"
    """A chat that was imported before."""


@dataclass(frozen=True, slots=True)
class ImportedMessage:
    """A message read from an export."""

    id: str
    """The id in the export, unique in its chat."""
    parent_id: str | None
    author: Author
    text: str
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportedChat:
    """A conversation read from an export."""

    id: str
    title: str
    created_at: datetime | None
    messages: tuple[ImportedMessage, ...]
    """Parents before children."""
    head_id: str | None
    """The last message of the version that the export showed."""


@dataclass(slots=True)
class Losses:
    """Counts the parts that were not imported."""

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, what: Lost, number: int = 1) -> None:
        self.counts[what.value] += number

    def text(self, raw: object) -> str:
        """Return a value as a string, cut at MAX_TEXT_LENGTH."""
        if not isinstance(raw, str):
            return ""
        if len(raw) > MAX_TEXT_LENGTH:
            self.add(Lost.TOO_LONG)
        return without_controls(raw[:MAX_TEXT_LENGTH].encode("utf-8", "replace").decode())


def fields(raw: object) -> dict[str, Any]:
    """Return a JSON object as a dict; an empty dict for any other value."""
    return raw if isinstance(raw, dict) else {}


def moment(raw: object) -> datetime | None:
    """Parse seconds or milliseconds since 1970, or ISO 8601; None for anything else."""
    try:
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            return datetime.fromtimestamp(raw / 1000 if raw > 100_000_000_000 else raw, UTC)
        if isinstance(raw, str):
            found = datetime.fromisoformat(raw)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def in_order(messages: dict[str, ImportedMessage], losses: Losses) -> tuple[ImportedMessage, ...]:
    """Return the messages with parents before children. Cycles, and messages above the limit, are counted as lost."""
    children: dict[str | None, list[str]] = {}
    for message in messages.values():
        children.setdefault(message.parent_id if message.parent_id in messages else None, []).append(message.id)
    found: list[ImportedMessage] = []
    waiting = list(reversed(children.get(None, [])))
    while waiting and len(found) < MAX_MESSAGES:
        here = messages[waiting.pop()]
        found.append(here)
        waiting += reversed(children.get(here.id, []))
    if left := len(messages) - len(found):
        losses.add(Lost.TOO_MANY if waiting else Lost.ODD, left)
    return tuple(found)
