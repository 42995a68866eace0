"""Declare what plugins need of the database, and of the process that runs their slow functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from core.plugins.records import Chat, PluginState

OnPlace = Callable[[int], None]
"""Told the queue position now and then; 1 is next."""


class PluginRepository(Protocol):
    def all(self) -> Sequence[PluginState]:
        """Return what is stored about plugins, by name."""
        ...

    def get(self, name: str) -> PluginState | None: ...
    def put(self, state: PluginState) -> None: ...
    def failed(self, name: str, error: str, at: datetime) -> None:
        """Store how a plugin failed. Has no effect on one that is not stored."""
        ...

    def rename_group(self, old: str, new: str) -> None: ...
    def remove_group(self, group: str) -> None:
        """Turn plugins off for a group."""
        ...


class PluginFailed(Exception):
    """A plugin's function failed in its process; the text says how, for admins."""


class PluginProcess(Protocol):
    """Runs functions of plugins in a process of its own, which is ended when it takes too long or too much memory."""

    def write(self, entry: str, exporter: str, chats: Sequence[Chat], person: str) -> Sequence[bytes]:
        """Have an exporter write chats. entry: the plugin's entry point, as module:object. person: processes are shared fairly.

        Raises PluginFailed, InvalidInput with the plugin's own sentence, Busy and Unavailable.
        """
        ...

    def read(self, entry: str, reader: str, name: str, content: bytes, person: str, on_place: OnPlace | None = None) -> str:
        """Have a reader read a file. Raises as `write` does, and what on_place raises."""
        ...
