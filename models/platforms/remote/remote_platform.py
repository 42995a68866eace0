"""Ask one platform on another server: for its models, for answers and for vectors."""

from __future__ import annotations

import json
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from core.errors import StoredError
from core.inference.detection import DetectedBox, DetectionRequest
from core.inference.requests import GenerationRequest
from core.inference.vectors import EmbeddingRequest, RerankRequest
from core.models.records import ModelKind
from core.platforms.records import Platform, PlatformType, RemoteModel
from models.platforms.remote.addresses import Resolve, resolve
from models.platforms.remote.chat_request import check_chat
from models.platforms.remote.connection import Call, Connections
from models.platforms.remote.detector_wire import DetectorWire
from models.platforms.remote.event_stream import json_object
from models.platforms.remote.failures import nonsense
from models.platforms.remote.listing import ListedModel
from models.platforms.remote.ollama_wire import OllamaWire
from models.platforms.remote.openai_wire import OpenAIWire, check_status
from models.platforms.remote.remote_answer import Count, RemoteAnswer, Wire

PROBE_S = 5.0
"""Seconds for a list of models, which is also the health check."""
Compute = Callable[[Call], "tuple[list[array[float]], int]"]


class RemotePlatform:
    """Safe from any thread."""

    def __init__(self, config: Platform, *, link_local: bool = False, look_up: Resolve = resolve) -> None:
        self.config = config
        self.name = config.name
        base_url = config.base_url
        if config.type is PlatformType.OLLAMA:
            base_url = base_url.removesuffix("/v1").removesuffix("/api")
        self._connections = Connections(
            config.name, base_url, api_key=config.api_key, ca_file=config.ca_file, link_local=link_local, look_up=look_up
        )
        self._wire: Wire = OllamaWire() if config.type is PlatformType.OLLAMA else OpenAIWire()
        self._detector = DetectorWire() if config.type is PlatformType.DETECTOR else None
        self._listed: tuple[ListedModel, ...] | None = None

    @property
    def listed(self) -> Sequence[ListedModel] | None:
        """The platform's list of models; None before it was asked."""
        return self._listed

    @property
    def models(self) -> Sequence[RemoteModel]:
        """Return the models of the configuration, with the platform's facts; if it names none, all that the platform lists."""
        listed = {each.id: each for each in self._listed or ()}
        if self.config.models:
            return [_completed(model, listed.get(model.id)) for model in self.config.models]
        return [_completed(RemoteModel(name=each.id, id=each.id, kind=each.kind), each) for each in listed.values()]

    def model(self, name: str, kind: ModelKind) -> RemoteModel | None:
        return next((each for each in self.models if each.name == name and each.kind is kind), None)

    def discover(self, first_s: float = PROBE_S) -> Sequence[ListedModel]:
        """Ask for the list of models. Raises PlatformFailure."""
        call, end = Call(), time.monotonic() + first_s * 4

        def get(path: str) -> dict[str, Any]:
            return self._ask(call, "GET", path, None, first_s, end)

        def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
            return self._ask(call, "POST", path, body, first_s, end)

        self._listed = tuple(self._wire.models(get, post) if self._detector is None else self._detector.models(get))
        return self._listed

    def missing(self) -> Sequence[StoredError]:
        """Name the configured models that the platform does not have; none before it was asked, or if it lists none."""
        if not self._listed:
            return []
        ids = {each.id for each in self._listed}
        words = "{platform} has no {model}. It has {models}."
        return [
            StoredError(words, {"platform": self.name, "model": model.id, "models": ", ".join(sorted(ids)[:20])})
            for model in self.config.models
            if model.id not in ids and f"{model.id}:latest" not in ids
        ]

    def answer(self, request: GenerationRequest, model: RemoteModel, count: Count) -> RemoteAnswer:
        """Prepare an answer; it is asked for when its events are read. Raises InvalidInput."""
        check_chat(request, self.name)
        return RemoteAnswer(self.config, self._connections, self._wire, request, model, count)

    def vectors(self, request: EmbeddingRequest | RerankRequest, model: RemoteModel) -> Compute:
        """Return a request for vectors, which raises PlatformFailure."""

        def compute(call: Call) -> tuple[list[array[float]], int]:
            limits, end = self.config.limits, time.monotonic() + self.config.limits.timeout_s

            def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
                return self._ask(call, "POST", path, body, min(limits.first_token_s, limits.timeout_s), end)

            if isinstance(request, EmbeddingRequest):
                return self._wire.embed(post, request, model, self.name)
            return self._wire.rerank(post, request, model, self.name)

        return compute

    def boxes(self, request: DetectionRequest, model: RemoteModel, call: Call) -> tuple[DetectedBox, ...]:
        """Ask a detector for boxes. Raises PlatformFailure."""
        assert self._detector is not None, "only detectors have models of their kind"
        end = time.monotonic() + self.config.limits.timeout_s

        def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
            return self._ask(call, "POST", path, body, self.config.limits.timeout_s, end)

        return self._detector.detect(post, request, model, self.name)

    def close(self) -> None:
        self._connections.close()

    def _ask(self, call: Call, method: str, path: str, body: dict[str, Any] | None, first_s: float, end: float) -> dict[str, Any]:
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        response = self._connections.send(call, method, path, content, first_s=first_s, end=end)
        try:
            check_status(self.name, response)
            if response.content_type not in ("application/json", "text/plain", ""):
                raise nonsense(self.name, response.content_type[:60])
            response.within(first_s, end)
            found = json_object(self.name, response.body())
        finally:
            response.close()
        if found.get("error") and len(found) <= 2:
            raise nonsense(self.name, "error")
        return found


def _completed(model: RemoteModel, listed: ListedModel | None) -> RemoteModel:
    """Complete the configuration's facts with the platform's."""
    if listed is None:
        return model
    return replace(
        model,
        context=model.context or listed.context,
        thinking=listed.thinking if model.thinking is None else model.thinking,
        tools=listed.tools if model.tools is None else model.tools,
        vision=listed.vision if model.vision is None else model.vision,
        version=listed.version,
    )
