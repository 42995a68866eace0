"""Define prompts and their versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MAX_TITLE_LENGTH, MAX_TEXT_LENGTH = 80, 8_000
MAX_PROMPTS = 300
"""Most prompts of one person."""
MAX_VERSIONS = 30
"""Most versions kept of one prompt. The oldest are removed first."""
MAX_STARTERS = 4
"""Most prompts that an empty chat offers."""


class Share(StrEnum):
    """The people who can see a prompt besides its owner."""

    OWN = "own"
    GROUP = "group"
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A reusable text of one person."""

    id: str
    owner_id: str
    title: str
    text: str
    """The text, which may contain blanks such as [client] or {{client}}."""
    share: Share
    group: str
    """The group that the prompt is shared with; "" unless `share` is GROUP."""
    starter: bool
    """Whether the empty chats of people who can see the prompt offer it."""
    version: int
    """The number of the newest version, counted from 1."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """A stored version of a prompt."""

    number: int
    title: str
    text: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class ListedPrompt:
    """A prompt as one person sees it."""

    prompt: Prompt
    owner_name: str
    """The full name of the owner, or the sign-in name."""
    own: bool
    may_publish: bool
    """Whether this person may publish or withdraw the prompt."""
    may_start: bool
    """Whether this person may make the prompt a starter."""
