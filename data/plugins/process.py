"""Run exporters and file readers of plugins in processes with limits, fairly by person."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from core.errors import InvalidInput, Unavailable
from core.plugins.ports import OnQueuePosition, PluginFailed
from core.plugins.records import Chat
from data.bounded_process import BoundedProcess, OverLimit

CPU_S = 60
WALL_S = 60.0
WAIT_S = 60.0
MEMORY_BYTES = 1 << 30
AT_ONCE, MAX_OPEN = 1, 4
"""Calls that run at once, and calls begun: a long one pauses while others run."""
WORKER = Path(__file__).with_name("worker.py")
_BUSY = "Others are exporting chats or uploading files. Try again in a minute."
_UNAVAILABLE = "The process of a plugin ended early or could not start"


class WorkerPluginProcess:
    """Starts a process for each call, which imports the plugin. Thread-safe."""

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        *,
        cpu_s: int = CPU_S,
        wall_s: float = WALL_S,
        memory_bytes: int = MEMORY_BYTES,
        wait_s: float = WAIT_S,
    ) -> None:
        """environment: variables for plugins, which get no others. cpu_s, wall_s, memory_bytes: limits for one call."""
        self._limits = {"cpu_s": cpu_s, "memory_bytes": memory_bytes}
        self._process = BoundedProcess(
            WORKER, at_once=AT_ONCE, most_open=MAX_OPEN, wall_s=wall_s, wait_s=wait_s, busy=_BUSY, unavailable=_UNAVAILABLE,
            environment=environment or {},
        )  # fmt: skip

    def write(self, entry: str, exporter: str, chats: Sequence[Chat], person: str) -> Sequence[bytes]:
        content = json.dumps([asdict(chat) for chat in chats], default=_moment).encode("utf-8", "replace")
        answer = self._ask({"entry": entry, "hook": "exporters", "name": exporter}, content, person, None)
        files = []
        while answer:
            size = int.from_bytes(answer[:8], "big")
            files.append(answer[8 : 8 + size])
            answer = answer[8 + size :]
        if len(files) != len(chats):
            raise PluginFailed(f"it wrote {len(files)} files instead of {len(chats)}")
        return files

    def read(
        self, entry: str, reader: str, name: str, content: bytes, person: str, on_queue_position: OnQueuePosition | None = None
    ) -> str:
        asked = {"entry": entry, "hook": "file_readers", "name": reader, "file": name}
        return self._ask(asked, content, person, on_queue_position).decode("utf-8", "replace")

    def _ask(self, asked: Mapping[str, str], content: bytes, person: str, on_queue_position: OnQueuePosition | None) -> bytes:
        try:
            answer = self._process.run(content, {**asked, **self._limits, "path": sys.path}, person, on_queue_position)
        except OverLimit as problem:
            raise PluginFailed("it took too much time or memory") from problem
        except Unavailable as problem:
            raise PluginFailed(str(problem)) from problem
        kind, rest = answer[:1], answer[1:]
        if kind == b"?":
            raise InvalidInput("{sentence}", sentence=rest.decode("utf-8", "replace")[:500])
        if kind != b"+":
            raise PluginFailed(rest.decode("utf-8", "replace") or "it gave no answer")
        return rest


def _moment(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()
