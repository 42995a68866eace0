"""Decide which plugins are on for whom, and call them. A plugin that fails is skipped and reported to admins; the others continue."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from core.characters import cut, without_controls
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound, PortalError, StoredError, Unavailable
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.plugins.bounded_calls import NotWanted, TookTooLong
from core.plugins.hookspecs import PluginRefusal
from core.plugins.loading import Installed, Loaded
from core.plugins.message_filters import Filter, MessageFilters
from core.plugins.offered_platform import OfferedPlatform
from core.plugins.offered_tool import OfferedTool, ToolFailed
from core.plugins.ports import OnQueuePosition, PluginFailed, PluginProcess, SchemaChecker
from core.plugins.records import (
    Chat,
    Exporter,
    ExportFormat,
    FileReader,
    Person,
    PluginInfo,
    PluginState,
    SectionPage,
    ShownSection,
    Tool,
    ToolContext,
)
from core.plugins.registry import PluginRegistry, error_text, origin_of, quoted, refusal_of
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

FILTER_S, SECTION_S, TOOL_S = 2.0, 2.0, 20.0
"""How long a plugin may take to filter the texts of a request or some lines of an answer, to write a section, and to run a tool."""
MAX_SECTION_LENGTH, MAX_TEXT_LENGTH = 20_000, 5_000_000
EXPORT_FAILED = "The plugin for {title} failed. Choose another format, or ask an admin: the Plugins page says why."


class Plugins:
    """Turns plugins on and off, and calls those that are on."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, clock: Clock, process: PluginProcess, schemas: SchemaChecker, own: Sequence[Installed] = (),
    ) -> None:  # fmt: skip
        """process: runs exporters and file readers. own: plugins that ship with the portal."""
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._process = process
        self._schemas = schemas
        self._registry = PluginRegistry(unit_of_work, clock, schemas, own)

    # For admins

    def list(self, actor: User) -> Sequence[PluginInfo]:
        """Return every plugin that is installed or turned on, by name."""
        require(actor, Permission.RUN_PLUGINS)
        with self._unit_of_work() as work:
            states = {state.name: state for state in work.plugins.all()}
        names = {*self._registry.installed(), *(name for name, state in states.items() if state.is_on)}
        return [self._info(states.get(name, PluginState(name=name))) for name in sorted(names)]

    def groups(self, actor: User) -> Sequence[str]:
        """Return the names of the groups that plugins can be turned on for."""
        require(actor, Permission.RUN_PLUGINS)
        with self._unit_of_work() as work:
            return [group.name for group in work.groups.all()]

    def change(self, actor: User, name: str, *, everyone: bool = False, groups: Collection[str] = ()) -> PluginInfo:
        """Turn a plugin on for everyone or for groups, or off for all. It is imported first, and stays as it was if that fails.

        Raises NotFound, InvalidInput for a group that does not exist, Conflict if it cannot be imported.
        """
        require(actor, Permission.RUN_PLUGINS)
        wanted = () if everyone else tuple(sorted(set(groups)))
        with self._unit_of_work() as work:
            known, stored = {group.name for group in work.groups.all()}, work.plugins.get(name)
        if name not in self._registry.installed() and stored is None:
            raise NotFound("There is no plugin {name}. Install its package and start the portal again.", name=name[:80])
        if missing := set(wanted) - known:
            raise InvalidInput("There is no group {name}.", name=min(missing)[:80])
        adds = stored.adds if stored else ()
        if everyone or wanted:
            adds = self._tried(name).adds
        state = PluginState(name=name, everyone=everyone, groups=wanted, adds=adds)
        with self._unit_of_work() as work:
            work.plugins.put(state)
            who = "everyone" if everyone else ", ".join(wanted) or "nobody"
            record(work, self._clock(), actor.id, "plugin.change", name, on_for=who)
            work.commit()
        return self._info(state)

    def _info(self, state: PluginState) -> PluginInfo:
        found = self._registry.installed().get(state.name)
        if found is None:
            return PluginInfo(state=state, installed=False)
        return PluginInfo(state=state, installed=True, version=found.version, package=found.package, summary=found.summary)

    def _tried(self, name: str) -> Loaded:
        """Import a plugin for an admin. Raises Conflict with the reason."""
        found = self._registry.installed().get(name)
        if found is None:
            raise Conflict("The package of the plugin {name} is not installed. Install it and start the portal again.", name=name)
        try:
            return self._registry.load(found)
        except Exception as problem:
            log.warning("the plugin %s cannot be imported: %s", name, origin_of(problem))
            raise Conflict("{name} cannot be turned on: “{problem}”", name=name, problem=error_text(problem)) from problem

    # For people

    def export_formats(self, user: User) -> Sequence[ExportFormat]:
        """Return the formats that plugins add for this person."""
        return [ExportFormat(each.name, each.title) for _, each in self._exporters(user)]

    def write(self, user: User, format: str, chats: Sequence[Chat]) -> tuple[Exporter, Sequence[bytes]]:
        """Have a plugin write chats, each as a file. Raises NotFound for an unknown format, InvalidInput, Busy, Unavailable."""
        loaded, exporter = next((each for each in self._exporters(user) if each[1].name == format), (None, None))
        if loaded is None or exporter is None:
            raise NotFound("There is no export format {name}.", name=format[:80])
        try:
            with quoted(loaded.installed):
                return exporter, self._process.write(loaded.installed.entry.value, exporter.name, chats, user.id)
        except PluginFailed as problem:
            self._registry.failed(loaded.installed.name, "exporters", problem)
            raise Unavailable(EXPORT_FAILED, title=exporter.title) from problem

    def read(self, user: User, name: str, content: bytes, on_queue_position: OnQueuePosition | None = None) -> str | None:
        """Return the text of a file that a plugin reads; None if none reads it, or if it failed.

        Raises InvalidInput with the plugin's own sentence, and what on_queue_position raises.
        """
        for loaded, reader in self._readers(user, name):
            try:
                with quoted(loaded.installed):
                    text = self._process.read(loaded.installed.entry.value, reader.name, name, content, user.id, on_queue_position)
            except PluginFailed as problem:
                self._registry.failed(loaded.installed.name, "file_readers", problem)
                continue
            if text.strip():
                return cut(without_controls(text).replace("\r\n", "\n").replace("\r", "\n"), MAX_TEXT_LENGTH)
        return None

    def endings(self, user: User) -> Sequence[str]:
        """Return the endings of the names of files that plugins read for this person."""
        return sorted({ending for loaded in self._registry.on(user) for reader in loaded.readers for ending in reader.endings})

    def filters(self, user: User) -> MessageFilters | None:
        """Return the message filters that are on for this person; None if there are none."""
        person = _person(user)
        found = list(self._registry.on(user))
        questions = [self._filter(each, "filter_question", each.hook.filter_question, person) for each in found if each.filters_questions]
        answers = [self._filter(each, "filter_answer", each.hook.filter_answer, person) for each in found if each.filters_answers]
        return MessageFilters(questions, answers) if questions or answers else None

    def tools(self, user: User) -> Sequence[OfferedTool]:
        """Return the tools that are on for this person, by plugin. Of two with one name the first counts."""
        found: dict[str, OfferedTool] = {}
        for loaded in self._registry.on(user):
            for tool in loaded.tools:
                run = partial(self._run_tool, loaded, tool)
                found.setdefault(tool.name, OfferedTool(plugin=loaded.installed.name, tool=tool, run=run, schemas=self._schemas))
        return list(found.values())

    def _run_tool(self, loaded: Loaded, tool: Tool, arguments: Mapping[str, Any], context: ToolContext) -> str:
        """Call a tool. Raises ToolFailed with an error for the person and the model, and NotWanted once the answer is stopped."""
        name = loaded.installed.name
        try:
            made = self._registry.calls.call(name, TOOL_S, lambda: tool.run(arguments, context), context.stopped)
            if not isinstance(made, str):
                raise TypeError(f"a tool must return a text, not {type(made).__name__}")
        except NotWanted:
            raise
        except PortalError as refusal:
            raise ToolFailed(StoredError.of(refusal)) from refusal
        except PluginRefusal as refusal:
            raise ToolFailed(refusal_of(loaded.installed, str(refusal))) from refusal
        except TookTooLong as problem:
            self._registry.failed(name, "tools", problem)
            raise ToolFailed(StoredError("The tool took longer than {seconds} s and was left.", {"seconds": int(TOOL_S)})) from problem
        except Exception as problem:
            self._registry.failed(name, "tools", problem)
            raise ToolFailed(StoredError("The tool failed. Ask an admin: the Plugins page says why.")) from problem
        return made

    def platform_kind(self, name: str) -> OfferedPlatform | None:
        """Return a kind of platform of the plugins that are on for everyone; None if there is none."""
        for loaded in self._registry.on(None):
            for kind in loaded.platforms:
                if kind.name == name:
                    plugin = loaded.installed.name
                    failed = partial(self._registry.failed, plugin, "platforms")
                    return OfferedPlatform(plugin=plugin, kind=kind, failed=failed, call=self._registry.calls.call, schemas=self._schemas)
        return None

    def sections(self, user: User, page: SectionPage) -> Sequence[ShownSection]:
        """Return what plugins show this person at the end of a page."""
        shown = []
        person = _person(user)
        for loaded in self._registry.on(user):
            for section in loaded.sections:
                if section.page is not page:
                    continue
                text = self._registry.call(loaded, "page_sections", SECTION_S, lambda section=section: str(section.text(person)))  # type: ignore[misc]
                if text and text.strip():
                    shown.append(ShownSection(title=section.title, text=cut(text, MAX_SECTION_LENGTH)))
        return shown

    def _exporters(self, user: User) -> Iterator[tuple[Loaded, Exporter]]:
        require(user, Permission.EXPORT)
        return ((loaded, each) for loaded in self._registry.on(user) for each in loaded.exporters)

    def _readers(self, user: User, name: str) -> Iterator[tuple[Loaded, FileReader]]:
        return ((loaded, each) for loaded in self._registry.on(user) for each in loaded.readers if name.lower().endswith(each.endings))

    def _filter(self, loaded: Loaded, hook: str, call: Callable[..., object], person: Person) -> Filter:
        """Return a filter that raises nothing. After a failure it leaves the rest of this request alone."""
        broken = False

        def change(texts: Sequence[str]) -> Sequence[str]:
            nonlocal broken
            if broken or not texts:
                return texts
            made = self._registry.call(loaded, hook, FILTER_S, lambda: [_text(call(text=text, person=person), text) for text in texts])
            broken = made is None
            return texts if made is None else made

        return change


def _person(user: User) -> Person:
    return Person(id=user.id, group=user.group, language=user.language)


def _text(made: object, given: str) -> str:
    if made is None:
        return given
    if not isinstance(made, str):
        raise TypeError(f"a filter must return a text or None, not {type(made).__name__}")
    return made

