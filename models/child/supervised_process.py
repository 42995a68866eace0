"""Keep a process that holds one model: start it, call it, read its messages, and start it again when it dies."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any

from core.errors import ModelFailed, PortalError, Unavailable
from core.models.records import ModelState
from models.child.process import ModelProcess
from models.child.wire import Message, read_error, write_error

CALL_S = 30.0
"""Longest time for a call; submitting and tokenizing take less than a millisecond."""
MAX_DEATHS, WITHIN_S = 3, 300.0
"""After so many crashes within this time, it is not started again."""
BACK_OFF_S = (0.0, 2.0)
"""Delays before the first and the second restart."""
AGAIN = "The model {name} stopped working and is restarting. Ask again in a moment."
GIVEN_UP = "The model {name} keeps crashing. Ask an admin to load it again."
Changed = Callable[[ModelState, str], None]
_log = logging.getLogger(__name__)


class SupervisedProcess(ABC):
    """Safe from any thread. Its watching thread starts the process, reads its messages, and starts it again when it dies."""

    def __init__(
        self,
        name: str,
        first: Message,
        progress: Callable[[float], bool] = lambda done: True,
        changed: Changed = lambda state, reason: None,
    ) -> None:
        """Return once the model is loaded; `progress` is as for LlamaBackend. Raises ModelFailed.

        first: the message that says what to load. changed: called on the watching thread: RESTARTING and FAILED with the reason, READY when
        it is back.
        """
        self._name = name
        self._first = first | {"name": name, "log_level": _log.getEffectiveLevel()}
        self._progress = progress
        self._changed = changed
        self._lock = threading.Lock()
        self._latest: ModelProcess | None = None
        self._process: ModelProcess | None = None
        """The newest process, while it can be called."""
        self._deaths: list[float] = []
        self._calls: dict[int, SimpleQueue[Message]] = {}
        self._numbers = itertools.count(1)
        self._closing = threading.Event()
        self._left = False
        """Set once it is given up: the watching thread ends, though nobody asked for it."""
        self._loaded: Future[None] = Future()
        self._thread = threading.Thread(target=self._watch, name=f"watch {name}", daemon=True)
        self._thread.start()
        self._loaded.result()

    @abstractmethod
    def _ready(self, ready: Message) -> None:
        """Note the facts of the model that a process reports once it is loaded."""

    @abstractmethod
    def _receive_message(self, message: Message) -> None:
        """Handle a message that answers no call; runs on the watching thread."""

    @abstractmethod
    def _died(self, ended: PortalError) -> str:
        """Fail what it was working on with `gone`; returns a description for the log."""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def close(self, timeout: float = 30.0) -> bool:
        """Fail what still runs and end the process; returns True once it is gone."""
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
        if not self._left and threading.current_thread() is not self._thread:
            self._thread.join(timeout)
        return self._latest is None or self._latest.has_ended

    def restart(self) -> None:
        """End the process, which makes no progress; it is started again as after any other death."""
        process = self._process
        if process is not None:
            process.kill()

    def logged(self, text: str) -> str | None:
        line = self._call("logged", text)
        return None if line is None else str(line)

    def _send(self, message: Message) -> None:
        """Send a message. If the process is gone, so is what the message was about."""
        process = self._process
        if process is not None:
            with contextlib.suppress(OSError):
                process.send(message)

    def _call(self, name: str, *arguments: Any, most_s: float | None = CALL_S) -> Any:
        """Call a method in the process. most_s: time limit; None: as long as the process lives. Raises what the call raises there,
        ModelFailed, Unavailable.
        """
        number, answer = next(self._numbers), SimpleQueue[Message]()
        with self._lock:
            process = self._process
            if process is None or self._closing.is_set():
                raise self._ended_error()
            self._calls[number] = answer
        try:
            process.send({"call": number, "name": name, "args": arguments})
            found = answer.get(timeout=most_s)
        except OSError:
            raise self._ended_error() from None
        except Empty:
            raise ModelFailed("The model {name} is not responding. Try again, or ask an admin to load it again.", name=self._name) from None
        finally:
            with self._lock:
                self._calls.pop(number, None)
        if "error" in found:
            raise read_error(found["error"])
        return found["value"]

    def _ended_error(self) -> PortalError:
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
                _log.error("model %s could not restart: %s", self._name, reason)
            else:
                if self._loaded.done():
                    _log.info("model %s has restarted", self._name)
                    self._changed(ModelState.READY, "")
                else:
                    self._loaded.set_result(None)
                reason = self._follow(process)
            if self._closing.is_set():
                return
            if self._given_up:
                self._left = True
                self._changed(ModelState.FAILED, reason)
                return
            self._changed(ModelState.RESTARTING, reason)
            self._closing.wait(BACK_OFF_S[min(len(self._deaths), len(BACK_OFF_S)) - 1])

    @property
    def _given_up(self) -> bool:
        since = time.monotonic() - WITHIN_S
        self._deaths = [death for death in self._deaths if death > since]
        return len(self._deaths) >= MAX_DEATHS

    def _process_of_its_own(self) -> ModelProcess:
        try:
            process = self._latest = ModelProcess(self._name)
        except OSError as error:
            raise ModelFailed("The model's process could not start: {reason}.", reason=error.strerror or str(error)) from error
        return process

    def _load(self, process: ModelProcess) -> None:
        """Load the model. Raises ModelFailed, with the process gone, if the file was refused, loading cancelled, or the process died."""
        refused: PortalError | None = None
        try:
            process.send(self._first)
            while refused is None and (message := process.receive()) is not None:
                match message:
                    case {"progress": float(done)}:
                        if self._closing.is_set() or not self._progress(done):
                            refused = ModelFailed("Loading was cancelled.")
                    case {"refused": dict(error)}:
                        refused = read_error(error)
                    case {"ready": dict(ready)}:
                        self._ready(ready)
                        with self._lock:
                            self._process = process
                        return
        except (OSError, ValueError, TypeError, LookupError) as error:
            _log.warning("the process of model %s sent an invalid message: %s", self._name, error)
        process.kill()
        how = process.reap()
        raise refused or ModelFailed("The model's process ended while loading the file ({how}).", how=how)

    def _follow(self, process: ModelProcess) -> str:
        """Hand over the messages of the process until it is gone; returns how it ended. Its answers fail at once."""
        reason = ""
        try:
            while (message := process.receive()) is not None:
                if "answer" in message:
                    self._answered(message)
                self._receive_message(message)
        except (ValueError, TypeError, LookupError) as error:
            reason = f"it spoke nonsense ({error}); "
            process.kill()
        self._deaths.append(time.monotonic())
        with self._lock:
            self._process = None
            calls = list(self._calls.values())
        ended = self._ended_error()
        if not self._closing.is_set():
            self._changed(ModelState.RESTARTING, "")
        answering = self._died(ended)
        for call in calls:
            call.put({"error": write_error(ended)})
        reason += process.reap()
        if not self._closing.is_set():
            _log.error("the process of model %s ended: %s; it was answering: %s", self._name, reason, answering or "nobody")
        return reason

    def _answered(self, message: Message) -> None:
        with self._lock:
            waiting = self._calls.get(message["answer"])
        if waiting is not None:
            waiting.put(message)
