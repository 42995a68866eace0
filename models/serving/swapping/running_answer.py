"""Hold a version of a model until its answer has ended, and count how it ended while a swap compares two versions."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from core.errors import PortalError
from core.inference.ports import RunningGeneration
from core.inference.records import FinishReason
from core.inference.requests import Finished, GenerationEvent

MAX_SPEEDS = 500


@dataclass(slots=True, eq=False)
class AnswerTally:
    """How the answers of one version ended. Appending is atomic, so it needs no lock."""

    ends: deque[tuple[bool, bool]] = field(default_factory=lambda: deque(maxlen=10_000))
    """(failed, degenerated) of each."""
    speeds: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_SPEEDS))
    """Tokens per second of each that had enough tokens to tell."""


class RunningAnswer:
    """Implements RunningGeneration around the platform's own."""

    def __init__(self, inner: RunningGeneration, open_answers: set[object], token: object, tally: AnswerTally | None) -> None:
        """open_answers: the open answers of the version; this answer leaves them when it ends or is no longer referenced."""
        self.inner = inner
        self._tally = tally
        self._deregister = weakref.finalize(self, open_answers.discard, token)
        self._deregister.atexit = False
        self.model, self.model_version, self.platform = inner.model, inner.model_version, inner.platform
        self.engine, self.prompt_tokens, self.ignored = inner.engine, inner.prompt_tokens, inner.ignored
        self.routing = inner.routing

    def events(self) -> Iterator[GenerationEvent]:
        try:
            for event in self.inner.events():
                if isinstance(event, Finished):
                    self._count(event)
                    self._deregister()
                yield event
        except PortalError:
            if self._tally is not None:
                self._tally.ends.append((True, False))
            raise
        finally:
            self._deregister()

    def poll(self, wake: Callable[[], None]) -> bool:
        return self.inner.poll(wake)

    def cancel(self) -> None:
        self.inner.cancel()

    def _count(self, end: Finished) -> None:
        if self._tally is None or end.finish_reason is FinishReason.CANCELLED:
            return
        self._tally.ends.append((end.finish_reason is FinishReason.ERROR, end.note is not None or end.timings.retries > 0))
        if end.timings.tokens_per_second is not None and end.usage.completion_tokens >= 8:
            self._tally.speeds.append(end.timings.tokens_per_second)
