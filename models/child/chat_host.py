"""Run a chat model in its process: the main thread reads requests, the engine's thread decodes, a third one sends the events.

All events of a step are sent in one message.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from core.errors import PortalError
from core.inference.requests import Finished
from models.child.wire import Channel, Message, answer_call, read_params, write_event, write_logprobs
from models.engine.engine import Engine
from models.engine.kv_cache.offload_files import OffloadFiles
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.options import BackendOptions
from models.engine.sequence import Event, EventQueue, Sequence
from models.engine.stats.metrics import EngineMetrics

GATHER_S = 0.001
"""Seconds from an event to its message: the other events of the same step arrive within this."""
METRICS_S = 0.25
"""Seconds between two messages with the engine's metrics."""
CLOSE_S = 20.0
_log = logging.getLogger(__name__)


class _Outlet(EventQueue):
    """A sequence's queue of events: each is sent with the next message to the portal."""

    def __init__(self, send: Callable[[Event], None]) -> None:
        self._send = send

    def put(self, item: Event, block: bool = True, timeout: float | None = None) -> None:
        self._send(item)


class ChatHost:
    def __init__(self, channel: Channel, first: Message, progress: Callable[[float], bool]) -> None:
        """Loads the model. Raises ModelFailed."""
        self._channel = channel
        self._backend = LlamaBackend(Path(first["path"]), BackendOptions(**first["options"]), progress)
        self._files = _files(first["offload"])
        last_error = self._backend.last_error
        self._engine = Engine(self._backend, first["name"], last_error=last_error, files=self._files, max_wait_s=first["max_wait_s"])
        self.ready = {
            "context": self._backend.context,
            "markers": self._backend.control_markers(),
            "gap_tokens": self._backend.gap_tokens(),
            "vocabulary": self._backend.vocabulary,
            "metrics": asdict(self._engine.metrics()),
        }
        self._running: dict[int, Sequence] = {}
        self._sent: dict[int, int] = {}
        """How many tokens of each answer were sent to the portal."""
        self._outbox: SimpleQueue[list[Any] | None] = SimpleQueue()
        self._metrics: EngineMetrics | None = None
        self._metrics_at = 0.0

    def run(self) -> None:
        """Answer requests until the portal asks to close. Ends the process at once if the portal is gone."""
        calls: dict[str, Callable[..., object]] = {
            "submit": self._submit,
            "tokenize": self._backend.tokenize_pieces,
            "pieces": self._pieces,
            "prepare_grammar": self._backend.prepare_grammar,
            "logged": self._backend.logged,
        }
        self._engine.start()
        writer = threading.Thread(target=self._write, name="tell", daemon=True)
        writer.start()
        while True:
            message = self._channel.receive()
            match message:
                case None:
                    os._exit(1)
                case {"call": int(number), "name": str(name), "args": list(arguments)}:
                    answer_call(self._channel, number, calls[name], arguments)
                case {"cancel": int(number)}:
                    if sequence := self._running.get(number):
                        self._engine.cancel(sequence)
                case {"prefetch": [list(held), list(tokens)]}:
                    self._engine.prefetch(held, tokens)
                case {"close": True}:
                    break
                case _:
                    raise ValueError(f"an unknown message with {list(message)[:3]}")
        self._engine.close(CLOSE_S)
        self._outbox.put(None)
        writer.join(CLOSE_S)
        if self._files is not None:
            self._files.close()

    def _submit(
        self, number: int, tokens: list[int], params: Message, max_tokens: int, user_id: str, batch: bool, adapter: int
    ) -> None:
        sequence = Sequence(len(tokens), tokens, read_params(params), max_tokens, user_id, batch, adapter)
        sequence.events = _Outlet(lambda event: self._send(number, sequence, event))
        self._running[number], self._sent[number] = sequence, 0
        try:
            self._engine.queue(sequence)
        except PortalError:
            self._forget(number)
            raise

    def _pieces(self, tokens: list[int]) -> list[str]:
        return [piece.hex() for piece in self._backend.pieces(tokens)]

    def _forget(self, number: int) -> None:
        del self._running[number], self._sent[number]

    def _send(self, number: int, sequence: Sequence, event: Event) -> None:
        """Runs on the decode thread; on the main thread for answers that never ran."""
        sent = self._sent[number]
        tokens = sequence.tokens[sequence.prompt_length + sent :]
        logprobs = write_logprobs(sequence.logprobs[sent:]) if sequence.logprobs else []
        self._sent[number] = sent + len(tokens)
        if isinstance(event, Finished | PortalError):
            self._forget(number)
        self._outbox.put([number, write_event(event), tokens, logprobs, sequence.detokenizer.stopped])

    # The writer's thread

    def _write(self) -> None:
        while True:
            events: list[Any] = []
            try:
                found = self._outbox.get(timeout=METRICS_S)
                time.sleep(GATHER_S)
                while found is not None:
                    events.append(found)
                    found = self._outbox.get_nowait()
                more = False
            except Empty:
                more = True
            message: Message = {"events": events} if events else {}
            if time.monotonic() - self._metrics_at >= METRICS_S:
                self._metrics_at = time.monotonic()
                metrics = self._engine.metrics()
                if metrics != self._metrics:
                    self._metrics = metrics
                    message["metrics"] = asdict(metrics)
            if message:
                self._channel.send(message)
            if not more:
                return


def _files(offload: list[Any] | None) -> OffloadFiles | None:
    """offload: the folder, and how many bytes it may hold."""
    if offload is None:
        return None
    folder, budget = offload
    try:
        return OffloadFiles(Path(folder), budget)
    except OSError as problem:
        _log.warning("conversations cannot be offloaded to disk (%s); they will be computed again", problem.strerror)
        return None
