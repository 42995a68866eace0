"""Know the installed plugins, import those that are on, and record how they fail."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from core.characters import cut, one_line
from core.clock import Clock
from core.errors import InvalidInput, PortalError, StoredError
from core.people.records import User
from core.plugins.bounded_calls import BoundedCalls
from core.plugins.loading import Installed, Loaded, find_installed, load
from core.plugins.ports import PluginFailed, SchemaChecker
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)
R = TypeVar("R")

LOAD_S = 10.0
"""How long a plugin may take to be imported."""
MAX_ERROR_LENGTH = 500
REPORTS = "The plugin {plugin} reports: “{sentence}”"
RECORDED_AGAIN = timedelta(seconds=10)
"""A failure that repeats within this time is logged but not stored again."""


class PluginRegistry:
    """Imports a plugin when it is first needed, and never one that is off. Safe from any thread."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, schemas: SchemaChecker, own: Sequence[Installed]) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._schemas = schemas
        self._own = own
        self.calls = BoundedCalls()
        self._lock = threading.Lock()
        self._installed: dict[str, Installed] | None = None
        self._loaded: dict[str, Loaded] = {}
        self._broken: set[str] = set()
        """Plugins that could not be imported; an admin who turns one on tries again."""
        self._recorded: dict[str, datetime] = {}

    def installed(self) -> dict[str, Installed]:
        """Return the installed plugins by name, without importing any."""
        with self._lock:
            if self._installed is None:
                self._installed = {each.name: each for each in (*find_installed(), *self._own)}
            return self._installed

    def on(self, user: User | None) -> Iterator[Loaded]:
        """Yield the plugins that are on for this person, imported. One that cannot be imported is reported once and skipped.

        user: None for those that are on for everyone.
        """
        with self._unit_of_work() as work:
            states = [state for state in work.plugins.all() if (state.is_on_for(user.group) if user is not None else state.everyone)]
        for state in states:
            found = self.installed().get(state.name)
            if found is None or state.name in self._broken:
                continue
            try:
                yield self.load(found)
            except Exception as problem:  # noqa: BLE001 - whatever a plugin raises, the portal continues without it
                self._broken.add(state.name)
                self.failed(state.name, "import", problem)

    def load(self, found: Installed) -> Loaded:
        """Import a plugin, once. Raises what the plugin raises, and Unfit."""
        with self._lock:
            loaded = self._loaded.get(found.name)
        if loaded is None:
            loaded = self.calls.call(found.name, LOAD_S, partial(load, found, self._schemas))
            with self._lock:
                self._loaded[found.name] = loaded
                self._broken.discard(found.name)
        return loaded

    def call(self, loaded: Loaded, hook: str, limit_s: float, function: Callable[[], R]) -> R | None:
        """Call a function of a plugin. Returns None if it fails, which is recorded."""
        try:
            return self.calls.call(loaded.installed.name, limit_s, function)
        except Exception as problem:  # noqa: BLE001 - whatever a plugin raises, the portal continues without it
            self.failed(loaded.installed.name, hook, problem)
            return None

    def failed(self, name: str, hook: str, problem: Exception) -> None:
        """Store how a plugin failed. The log gets no error text, which may contain what people wrote."""
        log.error("the plugin %s failed in %s: %s", name, hook, origin_of(problem))
        now = self._clock()
        with self._lock:
            if now - self._recorded.get(name, now - RECORDED_AGAIN) < RECORDED_AGAIN:
                return
            self._recorded[name] = now
        try:
            with self._unit_of_work() as work:
                work.plugins.failed(name, f"{hook}: {error_text(problem)}", now)
                work.commit()
        except PortalError as error:
            log.warning("the failure of the plugin %s could not be stored: %s", name, error)


def error_text(problem: Exception) -> str:
    return cut(str(problem) if isinstance(problem, PluginFailed) else f"{type(problem).__name__}: {problem}", MAX_ERROR_LENGTH)


def refusal_of(found: Installed, sentence: str) -> StoredError:
    """Return the sentence of a plugin that refuses something. That of a package is quoted, because it is not translated."""
    words = cut(one_line(sentence), MAX_ERROR_LENGTH)
    return StoredError(REPORTS, {"plugin": found.name, "sentence": words}) if found.package else StoredError.of_text(words)


@contextmanager
def quoted(found: Installed) -> Iterator[None]:
    """Raise InvalidInput with the sentence of a plugin, which its process raises, as `refusal_of` has it."""
    try:
        yield
    except InvalidInput as problem:
        if problem.template != "{sentence}":
            raise
        refusal = refusal_of(found, str(problem))
        raise InvalidInput(refusal.template, **refusal.params) from problem


def origin_of(problem: Exception) -> str:
    """Return the kind of an error and the line that raised it, without its text."""
    frames = traceback.extract_tb(problem.__traceback__)
    return f"{type(problem).__name__} at {frames[-1].filename}:{frames[-1].lineno}" if frames else type(problem).__name__
