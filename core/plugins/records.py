"""Define what a plugin hands over, and what the portal knows about a plugin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# What plugins hand over, and what they are given


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a plugin works for."""

    id: str
    group: str
    """Empty for people without a group."""
    language: str | None = None


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message of a chat that is exported."""

    author: str
    """user or assistant."""
    text: str
    """Markdown in answers, plain text in questions."""
    created_at: datetime
    model: str = ""
    files: tuple[str, ...] = ()
    """Names of the attached files."""


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat that is exported: the messages that the transcript shows."""

    title: str
    updated_at: datetime
    messages: tuple[ChatMessage, ...]


@dataclass(frozen=True, slots=True)
class Exporter:
    """A format that chats can be exported in."""

    name: str
    """What REST calls it: lower-case letters, digits and hyphens."""
    title: str
    """What the menu calls it."""
    ending: str
    """Of the file's name, without a dot."""
    media_type: str
    write: Callable[[Chat], bytes]
    """Runs in a process of its own, with limits of time and memory."""


@dataclass(frozen=True, slots=True)
class FileReader:
    """Reads files that the portal itself cannot read, or reads them better."""

    name: str
    endings: tuple[str, ...]
    """Lower-case endings of file names, such as ".eml"."""
    read: Callable[[str, bytes], str]
    """Return the text of a file with this name and content. Runs in a process of its own, with limits of time and memory."""


class SectionPage(StrEnum):
    """A page that shows sections of plugins."""

    ACCOUNT = "account"
    USAGE = "usage"


@dataclass(frozen=True, slots=True)
class PageSection:
    """A section at the end of a page."""

    page: SectionPage
    title: str
    text: Callable[[Person], str]
    """Return Markdown for this person; empty: the section is not shown."""


# What the portal knows about a plugin


class AdditionKind(StrEnum):
    EXPORTER = "exporter"
    FILE_READER = "file_reader"
    QUESTION_FILTER = "question_filter"
    ANSWER_FILTER = "answer_filter"
    PAGE_SECTION = "page_section"


@dataclass(frozen=True, slots=True)
class Addition:
    """One thing that a plugin adds."""

    kind: AdditionKind
    name: str = ""
    """The title of a format or section, the endings that a reader reads; empty for filters."""


@dataclass(frozen=True, slots=True)
class PluginState:
    """What is stored about a plugin. It is on for everyone, for some groups, or off."""

    name: str
    everyone: bool = False
    groups: tuple[str, ...] = ()
    adds: tuple[Addition, ...] = ()
    """What it added when it was last loaded."""
    error: str = ""
    """How it last failed; empty if it has not, since an admin last changed it."""
    failed_at: datetime | None = None

    @property
    def is_on(self) -> bool:
        return self.everyone or bool(self.groups)

    def is_on_for(self, group: str) -> bool:
        return self.everyone or (bool(group) and group in self.groups)


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """A plugin as admins see it."""

    state: PluginState
    installed: bool
    """Whether its package is there now."""
    version: str = ""
    package: str = ""
    """The name of the package that brings it; empty for the portal's own."""
    summary: str = ""

    @property
    def name(self) -> str:
        return self.state.name


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format that a plugin adds, without its code."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class ShownSection:
    title: str
    text: str
    """Markdown of the plugin."""
