"""Vectors for programs: embeddings and rankings, each with its row in the usage report."""

from __future__ import annotations

import logging
from uuid import uuid4

from core.clock import Clock
from core.errors import PortalError
from core.inference.ports import Router
from core.inference.records import FinishReason, Generation, Timings, Usage
from core.inference.vectors import Cancelled, Embedded, EmbeddingRequest, RerankRequest, RunningEmbedding
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import Store

log = logging.getLogger(__name__)


class VectorWork:
    """A running request for vectors. `result()` writes its generation row, however it ends."""

    def __init__(self, user: User, running: RunningEmbedding, source: str, store: Store, clock: Clock) -> None:
        self.id = uuid4().hex
        self.created_at = clock()
        self.model = running.model
        self._user = user
        self._running = running
        self._source = source
        self._store = store

    def cancel(self) -> None:
        self._running.cancel()

    def result(self) -> Embedded:
        """As RunningEmbedding.result(); call it once."""
        try:
            done = self._running.result()
        except Cancelled:
            self._record(None, FinishReason.CANCELLED)
            raise
        except PortalError as problem:
            self._record(None, FinishReason.ERROR, str(problem))
            raise
        self._record(done, FinishReason.STOP)
        return done

    def _record(self, done: Embedded | None, reason: FinishReason, error: str | None = None) -> None:
        row = Generation(
            id=self.id,
            user_id=self._user.id,
            group=self._user.group,
            created_at=self.created_at,
            model=self.model,
            model_version=self._running.model_version,
            platform=self._running.platform,
            usage=done.usage if done else Usage(),
            timings=done.timings if done else Timings(),
            finish_reason=reason,
            source=self._source,
            error=error,
        )
        try:
            with self._store() as work:
                work.generations.add(row)
                work.commit()
        except PortalError as problem:
            # The program has its vectors; only the statistics lose a row.
            log.error("%s %s could not be recorded: %s", self._source, self.id, problem)


class Embeddings:
    def __init__(self, store: Store, router: Router, clock: Clock) -> None:
        self._store = store
        self._router = router
        self._clock = clock

    def embed(self, user: User, request: EmbeddingRequest) -> VectorWork:
        """Raises what Router.embed raises, and NotAllowed."""
        require(user.role, Permission.CHAT)
        return VectorWork(user, self._router.embed(request), "embedding", self._store, self._clock)

    def rerank(self, user: User, request: RerankRequest) -> VectorWork:
        """Raises what Router.rerank raises, and NotAllowed."""
        require(user.role, Permission.CHAT)
        return VectorWork(user, self._router.rerank(request), "rerank", self._store, self._clock)
