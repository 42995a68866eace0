"""Define what people may ask beside plain models: presets, access rules, and splits of people between two models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from core.errors import InvalidInput
from core.inference.requests import SamplingParams, Tool
from core.people.records import User

_NAME = re.compile(r"[\w.-]{1,80}")
MAX_SYSTEM_PROMPT_LENGTH = 32_000
MAX_TITLE_LENGTH, MAX_DESCRIPTION_LENGTH = 80, 300
MAX_PRESETS, MAX_TOOLS, MAX_COLLECTIONS = 200, 64, 8
PRESET_PARAMS = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens", "stop", "seed", "typical_p", "presence_penalty",
                 "frequency_penalty", "thinking_budget")  # fmt: skip
"""The fields of SamplingParams that a preset can set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A model with a system prompt, sampling, thinking, documents and tools, under its own name."""

    name: str
    """What a request names in place of a model."""
    model: str
    """The model that answers, with its adapter if it has one."""
    created_at: datetime
    updated_at: datetime
    title: str = ""
    """The title in the chat's model picker; the name if empty."""
    description: str = ""
    system_prompt: str = ""
    params: SamplingParams = field(default_factory=SamplingParams)
    thinking: bool | None = None
    """None: the person who asks decides."""
    tools: tuple[Tool, ...] = ()
    """The tools of programs that send none; the chat runs none of them."""
    collections: tuple[str, ...] = ()
    """Ids of collections of documents. Each question of a chat searches those that the user may read."""
    published: bool = False
    """Whether everyone may use it; a draft is for those who run the models."""
    updated_by: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidInput(
                "{name} is not a valid preset name. Use 1 to 80 letters, digits, dots, hyphens and underscores.", name=repr(self.name[:100])
            )
        if not self.model.strip():
            raise InvalidInput("A preset needs a model.")
        if self.model == self.name:
            raise InvalidInput("A preset cannot have the name of its model. Choose another name.")
        limits = (
            ("title", self.title, MAX_TITLE_LENGTH),
            ("description", self.description, MAX_DESCRIPTION_LENGTH),
            ("system_prompt", self.system_prompt, MAX_SYSTEM_PROMPT_LENGTH),
        )
        for what, text, most in limits:
            if len(text) > most:
                raise InvalidInput("{field} has {length} characters; the limit is {most}.", field=what, length=len(text), most=most)
        if len(self.tools) > MAX_TOOLS:
            raise InvalidInput("A preset can have at most {most} tools.", most=MAX_TOOLS)
        if len(self.collections) > MAX_COLLECTIONS:
            raise InvalidInput("A preset can read at most {most} collections.", most=MAX_COLLECTIONS)


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Who may use a model or preset: the roles and the groups, either is enough. Without a rule, everyone may."""

    model: str
    roles: frozenset[str] = frozenset()
    """Built-in and custom roles."""
    groups: frozenset[str] = frozenset()

    def admits(self, role: str, groups: Sequence[str]) -> bool:
        return role in self.roles or not self.groups.isdisjoint(groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Who of those that choose `subject` gets `other` instead."""

    experiment_id: str
    subject: str
    other: str
    salt: str
    groups: frozenset[str] = frozenset()
    """Who takes part; empty for everybody."""
    share: float = 100.0
    """Percent of the people who take part."""
    to_b: float = 50.0
    """Percent of those who get `other`."""
    promoted: bool = False
    """Whether all people of these groups get `other`, without being counted any more."""

    def side(self, user: User) -> str | None:
        """Return a or b; None for somebody who does not take part."""
        if self.groups and user.group not in self.groups:
            return None
        if self.promoted:
            return "b"
        if _percent(f"{self.salt} part {user.id}") >= self.share:
            return None
        return "b" if _percent(f"{self.salt} side {user.id}") < self.to_b else "a"


def _percent(text: str) -> float:
    """Return a number from 0 to 100 that looks random, but is the same for the same text."""
    return int.from_bytes(sha256(text.encode()).digest()[:8]) / 2**64 * 100
