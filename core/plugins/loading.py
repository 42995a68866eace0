"""Find installed plugins, import one, and list what it adds."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

import pluggy

from core.plugins import hookspecs
from core.plugins.hookspecs import GROUP, PROJECT
from core.plugins.platform_records import PlatformKind
from core.plugins.ports import SchemaChecker
from core.plugins.records import Addition, AdditionKind, Exporter, FileReader, PageSection, Tool

log = logging.getLogger(__name__)

T = TypeVar("T")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_TOOL_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
MAX_DESCRIPTION_LENGTH, MAX_SCHEMA_LENGTH, MAX_TOOLS = 1_000, 4_000, 16
"""Bounds on the text of a tool, which the model reads in every question, and on the tools of one plugin."""
_ENDING = re.compile(r"\.[a-z0-9]{1,15}")


class Unfit(ValueError):
    """Raised when a plugin violates the hook specifications; the text says how, for admins."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A plugin that is installed but not imported."""

    name: str
    entry: EntryPoint
    version: str = ""
    package: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """An imported plugin."""

    installed: Installed
    hook: pluggy.HookRelay
    exporters: tuple[Exporter, ...]
    readers: tuple[FileReader, ...]
    sections: tuple[PageSection, ...]
    tools: tuple[Tool, ...]
    platforms: tuple[PlatformKind, ...]
    filters_questions: bool
    filters_answers: bool

    @property
    def adds(self) -> tuple[Addition, ...]:
        found = [Addition(AdditionKind.EXPORTER, each.title) for each in self.exporters]
        found += [Addition(AdditionKind.FILE_READER, " ".join(each.endings)) for each in self.readers]
        found += [Addition(AdditionKind.TOOL, each.title) for each in self.tools]
        found += [Addition(AdditionKind.PLATFORM, each.title) for each in self.platforms]
        found += [Addition(AdditionKind.QUESTION_FILTER)] if self.filters_questions else []
        found += [Addition(AdditionKind.ANSWER_FILTER)] if self.filters_answers else []
        return (*found, *(Addition(AdditionKind.PAGE_SECTION, each.title) for each in self.sections))


def find_installed() -> Sequence[Installed]:
    """Return the plugins of all installed packages by name, without importing any. Of two with one name the first counts."""
    found: dict[str, Installed] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda each: (each.name, each.dist.name if each.dist else "")):
        package = entry.dist
        if not _NAME.fullmatch(entry.name) or entry.name in found:
            log.warning("the plugin %s of %s is skipped: its name is taken or invalid", entry.name, package.name if package else "?")
            continue
        found[entry.name] = Installed(
            name=entry.name, entry=entry, version=package.version if package else "", package=package.name if package else "",
            summary=package.metadata["Summary"] if package and "Summary" in package.metadata else "",
        )  # fmt: skip
    return list(found.values())


def load(installed: Installed, schemas: SchemaChecker) -> Loaded:
    """Import a plugin and ask what it adds. Raises Unfit, and whatever the plugin raises."""
    thing = installed.entry.load()
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(thing() if isinstance(thing, type) else thing, installed.name)
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as problem:
        raise Unfit(str(problem)) from problem
    hook = manager.hook
    loaded = Loaded(
        installed=installed,
        hook=hook,
        exporters=_all(hook.exporters, Exporter),
        readers=_all(hook.file_readers, FileReader),
        sections=_all(hook.page_sections, PageSection),
        tools=_all(hook.tools, Tool),
        platforms=_all(hook.platforms, PlatformKind),
        filters_questions=bool(hook.filter_question.get_hookimpls()),
        filters_answers=bool(hook.filter_answer.get_hookimpls()),
    )
    _check(loaded, schemas)
    return loaded


def _all(caller: pluggy.HookCaller, kind: type[T]) -> tuple[T, ...]:
    made = tuple(each for some in caller() for each in some)
    for each in made:
        if not isinstance(each, kind):
            raise Unfit(f"{caller.name} must return a list of {kind.__name__}, not of {type(each).__name__}")
    return made


def _check(loaded: Loaded, schemas: SchemaChecker) -> None:
    names = [*(each.name for each in loaded.exporters), *(each.name for each in loaded.readers)]
    for name in [*names, *(each.name for each in loaded.platforms)]:
        if not _NAME.fullmatch(name):
            raise Unfit(f"{name!r} is no name: use lower-case letters, digits and hyphens")
    for exporter in loaded.exporters:
        if not _ENDING.fullmatch(f".{exporter.ending}"):
            raise Unfit(f"{exporter.ending!r} is no ending of a file name")
    for reader in loaded.readers:
        if not reader.endings or not all(_ENDING.fullmatch(each) for each in reader.endings):
            raise Unfit(f"{reader.name} needs endings such as .eml")
    _check_tools(loaded.tools, schemas)
    for kind in loaded.platforms:
        _check_schema(f"the options of {kind.name}", kind.options, schemas)
    if not loaded.adds:
        raise Unfit("it adds nothing: mark its functions with hookimpl")


def _check_tools(tools: Sequence[Tool], schemas: SchemaChecker) -> None:
    names = [each.name for each in tools]
    if len(set(names)) < len(names) or len(names) > MAX_TOOLS:
        raise Unfit(f"it may add at most {MAX_TOOLS} tools, each with a name of its own")
    for tool in tools:
        if not _TOOL_NAME.fullmatch(tool.name):
            raise Unfit(f"{tool.name!r} is no name of a tool: use lower-case letters, digits and underscores")
        if not tool.title.strip() or not tool.description.strip() or len(tool.description) > MAX_DESCRIPTION_LENGTH:
            raise Unfit(f"the tool {tool.name} needs a title, and a description of at most {MAX_DESCRIPTION_LENGTH:,} characters")
        _check_schema(f"the parameters of {tool.name}", tool.parameters, schemas)


def _check_schema(what: str, schema: Mapping[str, Any], schemas: SchemaChecker) -> None:
    try:
        written = json.dumps(schema, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as problem:
        raise Unfit(f"{what} are not JSON") from problem
    if len(written) > MAX_SCHEMA_LENGTH:
        raise Unfit(f"{what} take more than {MAX_SCHEMA_LENGTH:,} characters")
    if wrong := schemas.unusable(schema):
        raise Unfit(f"{what}: {wrong}")
    if schema.get("type") != "object":
        raise Unfit(f"{what} must be of the type object")
