"""Wait for vectors that a model computes now, and record them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from core.errors import PortalError, StoredError
from core.inference.records import FinishReason, Generation, Source, Timings, Usage
from core.inference.running.counted import Counted
from core.inference.running.rows import generation_row
from core.inference.vectors import Cancelled, Embedded, RunningEmbedding
from core.people.records import User


class Vectors:
    """A request for vectors that a model computes now. `result()` writes its generation row, however it ends."""

    def __init__(
        self,
        user: User,
        running: RunningEmbedding,
        source: Source,
        created_at: datetime,
        counted: Counted,
        record: Callable[[Generation], None],
    ) -> None:
        self.id = uuid4().hex
        self.created_at = created_at
        self._user = user
        self._running = running
        self._source = source
        self._counted = counted
        self._record_row = record

    @property
    def model(self) -> str:
        return self._running.model

    def cancel(self) -> None:
        """Compute no more of it; from any thread."""
        self._running.cancel()

    def result(self) -> Embedded:
        """Return the vectors like RunningEmbedding.result(); call it once."""
        try:
            done = self._running.result()
        except Cancelled:
            self._record(None, FinishReason.CANCELLED)
            raise
        except PortalError as problem:
            self._record(None, FinishReason.ERROR, StoredError.of(problem))
            raise
        self._record(done, FinishReason.STOP)
        return done

    def _record(self, done: Embedded | None, reason: FinishReason, error: StoredError | None = None) -> None:
        self._counted.ended(done.usage.prompt_tokens if done else 0)
        row = generation_row(
            self._user,
            self._running,
            id=self.id,
            created_at=self.created_at,
            source=self._source,
            usage=done.usage if done else Usage(),
            timings=done.timings if done else Timings(),
            finish_reason=reason,
            error=error,
        )
        self._record_row(row)
