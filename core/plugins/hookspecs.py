"""Define the hooks of plugins. A plugin is a module whose functions are marked with `hookimpl` and named as a hook.

docs/plugins.md shows one. Everything that a plugin needs can be imported from here.
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from core.plugins.platform_records import OpenedPlatform as OpenedPlatform
from core.plugins.platform_records import PlatformDeclines as PlatformDeclines
from core.plugins.platform_records import PlatformKind as PlatformKind
from core.plugins.platform_records import PlatformMessage as PlatformMessage
from core.plugins.platform_records import PlatformModel as PlatformModel
from core.plugins.platform_records import PlatformPiece as PlatformPiece
from core.plugins.platform_records import PlatformQuestion as PlatformQuestion
from core.plugins.platform_records import PlatformSettings as PlatformSettings
from core.plugins.platform_records import PlatformTrouble as PlatformTrouble
from core.plugins.records import Chat as Chat
from core.plugins.records import ChatMessage as ChatMessage
from core.plugins.records import ChatStep as ChatStep
from core.plugins.records import Exporter as Exporter
from core.plugins.records import FileReader as FileReader
from core.plugins.records import FoundChat as FoundChat
from core.plugins.records import PageSection as PageSection
from core.plugins.records import Person as Person
from core.plugins.records import SectionPage as SectionPage
from core.plugins.records import Tool as Tool
from core.plugins.records import ToolContext as ToolContext

PROJECT = "glm_portal"
GROUP = "glm_portal.plugins"
"""The group of entry points that plugins are found in."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class PluginRefusal(Exception):
    """Raise it in an exporter, a file reader or a tool: the person is shown its sentence. It is not a failure of the plugin."""


@hookspec
def exporters() -> Sequence[Exporter]:  # type: ignore[empty-body]
    """Return the formats that chats can be exported in."""


@hookspec
def file_readers() -> Sequence[FileReader]:  # type: ignore[empty-body]
    """Return what reads the text of files with certain endings."""


@hookspec
def tools() -> Sequence[Tool]:  # type: ignore[empty-body]
    """Return functions that the model may call while it answers in a chat."""


@hookspec
def platforms() -> Sequence[PlatformKind]:  # type: ignore[empty-body]
    """Return kinds of platforms that the platforms file can name."""


@hookspec
def page_sections() -> Sequence[PageSection]:  # type: ignore[empty-body]
    """Return sections for the end of pages."""


@hookspec(firstresult=True)
def filter_question(text: str, person: Person) -> str | None:
    """Return a question as the model shall read it, with the text of its files; None leaves it as it is."""


@hookspec(firstresult=True)
def filter_answer(text: str, person: Person) -> str | None:
    """Return some lines of an answer as the person shall read them; None leaves them as they are."""
