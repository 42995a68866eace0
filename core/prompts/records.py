"""Define prompts and their versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

LONGEST_TITLE, LONGEST_TEXT = 80, 8_000
MOST_PROMPTS = 300
"""Prompts of one person."""
MOST_VERSIONS = 30
"""Versions kept of one prompt; the oldest ones give way."""
MOST_STARTERS = 4
"""Prompts that an empty chat offers."""


class Share(StrEnum):
    """Who sees a prompt beside its owner."""

    OWN = "own"
    GROUP = "group"
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    id: str
    owner_id: str
    title: str
    text: str
    """May hold blanks: [client] or {{client}}."""
    share: Share
    group: str
    """The group that it is shared with; "" unless `share` is GROUP."""
    starter: bool
    """Whether the empty chat of those who see it offers it."""
    version: int
    """The number of its newest version; 1 is the first."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """A state that a prompt had."""

    number: int
    title: str
    text: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class ListedPrompt:
    """A prompt as one person sees it."""

    prompt: Prompt
    owner_name: str
    """The full name of its owner, or the sign-in name."""
    own: bool
    may_publish: bool
    """Whether this person may publish it or take it back."""
    may_start: bool
    """Whether this person may make it a starter."""
