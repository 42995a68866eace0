"""Share the state of a running turn between its thread and the pages and streams that watch it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from core.chat.context.records import AnswerContext
from core.chat.context.summaries import Stopped
from core.chat.records import MessageStatus, Turn
from core.errors import StoredError
from core.inference.records import FinishReason
from core.inference.requests import Delta, Finished, Queued
from core.inference.running.answer import Answer


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a turn at one moment. `version` grows with every change."""

    turn_id: str
    question_id: str
    answer_id: str
    version: int = 0
    status: MessageStatus = MessageStatus.STREAMING
    text: str = ""
    reasoning: str = ""
    model: str = ""
    position: int | None = None
    """Queue position; 1 is next. None once running."""
    wait_s: float | None = None
    """Expected wait in seconds; None if unknown."""
    tokens: int = 0
    ttft_s: float | None = None
    elapsed_s: float = 0.0
    summarizing: bool = False
    """Whether the answer waits for a summary of the first turns."""
    thinking_s: float | None = None
    """Duration of the reasoning so far; None while there is none."""
    tokens_per_second: float | None = None
    error: StoredError | None = None
    unsaved: StoredError | None = None
    """Why the complete answer could not be saved yet; saving is retried."""

    @property
    def running(self) -> bool:
        return self.status is MessageStatus.STREAMING


Listener = Callable[[Snapshot], None]


class LiveTurn(Protocol):
    """An answer that is being written, here or in another process, as seen by its watchers."""

    turn: Turn

    def snapshot(self) -> Snapshot: ...
    def wait(self, after_version: int, timeout: float) -> Snapshot:
        """Block until there is something newer than `after_version`, or `timeout` seconds have passed."""
        ...

    def wait_begun(self, timeout: float) -> None:
        """Block until there is something to show, or `timeout` seconds have passed."""
        ...

    def wait_finished(self, timeout: float | None = None) -> Snapshot: ...
    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the current snapshot and each new one. Returns a function that stops it."""
        ...

    def stop(self) -> None:
        """Ask the answer to stop; its text is kept."""
        ...


class RunningTurn:
    """Thread-safe. The turn's thread writes; readers take snapshots, wait, or listen."""

    def __init__(self, turn: Turn, monotonic: Callable[[], float] = time.monotonic, begun: str = "") -> None:
        """begun: the text of an earlier answer that this one continues."""
        self.turn = turn
        self.begun = begun
        self._monotonic = monotonic
        self._started = monotonic()
        self._place_told = 0.0
        self._first_token: float | None = None
        self._first_text: float | None = None
        self._now = Snapshot(turn_id=turn.id, question_id=turn.question_id, answer_id=turn.answer_id, text=begun)
        self._changed = threading.Condition()
        self._listeners: list[Listener] = []
        self._answer: Answer | None = None
        self._stop_as: MessageStatus | None = None
        self.context: AnswerContext | None = None
        """What the model reads for the answer; set by the turn's thread."""

    # For readers

    def snapshot(self) -> Snapshot:
        with self._changed:
            if not self._now.running:
                return self._now
            now = self._monotonic()
            return replace(self._now, elapsed_s=now - self._started, wait_s=self._left_to_wait(now))

    def _left_to_wait(self, now: float) -> float | None:
        """Return the remaining expected wait; None once the estimate is used up."""
        if self._now.wait_s is None:
            return None
        left = self._now.wait_s - (now - self._place_told)
        return left if left > 0 else None

    def wait(self, after_version: int, timeout: float) -> Snapshot:
        """Block until there is something newer than `after_version`, or `timeout` seconds have passed."""
        with self._changed:
            self._changed.wait_for(lambda: self._now.version > after_version, timeout)
            return self._now

    def wait_begun(self, timeout: float) -> None:
        """Block until there is something to show (a token, a queue position, the end), or `timeout` seconds have passed."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._now.tokens or self._now.position or not self._now.running), timeout)

    def wait_finished(self, timeout: float | None = None) -> Snapshot:
        with self._changed:
            self._changed.wait_for(lambda: not self._now.running, timeout)
            return self._now

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the current snapshot and each new one, from the turn's thread. Returns a function that stops it."""
        with self._changed:
            self._listeners.append(listener)
            listener(self._now)

        def end() -> None:
            with self._changed:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end

    def stop(self, as_status: MessageStatus = MessageStatus.STOPPED) -> None:
        """Ask the turn to stop. The engine is free within one step."""
        with self._changed:
            if not self._now.running:
                return
            self._stop_as = self._stop_as or as_status
            answer = self._answer
        if answer is not None:
            answer.cancel()

    # For the turn's thread

    def attach(self, answer: Answer) -> None:
        """Register the answer, so that a stop cancels it; cancel it at once if a stop was already requested."""
        with self._changed:
            self._answer = answer
            stopped = self._stop_as is not None
            self._publish(replace(self._now, model=answer.model, summarizing=False))
        if stopped:
            answer.cancel()

    def check(self) -> None:
        """Raise Stopped if the turn has been stopped."""
        if self._stop_as is not None:
            raise Stopped

    def summarizing(self) -> None:
        """Publish that the answer waits for a summary."""
        with self._changed:
            self._publish(replace(self._now, summarizing=True))

    @property
    def stop_requested(self) -> bool:
        return self._stop_as is not None

    def status_after(self, reason: FinishReason) -> MessageStatus:
        if reason is FinishReason.CANCELLED:
            return self._stop_as or MessageStatus.STOPPED
        return MessageStatus.DONE

    def queued(self, event: Queued) -> None:
        with self._changed:
            self._place_told = self._monotonic()
            self._publish(replace(self._now, position=event.position or None, wait_s=event.wait_s))

    def delta(self, event: Delta) -> None:
        now = self._monotonic()
        with self._changed:
            if self._first_token is None:
                self._first_token = now
            if event.text and self._first_text is None:
                self._first_text = now
            reasoning = self._now.reasoning + event.reasoning
            decoding = now - self._first_token
            self._publish(
                replace(
                    self._now,
                    text=self._now.text + event.text,
                    reasoning=reasoning,
                    tokens=event.tokens,
                    position=None,
                    wait_s=None,
                    ttft_s=self._first_token - self._started,
                    thinking_s=(self._first_text or now) - self._first_token if reasoning else None,
                    tokens_per_second=(event.tokens - 1) / decoding if event.tokens > 1 and decoding > 0 else None,
                )
            )

    def not_saved_yet(self, why: StoredError) -> None:
        with self._changed:
            self._publish(replace(self._now, position=None, wait_s=None, unsaved=why))

    def finish(self, status: MessageStatus, event: Finished | None, error: StoredError | None) -> None:
        with self._changed:
            elapsed = self._monotonic() - self._started
            final = replace(
                self._now, status=status, error=error, unsaved=None, summarizing=False, position=None, wait_s=None, elapsed_s=elapsed
            )
            if event is not None:
                final = replace(
                    final,
                    tokens=event.usage.completion_tokens,
                    ttft_s=event.timings.ttft_s,
                    tokens_per_second=event.timings.tokens_per_second,
                )
            self._publish(final)
            self._listeners.clear()

    def _publish(self, snapshot: Snapshot) -> None:
        self._now = replace(snapshot, version=self._now.version + 1)
        for listener in self._listeners:
            listener(self._now)
        self._changed.notify_all()
