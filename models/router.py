"""From a model's name to the platform that runs it."""

from __future__ import annotations

from collections.abc import Sequence

from core.embedding import EmbeddingRequest, RerankRequest, RunningEmbedding
from core.generation import GenerationRequest, LoadedModel, ModelKind, ModelState, RunningGeneration
from models.pool import Pool


class PoolRouter:
    """Fulfils core's Router over the models in this process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def start(self, request: GenerationRequest) -> RunningGeneration:
        return self._pool.platform(request.model).start(request)

    def embed(self, request: EmbeddingRequest) -> RunningEmbedding:
        return self._pool.vectors(request.model, ModelKind.EMBEDDING).embed(request)

    def rerank(self, request: RerankRequest) -> RunningEmbedding:
        return self._pool.vectors(request.model, ModelKind.RERANKING).rerank(request)

    def models(self) -> Sequence[LoadedModel]:
        return [model for model in self._pool.loaded() if model.state is ModelState.READY]
