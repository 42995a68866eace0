"""Answer a request for embeddings of which some vectors are cached."""

from __future__ import annotations

import threading
from array import array
from dataclasses import replace

from core.errors import InvalidInput
from core.inference.caching.embedding_cache import EmbeddingCache
from core.inference.ports import Router
from core.inference.records import Routing, Timings, Usage
from core.inference.vectors import Embedded, Embedder, EmbeddingRequest, RunningEmbedding


def cached_embedding(router: Router, cache: EmbeddingCache, request: EmbeddingRequest) -> RunningEmbedding:
    """Compute only the vectors that are not cached. Raises what Router.embed raises."""
    embedder = router.embedder(request)
    if embedder is None or not embedder.version:
        return router.embed(request)
    return CachedEmbedding(router, cache, request, embedder)


class CachedEmbedding:
    """Implements RunningEmbedding: missing vectors are computed, then cached."""

    def __init__(self, router: Router, cache: EmbeddingCache, request: EmbeddingRequest, embedder: Embedder) -> None:
        self._router, self._cache, self._request, self._embedder = router, cache, request, embedder
        self._known = dict(cache.find(embedder.version, request))
        self._lock = threading.Lock()
        self._cancelled = False
        self._running = self._start_rest()

    @property
    def model(self) -> str:
        return self._running.model if self._running is not None else self._embedder.model

    @property
    def model_version(self) -> str:
        return self._running.model_version if self._running is not None else self._embedder.version

    @property
    def platform(self) -> str:
        return self._running.platform if self._running is not None else self._embedder.platform

    @property
    def routing(self) -> Routing | None:
        return self._running.routing if self._running is not None else None

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            running = self._running
        if running is not None:
            running.cancel()

    def result(self) -> Embedded:
        if self._running is None:
            return self._together(None, ())
        done = self._running.result()
        if self._known and self._running.model_version != self._embedder.version:
            # Another model took over; vectors of two models cannot be mixed.
            self._known = {}
            with self._lock:
                self._running = self._router.embed(self._request)
                if self._cancelled:
                    self._running.cancel()
            done = self._running.result()
        rest = self._rest()
        self._cache.keep(self._running.model_version, replace(self._request, inputs=tuple(one for _, one in rest)), done)
        return self._together(done, tuple(index for index, _ in rest))

    def _rest(self) -> list[tuple[int, str | tuple[int, ...]]]:
        return [(index, one) for index, one in enumerate(self._request.inputs) if index not in self._known]

    def _start_rest(self) -> RunningEmbedding | None:
        rest = self._rest()
        if not rest:
            return None
        try:
            return self._router.embed(replace(self._request, inputs=tuple(one for _, one in rest)))
        except InvalidInput:
            if not self._known:
                raise
            # The error counts only the inputs that were computed.
            self._known = {}
            return self._router.embed(self._request)

    def _together(self, done: Embedded | None, indexes: tuple[int, ...]) -> Embedded:
        rows: dict[int, array[float]] = {index: kept.vector for index, kept in self._known.items()}
        rows.update(zip(indexes, done.rows if done is not None else (), strict=True))
        known = sum(kept.tokens for kept in self._known.values())
        computed = done.usage.prompt_tokens if done is not None else 0
        return Embedded(
            tuple(rows[index] for index in range(len(self._request.inputs))),
            Usage(prompt_tokens=known + computed, cached_tokens=known),
            done.timings if done is not None else Timings(),
        )
