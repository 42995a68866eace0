"""Follow an answer that a model gives now, to its generation row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from core.errors import PortalError, StoredError, Unavailable
from core.inference.ports import RunningGeneration, TextFilters
from core.inference.private import masked_calls, masked_events
from core.inference.records import FinishReason, Generation, Source, Timings, Usage
from core.inference.requests import Delta, Finished, GenerationEvent
from core.inference.running.counted import Counted
from core.inference.running.rows import generation_row
from core.people.records import User
from core.privacy.masking import StreamMask

GONE = "The model stopped before the answer was complete. The text so far is kept. Try again."


class Answer:
    """An answer that a model gives now. Iterate `events()` to the end; then `row()` says how it ended."""

    def __init__(
        self,
        answer_id: str,
        user: User,
        running: RunningGeneration,
        source: Source,
        created_at: datetime,
        counted: Counted,
        new_mask: Callable[[], StreamMask] | None = None,
        filters: TextFilters | None = None,
        cached_at: datetime | None = None,
        variant: str | None = None,
    ) -> None:
        """new_mask: makes masks for personal data in text and reasoning; None: nothing is masked. filters: of plugins; their output is
        masked. cached_at: when it was first written, if the result cache gives it. variant: of an experiment.
        """
        self.cached_at = cached_at
        self._variant = variant
        self._filters = filters
        self._counted = counted
        self._new_mask = new_mask
        self.id = answer_id
        self.created_at = created_at
        self._user = user
        self._running = running
        self._source = source
        self._started = time.monotonic()
        self._ttft_s: float | None = None
        self._duration_s = 0.0
        self._tokens = 0
        self._error: StoredError | None = None
        self.finished: Finished | None = None

    @property
    def model(self) -> str:
        """Return who answers; until the first token, another model may take over."""
        return self._running.model

    @property
    def ignored(self) -> tuple[str, ...]:
        return self._running.ignored

    @property
    def prompt_tokens(self) -> int:
        return self._running.prompt_tokens

    @property
    def fingerprint(self) -> str:
        """Return a hash that changes with the model's file and the software that runs it."""
        return _fingerprint(f"{self._running.model_version} {self._running.engine}")

    def cancel(self) -> None:
        """Free the model within one step; from any thread."""
        self._running.cancel()

    def poll(self, wake: Callable[[], None]) -> bool:
        """See RunningGeneration.poll."""
        return self._running.poll(wake)

    def events(self) -> Iterator[GenerationEvent]:
        """Yield events like RunningGeneration.events(). An answer without an end raises Unavailable; closing the iterator cancels it."""
        try:
            events = self._running.events()
            if self._filters is not None and self._filters.change_answers:
                events = masked_events(self._filters.of_answer, events)
            if self._new_mask is not None:
                events = masked_calls(self._new_mask, masked_events(self._new_mask, events))
            for event in events:
                if isinstance(event, Delta):
                    self._tokens = event.tokens
                    if self._ttft_s is None:
                        self._ttft_s = time.monotonic() - self._started
                elif isinstance(event, Finished):
                    self.finished = event
                self._counted.alive()
                yield event
            if self.finished is None:
                raise Unavailable(GONE)
        except PortalError as problem:
            self.failed(StoredError.of(problem))
            raise
        finally:
            self._duration_s = time.monotonic() - self._started
            if self.finished is None:
                self._running.cancel()
            usage = self.finished.usage if self.finished else Usage(completion_tokens=self._tokens)
            self._counted.ended(0 if self.cached_at else usage.prompt_tokens + usage.completion_tokens)

    def failed(self, error: StoredError) -> None:
        """Note why the answer failed, for its row."""
        self._error = error

    def row(
        self, *, conversation_id: str | None = None, message_id: str | None = None, thinking_s: float | None = None,
        source: Source | None = None,
    ) -> Generation:  # fmt: skip
        """Describe how the answer ended, once it has. source: in place of that of the request."""
        done = self.finished
        timings = done.timings if done and not self.cached_at else Timings(ttft_s=self._ttft_s, duration_s=self._duration_s)
        reason = done.finish_reason if done else FinishReason.ERROR if self._error else FinishReason.CANCELLED
        return generation_row(
            self._user,
            self._running,
            id=self.id,
            created_at=self.created_at,
            source=source or self._source,
            usage=Usage() if self.cached_at else done.usage if done else Usage(completion_tokens=self._tokens),
            timings=replace(timings, thinking_s=thinking_s) if thinking_s is not None else timings,
            finish_reason=FinishReason.ERROR if self._error else reason,
            error=self._error or (StoredError(done.note) if done and done.note else None),
            conversation_id=conversation_id,
            message_id=message_id,
            cached_at=self.cached_at,
            variant=self._variant,
        )


@lru_cache(maxsize=256)
def _fingerprint(made_by: str) -> str:
    return f"fp_{sha256(made_by.encode()).hexdigest()[:12]}"
