"""Run a chat model in a separate process. ChildModel has the methods of both Engine and LlamaBackend that a platform calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from core.errors import PortalError
from core.inference.records import FinishReason
from core.inference.requests import Finished, SamplingParams
from models.child.supervised_process import Changed, SupervisedProcess
from models.child.wire import Message, read_event, read_logprobs, read_metrics, write_params
from models.engine.kv_cache.offload_files import OffloadFiles
from models.engine.llama.options import BackendOptions
from models.engine.sequence import Sequence, TokenDelta
from models.engine.stats.metrics import STUCK_S, EngineMetrics

SILENT_S = 2.0
"""Shorter silences are caused by a busy machine."""


@dataclass(slots=True, eq=False)
class _Mirror(Sequence):
    """A sequence of the process, as the portal knows it."""

    number: int = 0
    reported_end: Finished | None = None

    def finished(self, reason: FinishReason) -> Finished:
        """Return the end as the process reported it; only the process knows the times."""
        return replace(self.reported_end, finish_reason=reason) if self.reported_end else Sequence.finished(self, reason)


class ChildModel(SupervisedProcess):
    """Safe from any thread."""

    def __init__(
        self,
        name: str,
        path: Path,
        options: BackendOptions,
        progress: Callable[[float], bool] = lambda done: True,
        changed: Changed = lambda state, reason: None,
        files: OffloadFiles | None = None,
        max_wait_s: float | None = None,
    ) -> None:
        """As SupervisedProcess. max_wait_s: see Scheduler. files: lend it disk space for conversations that memory has no room for."""
        self._files, self._lent_bytes = files, files.lend() if files is not None else 0
        self._running: dict[int, _Mirror] = {}
        self._last_message_at = time.monotonic()
        self.context = 0
        self.slots = options.slots
        self._markers: list[str] = []
        self._gap_tokens: list[int] = []
        self.vocabulary = 0
        self._metrics = EngineMetrics(options.slots, 0, 0, 0, 0, 0, 0, 0.0, 0, 0, 0, 0, None)
        offload = [str(files.parent.absolute()), self._lent_bytes] if files is not None else None
        try:
            first = {"path": str(path.absolute()), "options": asdict(options), "offload": offload, "max_wait_s": max_wait_s}
            super().__init__(name, first, progress, changed)
        except BaseException:
            self._give_back()
            raise

    # What the platform asks of an engine

    def start(self) -> None:
        """Do nothing: the process starts its own engine."""

    def submit(
        self,
        prompt: list[int],
        params: SamplingParams,
        max_tokens: int,
        user_id: str,
        *,
        batch: bool = False,
        adapter: int = 0,
        label: str = "",
    ) -> Sequence:
        """See Engine.submit. Raises Busy, Unavailable, ModelFailed."""
        mirror = _Mirror(len(prompt), list(prompt), params, max_tokens, user_id, batch, adapter, label, number=next(self._numbers))
        with self._lock:
            if not self._running:
                self._last_message_at = time.monotonic()
            self._running[mirror.number] = mirror
        try:
            self._call("submit", mirror.number, prompt, write_params(params), max_tokens, user_id, batch, adapter)
        except PortalError:
            with self._lock:
                self._running.pop(mirror.number, None)
            self.cancel(mirror)  # it may have got there, though no answer came in time
            raise
        return mirror

    def check_room(self, user_id: str, *, batch: bool = False) -> None:
        """Do nothing: the process checks it when the question is submitted."""

    def prefetch(self, held: list[int], tokens: list[int]) -> None:
        """See Engine.prefetch."""
        self._send({"prefetch": [held, tokens]})

    def cancel(self, sequence: Sequence) -> None:
        if isinstance(sequence, _Mirror):
            self._send({"cancel": sequence.number})
            if self.metrics().step_running_s > STUCK_S:
                sequence.events.put(sequence.finished(FinishReason.CANCELLED))

    @property
    def idle(self) -> bool:
        return not self._running

    def metrics(self) -> EngineMetrics:
        """Return the metrics as last reported. They come four times a second, so a silent process that has work makes no progress."""
        silent_s = time.monotonic() - self._last_message_at if self._running and self._process is not None else 0.0
        return replace(self._metrics, step_running_s=max(self._metrics.step_running_s, silent_s if silent_s > SILENT_S else 0.0))

    def close(self, timeout: float = 30.0) -> bool:
        ended = super().close(timeout)
        if ended:
            self._give_back()
        return ended

    def _give_back(self) -> None:
        """Give back the disk space that its process used."""
        lent, self._lent_bytes = self._lent_bytes, 0
        if self._files is not None and lent:
            self._files.take_back(lent)

    # What the platform asks of a backend

    def tokenize(self, text: str) -> list[int]:
        return self.tokenize_pieces([text])

    def tokenize_pieces(self, pieces: list[str]) -> list[int]:
        return [int(token) for token in self._call("tokenize", pieces)]

    def pieces(self, tokens: Iterable[int]) -> list[bytes]:
        """See LlamaBackend.pieces."""
        return [bytes.fromhex(piece) for piece in self._call("pieces", list(tokens))]

    def gap_tokens(self) -> list[int]:
        return self._gap_tokens

    def prepare_grammar(self, text: str) -> None:
        """See LlamaBackend.prepare_grammar."""
        self._call("prepare_grammar", text)

    def control_markers(self) -> list[str]:
        return self._markers

    # The watching thread

    def _ready(self, ready: Message) -> None:
        self.context, self._markers = int(ready["context"]), [str(one) for one in ready["markers"]]
        self._gap_tokens, self.vocabulary = [int(one) for one in ready["gap_tokens"]], int(ready["vocabulary"])
        self._metrics = read_metrics(ready["metrics"])

    def _receive_message(self, message: Message) -> None:
        self._last_message_at = time.monotonic()
        for number, event, tokens, logprobs, stopped in message.get("events", ()):
            mirror = self._running.get(number)
            if mirror is None:
                continue
            found, read = read_event(event), read_logprobs(logprobs)
            mirror.tokens += tokens
            mirror.logprobs += read
            if isinstance(found, TokenDelta):
                found = replace(found, logprobs=tuple(read), ids=tuple(tokens))
            mirror.detokenizer.stopped = stopped
            if isinstance(found, Finished | PortalError):
                mirror.reported_end = found if isinstance(found, Finished) else None
                with self._lock:
                    self._running.pop(number, None)
            mirror.events.put(found)
        if "metrics" in message:
            self._metrics = read_metrics(message["metrics"])

    def _died(self, ended: PortalError) -> str:
        with self._lock:
            mirrors, self._running = list(self._running.values()), {}
        for mirror in mirrors:
            mirror.events.put(ended)
        return " ".join(mirror.label for mirror in mirrors)
