"""Say which plugins are on for whom, and ask them for what they add. Each fails alone: what fails is noted for admins and passed over."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from core.characters import cut, without_controls
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound, PortalError, Unavailable
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.plugins.bounded_calls import BoundedCalls
from core.plugins.loading import Installed, Loaded, find_installed, load
from core.plugins.message_filters import Filter, MessageFilters
from core.plugins.ports import OnPlace, PluginFailed, PluginProcess
from core.plugins.records import Chat, Exporter, ExportFormat, FileReader, Person, PluginInfo, PluginState, SectionPage, ShownSection
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)
R = TypeVar("R")

LOAD_S, FILTER_S, SECTION_S = 10.0, 2.0, 2.0
"""How long a plugin may take to be imported, to filter the texts of a request or some lines of an answer, and to write a section."""
LONGEST_ERROR, LONGEST_SECTION, LONGEST_TEXT = 500, 20_000, 5_000_000
NOTED_AGAIN = timedelta(seconds=10)
"""A plugin that fails again within this time is logged, and not written to the database once more."""


class Plugins:
    """Imports a plugin when it is first needed, and never one that is off."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, clock: Clock, process: PluginProcess, own: Sequence[Installed] = (),
    ) -> None:  # fmt: skip
        """process: runs exporters and file readers. own: plugins that the portal brings along."""
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._process = process
        self._own = own
        self._calls = BoundedCalls()
        self._lock = threading.Lock()
        self._installed: dict[str, Installed] | None = None
        self._loaded: dict[str, Loaded] = {}
        self._broken: set[str] = set()
        """Plugins that could not be imported; an admin who turns one on tries again."""
        self._noted: dict[str, datetime] = {}

    # What admins do

    def list(self, actor: User) -> Sequence[PluginInfo]:
        """Return every plugin that is installed or turned on, by name."""
        require(actor, Permission.RUN_PLUGINS)
        with self._unit_of_work() as work:
            states = {state.name: state for state in work.plugins.all()}
        names = {*self._found(), *(name for name, state in states.items() if state.is_on)}
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
        if name not in self._found() and stored is None:
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

    def _found(self) -> dict[str, Installed]:
        with self._lock:
            if self._installed is None:
                self._installed = {each.name: each for each in (*find_installed(), *self._own)}
            return self._installed

    def _info(self, state: PluginState) -> PluginInfo:
        found = self._found().get(state.name)
        if found is None:
            return PluginInfo(state=state, installed=False)
        return PluginInfo(state=state, installed=True, version=found.version, package=found.package, summary=found.summary)

    def _tried(self, name: str) -> Loaded:
        """Import a plugin for an admin. Raises Conflict with the reason."""
        found = self._found().get(name)
        if found is None:
            raise Conflict("The package of the plugin {name} is not installed. Install it and start the portal again.", name=name)
        try:
            return self._load(found)
        except Exception as problem:
            log.warning("the plugin %s cannot be imported: %s", name, _where(problem))
            raise Conflict("{name} cannot be turned on: {problem}", name=name, problem=_told(problem)) from problem

    # What plugins add

    def export_formats(self, user: User) -> Sequence[ExportFormat]:
        """Return the formats that plugins add for this person."""
        return [ExportFormat(each.name, each.title) for _, each in self._exporters(user)]

    def write(self, user: User, format: str, chats: Sequence[Chat]) -> tuple[Exporter, Sequence[bytes]]:
        """Have a plugin write chats, each as a file. Raises NotFound for an unknown format, InvalidInput, Busy, Unavailable."""
        loaded, exporter = next((each for each in self._exporters(user) if each[1].name == format), (None, None))
        if loaded is None or exporter is None:
            raise NotFound("There is no export format {name}.", name=format[:80])
        try:
            return exporter, self._process.write(loaded.installed.entry.value, exporter.name, chats, user.id)
        except PluginFailed as problem:
            self._failed(loaded.installed.name, "exporters", problem)
            sentence = "The plugin for {title} failed. Choose another format, or ask an admin: the Plugins page says why."
            raise Unavailable(sentence, title=exporter.title) from problem

    def read(self, user: User, name: str, content: bytes, on_place: OnPlace | None = None) -> str | None:
        """Return the text of a file that a plugin reads; None if none reads it, or if it failed.

        Raises InvalidInput with the plugin's own sentence, and what on_place raises.
        """
        for loaded, reader in self._readers(user, name):
            try:
                text = self._process.read(loaded.installed.entry.value, reader.name, name, content, user.id, on_place)
            except PluginFailed as problem:
                self._failed(loaded.installed.name, "file_readers", problem)
                continue
            if text.strip():
                return cut(without_controls(text).replace("\r\n", "\n").replace("\r", "\n"), LONGEST_TEXT)
        return None

    def filters(self, user: User) -> MessageFilters | None:
        """Return the message filters that are on for this person; None if there are none."""
        person = _person(user)
        found = list(self._on(user))
        questions = [self._filter(each, "filter_question", each.hook.filter_question, person) for each in found if each.filters_questions]
        answers = [self._filter(each, "filter_answer", each.hook.filter_answer, person) for each in found if each.filters_answers]
        return MessageFilters(questions, answers) if questions or answers else None

    def sections(self, user: User, page: SectionPage) -> Sequence[ShownSection]:
        """Return what plugins show this person at the end of a page."""
        shown = []
        person = _person(user)
        for loaded in self._on(user):
            for section in loaded.sections:
                if section.page is not page:
                    continue
                text = self._asked(loaded, "page_sections", SECTION_S, lambda section=section: str(section.text(person)))  # type: ignore[misc]
                if text and text.strip():
                    shown.append(ShownSection(title=section.title, text=cut(text, LONGEST_SECTION)))
        return shown

    def _exporters(self, user: User) -> Iterator[tuple[Loaded, Exporter]]:
        require(user, Permission.EXPORT)
        return ((loaded, each) for loaded in self._on(user) for each in loaded.exporters)

    def _readers(self, user: User, name: str) -> Iterator[tuple[Loaded, FileReader]]:
        return ((loaded, each) for loaded in self._on(user) for each in loaded.readers if name.lower().endswith(each.endings))

    def _on(self, user: User) -> Iterator[Loaded]:
        """Yield the plugins that are on for this person, imported. One that cannot be imported is noted once and passed over."""
        with self._unit_of_work() as work:
            states = [state for state in work.plugins.all() if state.is_on_for(user.group)]
        for state in states:
            found = self._found().get(state.name)
            if found is None or state.name in self._broken:
                continue
            try:
                yield self._load(found)
            except Exception as problem:  # noqa: BLE001 - whatever a plugin raises, the portal goes on without it
                self._broken.add(state.name)
                self._failed(state.name, "import", problem)

    def _load(self, found: Installed) -> Loaded:
        with self._lock:
            loaded = self._loaded.get(found.name)
        if loaded is None:
            loaded = self._calls.call(found.name, LOAD_S, partial(load, found))
            with self._lock:
                self._loaded[found.name] = loaded
                self._broken.discard(found.name)
        return loaded

    def _filter(self, loaded: Loaded, hook: str, call: Callable[..., object], person: Person) -> Filter:
        """Return a filter that raises nothing. After a failure it leaves the rest of this request alone."""
        broken = False

        def change(texts: Sequence[str]) -> Sequence[str]:
            nonlocal broken
            if broken or not texts:
                return texts
            made = self._asked(loaded, hook, FILTER_S, lambda: [_text(call(text=text, person=person), text) for text in texts])
            broken = made is None
            return texts if made is None else made

        return change

    def _asked(self, loaded: Loaded, hook: str, limit_s: float, function: Callable[[], R]) -> R | None:
        try:
            return self._calls.call(loaded.installed.name, limit_s, function)
        except Exception as problem:  # noqa: BLE001 - whatever a plugin raises, the portal goes on without it
            self._failed(loaded.installed.name, hook, problem)
            return None

    def _failed(self, name: str, hook: str, problem: Exception) -> None:
        """Note how a plugin failed. The log gets no text of an error, which may hold what people wrote."""
        log.error("the plugin %s failed in %s: %s", name, hook, _where(problem))
        now = self._clock()
        with self._lock:
            if now - self._noted.get(name, now - NOTED_AGAIN) < NOTED_AGAIN:
                return
            self._noted[name] = now
        try:
            with self._unit_of_work() as work:
                work.plugins.failed(name, f"{hook}: {_told(problem)}", now)
                work.commit()
        except PortalError as error:
            log.warning("the failure of the plugin %s could not be stored: %s", name, error)


def _person(user: User) -> Person:
    return Person(id=user.id, group=user.group, language=user.language)


def _text(made: object, given: str) -> str:
    if made is None:
        return given
    if not isinstance(made, str):
        raise TypeError(f"a filter must return a text or None, not {type(made).__name__}")
    return made


def _told(problem: Exception) -> str:
    return cut(str(problem) if isinstance(problem, PluginFailed) else f"{type(problem).__name__}: {problem}", LONGEST_ERROR)


def _where(problem: Exception) -> str:
    frames = traceback.extract_tb(problem.__traceback__)
    return f"{type(problem).__name__} at {frames[-1].filename}:{frames[-1].lineno}" if frames else type(problem).__name__
