"""A model in a process of its own, as the platform sees it: engine and tokenizer in one, and started again when it dies."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from core.entities import FinishReason
from core.errors import ModelFailed, PortalError, Unavailable
from core.generation import Finished, SamplingParams
from core.model import ModelState
from models.child.process import ModelProcess
from models.child.wire import Message, read_error, read_event, read_logprobs, read_metrics, write_error, write_params
from models.engine.llama_backend import BackendOptions
from models.engine.metrics import EngineMetrics
from models.engine.parked_files import ParkedFiles
from models.engine.sequence import Sequence

CALL_S = 30.0
"""The longest the process may take over a call; submitting and tokenizing take less than a millisecond."""
MOST_DEATHS, WITHIN_S = 3, 300.0
"""So many within this time, and it is not started again."""
BACK_OFF_S = (0.0, 2.0)
"""Before the first and the second new start."""
AGAIN = "The model {name} stopped working and is being started again. Ask again in a moment."
GIVEN_UP = "The model {name} stopped working again and again. Ask an admin to load it again."
Changed = Callable[[ModelState, str], None]
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Mirror(Sequence):
    """What the portal knows of a sequence that lives in the process."""

    number: int = 0
    end_told: Finished | None = None

    def finished(self, reason: FinishReason) -> Finished:
        """As the process told it, which alone knows the times."""
        return replace(self.end_told, finish_reason=reason) if self.end_told else Sequence.finished(self, reason)


class ChildModel:
    """Safe from any thread. Its watching thread starts the process, hears it, and starts it again when it dies."""

    def __init__(
        self,
        name: str,
        path: Path,
        options: BackendOptions,
        progress: Callable[[float], bool] = lambda done: True,
        changed: Changed = lambda state, reason: None,
        files: ParkedFiles | None = None,
    ) -> None:
        """Returns once it is loaded; `progress` as for LlamaBackend. Raises ModelFailed.

        changed: told on the watching thread, RESTARTING and FAILED with the reason, READY when it is back. files: lend it disk space
        for conversations that memory has no room for.
        """
        self._name = name
        self._files, self._lent = files, files.lend() if files is not None else 0
        self._first = {
            "path": str(path.absolute()),
            "options": asdict(options),
            "name": name,
            "log_level": _log.getEffectiveLevel(),
            "parking": [str(files.parent.absolute()), self._lent] if files is not None else None,
        }
        self._progress = progress
        self._changed = changed
        self._lock = threading.Lock()
        self._latest: ModelProcess | None = None
        self._process: ModelProcess | None = None
        """The latest one while it can be asked."""
        self._deaths: list[float] = []
        self._calls: dict[int, SimpleQueue[Message]] = {}
        self._running: dict[int, _Mirror] = {}
        self._numbers = itertools.count(1)
        self._closing = threading.Event()
        self._loaded: Future[None] = Future()
        self.context = 0
        self.slots = options.slots
        self._markers: list[str] = []
        self._metrics = EngineMetrics(options.slots, 0, 0, 0, 0, 0, 0, 0.0, 0, 0, 0, 0, None)
        self._thread = threading.Thread(target=self._watch, name=f"watch {name}", daemon=True)
        self._thread.start()
        try:
            self._loaded.result()
        except PortalError:
            self._give_back()
            raise

    # What the platform asks of an engine

    def start(self) -> None:
        """It runs."""

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
            self._running[mirror.number] = mirror
        try:
            self._call("submit", mirror.number, prompt, write_params(params), max_tokens, user_id, batch, adapter)
        except PortalError:
            with self._lock:
                self._running.pop(mirror.number, None)
            self.cancel(mirror)  # it may have got there, though no answer came in time
            raise
        return mirror

    def expect(self, held: list[int], tokens: list[int]) -> None:
        """See Engine.expect."""
        process = self._process
        if process is not None:
            with contextlib.suppress(OSError):  # it is gone, and so is what it held
                process.send({"expect": [held, tokens]})

    def cancel(self, sequence: Sequence) -> None:
        process = self._process
        if isinstance(sequence, _Mirror) and process is not None:
            try:
                process.send({"cancel": sequence.number})
            except OSError:
                return  # it is gone, and so is the answer

    @property
    def idle(self) -> bool:
        return not self._running

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def metrics(self) -> EngineMetrics:
        """As told some moments ago."""
        return self._metrics

    def close(self, timeout: float = 30.0) -> bool:
        """Fail what still runs and end the process; True once it is gone."""
        self._closing.set()
        latest = self._latest
        if latest is not None:
            try:
                if self._process is latest:
                    latest.send({"close": True})
                    latest.wait(timeout)
            except OSError:
                pass  # it is gone already
            latest.kill()
            latest.wait(timeout)
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)
        gone = self._latest is None or self._latest.gone
        if gone:
            self._give_back()
        return gone

    def _give_back(self) -> None:
        """The disk that its process used."""
        lent, self._lent = self._lent, 0
        if self._files is not None and lent:
            self._files.take_back(lent)

    # What the platform asks of a backend

    def tokenize(self, text: str) -> list[int]:
        return self.tokenize_pieces([text])

    def tokenize_pieces(self, pieces: list[str]) -> list[int]:
        return [int(token) for token in self._call("tokenize", pieces)]

    def grammar_error(self, text: str) -> str | None:
        reason = self._call("grammar_error", text)
        return None if reason is None else str(reason)

    def control_markers(self) -> list[str]:
        return self._markers

    def logged(self, text: str) -> str | None:
        line = self._call("logged", text)
        return None if line is None else str(line)

    def _call(self, name: str, *arguments: Any) -> Any:
        number, answer = next(self._numbers), SimpleQueue[Message]()
        with self._lock:
            process = self._process
            if process is None or self._closing.is_set():
                raise self._gone()
            self._calls[number] = answer
        try:
            process.send({"call": number, "name": name, "args": arguments})
            found = answer.get(timeout=CALL_S)
        except OSError:
            raise self._gone() from None
        except Empty:
            raise ModelFailed("The model {name} does not answer. Ask again, or ask an admin to load it again.", name=self._name) from None
        finally:
            with self._lock:
                self._calls.pop(number, None)
        if "error" in found:
            raise read_error(found["error"])
        return found["value"]

    def _gone(self) -> PortalError:
        if self._closing.is_set():
            return Unavailable("The model {name} was unloaded before the answer was finished.", name=self._name)
        return ModelFailed(GIVEN_UP if self._given_up else AGAIN, name=self._name)

    # The watching thread

    def _watch(self) -> None:
        while not self._closing.is_set():
            try:
                process = self._process_of_its_own()
                self._load(process)
            except PortalError as error:
                reason = str(error)
                if not self._loaded.done():
                    self._loaded.set_exception(error)
                    return
                self._deaths.append(time.monotonic())
                _log.error("model %s did not start again: %s", self._name, reason)
            else:
                if self._loaded.done():
                    _log.info("model %s is back", self._name)
                    self._changed(ModelState.READY, "")
                else:
                    self._loaded.set_result(None)
                reason = self._follow(process)
            if self._closing.is_set():
                return
            if self._given_up:
                self._changed(ModelState.FAILED, reason)
                return
            self._changed(ModelState.RESTARTING, reason)
            self._closing.wait(BACK_OFF_S[min(len(self._deaths), len(BACK_OFF_S)) - 1])

    @property
    def _given_up(self) -> bool:
        since = time.monotonic() - WITHIN_S
        self._deaths = [death for death in self._deaths if death > since]
        return len(self._deaths) >= MOST_DEATHS

    def _process_of_its_own(self) -> ModelProcess:
        try:
            process = self._latest = ModelProcess(self._name)
        except OSError as error:
            raise ModelFailed("The model's process could not start: {reason}.", reason=error.strerror or str(error)) from error
        return process

    def _load(self, process: ModelProcess) -> None:
        """Raises ModelFailed, with the process gone: it was refused, is not wanted any more, or died of it."""
        refused: PortalError | None = None
        try:
            process.send(self._first)
            while refused is None and (message := process.receive()) is not None:
                match message:
                    case {"progress": float(done)}:
                        if self._closing.is_set() or not self._progress(done):
                            refused = ModelFailed("The load was given up.")
                    case {"refused": dict(error)}:
                        refused = read_error(error)
                    case {"ready": dict(ready)}:
                        self.context, self._markers = int(ready["context"]), [str(one) for one in ready["markers"]]
                        with self._lock:
                            self._metrics = read_metrics(ready["metrics"])
                            self._process = process
                        return
        except (OSError, ValueError, TypeError, LookupError) as error:
            _log.warning("the process of model %s spoke nonsense: %s", self._name, error)
        process.kill()
        how = process.bury()
        raise refused or ModelFailed("The model's process ended while it loaded the file ({how}).", how=how)

    def _follow(self, process: ModelProcess) -> str:
        """Hand over what the process tells until it is gone; returns how it ended. Its answers fail at once."""
        reason = ""
        try:
            while (message := process.receive()) is not None:
                self._heard(message)
        except (ValueError, TypeError, LookupError) as error:
            reason = f"it spoke nonsense ({error}); "
            process.kill()
        self._deaths.append(time.monotonic())
        with self._lock:
            self._process = None
            mirrors, self._running = list(self._running.values()), {}
            calls = list(self._calls.values())
        gone = self._gone()
        if not self._closing.is_set():
            self._changed(ModelState.RESTARTING, "")
        for mirror in mirrors:
            mirror.events.put(gone)
        for call in calls:
            call.put({"error": write_error(gone)})
        reason += process.bury()
        if not self._closing.is_set():
            answering = " ".join(mirror.label for mirror in mirrors)
            _log.error("the process of model %s ended: %s; it was answering: %s", self._name, reason, answering or "nobody")
        return reason

    def _heard(self, message: Message) -> None:
        for number, event, tokens, logprobs, stopped in message.get("events", ()):
            mirror = self._running.get(number)
            if mirror is None:
                continue
            found = read_event(event)
            mirror.tokens += tokens
            mirror.logprobs += read_logprobs(logprobs)
            mirror.detokenizer.stopped = stopped
            if isinstance(found, Finished | PortalError):
                mirror.end_told = found if isinstance(found, Finished) else None
                with self._lock:
                    self._running.pop(number, None)
            mirror.events.put(found)
        if "metrics" in message:
            self._metrics = read_metrics(message["metrics"])
        if "answer" in message:
            with self._lock:
                waiting = self._calls.get(message["answer"])
            if waiting is not None:
                waiting.put(message)
