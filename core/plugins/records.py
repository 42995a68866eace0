"""Define what plugins and the portal exchange, and what the portal stores about a plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

# What plugins and the portal exchange


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a plugin works for."""

    id: str
    group: str
    """Empty for people without a group."""
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatStep:
    """A tool that the model called for an answer."""

    title: str
    arguments: str
    """JSON as text."""
    result: str = ""
    error: str = ""
    """Why it gave no result."""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message of a chat that is exported."""

    author: str
    """user or assistant; document for a text that is no answer, such as a report: it has no caption."""
    text: str
    """Markdown in answers, plain text in questions."""
    created_at: datetime
    model: str = ""
    files: tuple[str, ...] = ()
    """Names of the attached files."""
    steps: tuple[ChatStep, ...] = ()
    """The tools that the model called for this answer."""


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
    """Its name in REST: lower-case letters, digits and hyphens."""
    title: str
    """Its name in the menu."""
    ending: str
    """The ending of the file name, without a dot."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundChat:
    """A message or a title of one of the person's own chats that contains the words of a search."""

    chat_id: str
    title: str
    author: str
    """user or assistant; empty where the title was found."""
    text: str
    """The text around the first match."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """The person and chat for which a tool is called. Everything here reads with this person's rights."""

    person: Person
    conversation_id: str
    """Empty in a temporary chat."""
    now: datetime
    stopped: Callable[[], bool]
    """Whether the person has stopped the answer; a slow tool should look now and then, and return."""
    search_chats: Callable[[str, int], Sequence[FoundChat]]
    """Return what contains all these words in the person's own chats, newest first, at most so many."""
    read_chat: Callable[[str], Chat | None]
    """Return one of the person's own chats; None if there is none with this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function that the model may call while it answers."""

    name: str
    """What the model calls it: lower-case letters, digits and underscores."""
    title: str
    """What people see."""
    description: str
    """For the model: what it does, and when to call it."""
    run: Callable[[Mapping[str, Any], ToolContext], str]
    """Return the text that the model reads. The arguments fit the parameters."""
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    """JSON Schema of the arguments, an object."""
    changes: bool = True
    """Whether it changes something. The person is then asked before each call, and the audit log has the call. False for a tool that only
    reads."""


# What the portal stores about a plugin


class AdditionKind(StrEnum):
    EXPORTER = "exporter"
    FILE_READER = "file_reader"
    QUESTION_FILTER = "question_filter"
    ANSWER_FILTER = "answer_filter"
    PAGE_SECTION = "page_section"
    TOOL = "tool"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Addition:
    """A feature that a plugin adds."""

    kind: AdditionKind
    name: str = ""
    """The title of a format, section, tool or platform, the endings that a reader reads; empty for filters."""


@dataclass(frozen=True, slots=True)
class PluginState:
    """What is stored about a plugin. It is on for everyone, for some groups, or off."""

    name: str
    everyone: bool = False
    groups: tuple[str, ...] = ()
    adds: tuple[Addition, ...] = ()
    """What it added when it was last loaded."""
    error: str = ""
    """How it last failed; empty if it has not failed since an admin last changed it."""
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
    """Whether its package is installed now."""
    version: str = ""
    package: str = ""
    """The package that contains it; empty for the portal's own plugins."""
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
