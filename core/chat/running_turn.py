"""Share the state of a running turn between its thread and the pages and streams that watch it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from core.chat.context.records import AnswerContext
from core.chat.context.summaries.summaries import Stopped
from core.chat.records import Message, MessageStatus, Turn
from core.chat.tools.records import Approval, Decision, ToolStep
from core.errors import StoredError
from core.inference.records import FinishReason, ServedModel
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
    steps: tuple[ToolStep, ...] = ()
    """The tools that the model called, in order; the last one may still run."""

    @property
    def running(self) -> bool:
        return self.status is MessageStatus.STREAMING

    @property
    def waiting_step(self) -> ToolStep | None:
        """Return the step that waits for the person's decision; None if there is none."""
        return next((each for each in self.steps if each.waits), None) if self.running else None


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

    def __init__(
        self, turn: Turn, monotonic: Callable[[], float] = time.monotonic, begun: str = "", steps: Sequence[ToolStep] = (),
        chosen: ServedModel | None = None,
    ) -> None:  # fmt: skip
        """begun, steps: the text and the steps of an earlier answer that this one continues. chosen: the model that was found for it."""
        self.chosen = chosen
        self.question: Message | None = None
        """The question, once the turn's thread has read it."""
        self.turn = turn
        self.begun = begun
        self._monotonic = monotonic
        self._started = monotonic()
        self._reported_position = 0.0
        self._first_token: float | None = None
        self._first_text: float | None = None
        self._earlier_tokens = 0
        self._earlier_thinking_s: float | None = None
        """Tokens and seconds of reasoning of the earlier calls of the model."""
        self._text_at = self._reasoning_at = 0
        """The positions at which text and reasoning of the present call of the model begin."""
        self._now = Snapshot(turn_id=turn.id, question_id=turn.question_id, answer_id=turn.answer_id, text=begun, steps=tuple(steps))
        self._changed = threading.Condition()
        self._listeners: list[Listener] = []
        self._answer: Answer | None = None
        self._stop_as: MessageStatus | None = None
        self._decisions: dict[str, Decision] = {}
        self.context: AnswerContext | None = None
        """What the model reads for the answer; set by the turn's thread."""
        self.fresh = False
        """Whether an answer of the result cache would not do; set by the turn's thread."""

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
        left = self._now.wait_s - (now - self._reported_position)
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
            self._changed.notify_all()
        if answer is not None:
            answer.cancel()

    def decide(self, step_id: str, decision: Decision) -> None:
        """Pass on what the person decided about a step, which waits no longer from now on. The first decision counts."""
        with self._changed:
            if self._decisions.setdefault(step_id, decision) is decision:
                approval = Approval.REFUSED if decision is Decision.REFUSE else Approval.ALLOWED
                steps = (replace(each, approval=approval) if each.id == step_id and each.waits else each for each in self._now.steps)
                self._publish(replace(self._now, steps=tuple(steps)))
            self._changed.notify_all()

    # For the turn's thread

    def wait_decision(self, step_id: str, timeout: float) -> Decision | None:
        """Block until the person has decided about a step, the turn is stopped, or `timeout` seconds have passed."""
        with self._changed:
            self._changed.wait_for(lambda: step_id in self._decisions or self._stop_as is not None, timeout)
            return self._decisions.get(step_id)

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
            self._reported_position = self._monotonic()
            self._publish(replace(self._now, position=event.position or None, wait_s=event.wait_s))

    def delta(self, event: Delta) -> None:
        now = self._monotonic()
        with self._changed:
            if self._first_token is None:
                self._first_token = now
            if event.text and self._first_text is None:
                self._first_text = now
            text = _joined(self._now.text, event.text, self._text_at)
            reasoning = _joined(self._now.reasoning, event.reasoning, self._reasoning_at)
            decoding = now - self._first_token
            thinking_s = self._earlier_thinking_s
            if len(reasoning) > self._reasoning_at:
                thinking_s = (thinking_s or 0.0) + (self._first_text or now) - self._first_token
            self._publish(
                replace(
                    self._now,
                    text=text,
                    reasoning=reasoning,
                    tokens=self._earlier_tokens + event.tokens,
                    position=None,
                    wait_s=None,
                    ttft_s=self._now.ttft_s or self._first_token - self._started,
                    thinking_s=thinking_s,
                    tokens_per_second=(event.tokens - 1) / decoding if event.tokens > 1 and decoding > 0 else None,
                )
            )

    def put_step(self, step: ToolStep) -> None:
        """Add a step, or replace the one with its id."""
        with self._changed:
            steps = tuple(step if each.id == step.id else each for each in self._now.steps)
            self._publish(replace(self._now, steps=steps if step in steps else (*steps, step)))

    def next_call(self) -> None:
        """Begin another call of the model for the same answer, after tools were called."""
        with self._changed:
            self._answer = None
            self._first_token = self._first_text = None
            self._earlier_tokens, self._earlier_thinking_s = self._now.tokens, self._now.thinking_s
            self._text_at, self._reasoning_at = len(self._now.text), len(self._now.reasoning)

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
                    tokens=self._earlier_tokens + event.usage.completion_tokens,
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


def _joined(before: str, new: str, began_at: int) -> str:
    """Append new text. The first words of a later call of the model begin a new paragraph. began_at: where that call's text begins."""
    if not new or began_at == 0 or len(before) > began_at or not before.strip() or before.endswith("\n\n"):
        return before + new
    return before + ("\n" if before.endswith("\n") else "\n\n") + new.lstrip() if new.strip() else before
