"""Declare the repository of plugins, the process that runs their slow functions, and the checker of their JSON schemas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from core.plugins.records import Chat, PluginState

OnQueuePosition = Callable[[int], None]
"""Receives the queue position from time to time; 1 is next."""


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
    """Raised when a plugin's function fails in its process; the text says how, for admins."""


class PluginProcess(Protocol):
    """Runs functions of plugins in a separate process, which is ended when it takes too long or too much memory."""

    def write(self, entry: str, exporter: str, chats: Sequence[Chat], person: str) -> Sequence[bytes]:
        """Have an exporter write chats. entry: the plugin's entry point, as module:object. person: processes are shared fairly.

        Raises PluginFailed, InvalidInput with the plugin's own sentence, Busy and Unavailable.
        """
        ...

    def read(
        self, entry: str, reader: str, name: str, content: bytes, person: str, on_queue_position: OnQueuePosition | None = None
    ) -> str:
        """Have a reader read a file. Raises as `write` does, and what on_queue_position raises."""
        ...


class SchemaChecker(Protocol):
    """Checks JSON schemas, and values against them. However a schema is made, a check takes little time."""

    def unusable(self, schema: object) -> str:
        """Return why a schema cannot be used; empty if it can."""
        ...

    def problems(self, value: object, schema: Mapping[str, Any]) -> Sequence[str]:
        """Return why a value does not fit a schema, in words for the model; empty if it fits."""
        ...
