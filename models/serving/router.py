"""Find the platform that runs a model by the model's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.errors import InvalidInput
from core.inference.ports import RunningGeneration
from core.inference.records import ServedModel
from core.inference.requests import GenerationRequest, PromptTokens
from core.inference.vectors import Embedder, EmbeddingRequest, RerankRequest, RunningEmbedding
from core.models.records import ModelKind, ModelState
from models.serving.pool.pool import Pool


class PoolRouter:
    """Implements core's Router over the models in this process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def start(self, request: GenerationRequest) -> RunningGeneration:
        request = self._spelled_out(request)
        return self._pool.leases.start(request)

    def check_room(self, user_id: str, *, batch: bool = False) -> None:
        self._pool.leases.check_room(user_id, batch=batch)

    def prompt_tokens(self, request: GenerationRequest) -> PromptTokens:
        request = self._spelled_out(request)
        return self._pool.leases.platform(request.model).prompt_tokens(request)

    def pieces(self, model: str | None, tokens: Sequence[int]) -> PromptTokens:
        request = self._spelled_out(GenerationRequest(messages=(), user_id="", model=model))
        return self._pool.leases.platform(request.model).pieces(tokens)

    def embed(self, request: EmbeddingRequest) -> RunningEmbedding:
        return self._pool.leases.vectors(request.model, ModelKind.EMBEDDING).embed(request)

    def embedder(self, request: EmbeddingRequest) -> Embedder | None:
        found = (each for each in self.models() if each.kind is ModelKind.EMBEDDING and request.model in (None, *each.names))
        return next((Embedder(model=each.name, version=each.version, platform=each.platform) for each in found), None)

    def rerank(self, request: RerankRequest) -> RunningEmbedding:
        return self._pool.leases.vectors(request.model, ModelKind.RERANKING).rerank(request)

    def _spelled_out(self, request: GenerationRequest) -> GenerationRequest:
        """Expand a name such as glm:legal to the adapter legal of the model glm, unless a model has that name."""
        model, colon, adapter = (request.model or "").rpartition(":")
        if not colon or not model or self._pool.leases.knows(request.model or ""):
            return request
        if request.adapter not in (None, "", adapter):
            raise InvalidInput(
                "The model name asks for the adapter {one}, but the request asks for {other}.", one=adapter[:80], other=request.adapter[:80]
            )
        return replace(request, model=model, adapter=adapter)

    def targets(self, request: GenerationRequest) -> Sequence[str]:
        return ()

    def models(self) -> Sequence[ServedModel]:
        return [
            ServedModel(
                name=model.name,
                kind=model.file.kind,
                version=model.version,
                platform=model.platform,
                context=model.context,
                thinking=model.file.thinking,
                adapters=model.adapters,
                default=model.default,
                guide=model.guide,
                isolated=model.isolated,
                stuck_s=model.stuck_s,
                vision=model.vision,
            )
            for model in self._pool.loaded()
            if model.state in (ModelState.READY, ModelState.SLEEPING) or self._pool.replacing(model.name)
        ]
