"""Ask one platform on another server: for its models, for answers and for vectors."""

from __future__ import annotations

import json
import time
from array import array
from collections.abc import Callable
from typing import Any

from core.inference.detection import DetectedBox, DetectionRequest
from core.inference.requests import GenerationRequest
from core.inference.vectors import EmbeddingRequest, RerankRequest
from core.platforms.records import Platform, PlatformType, RemoteModel
from models.platforms.model_list import ModelList
from models.platforms.remote.addresses import Resolve, resolve
from models.platforms.remote.connection import Connections
from models.platforms.remote.event_stream import json_object
from models.platforms.remote.failures import invalid_answer
from models.platforms.remote.guarded_socket import Call
from models.platforms.remote.remote_answer import Count, RemoteAnswer, Wire
from models.platforms.remote.wires.chat_request import check_chat
from models.platforms.remote.wires.detector_wire import DetectorWire
from models.platforms.remote.wires.ollama_wire import OllamaWire
from models.platforms.remote.wires.openai_wire import OpenAIWire, check_status

PROBE_S = 5.0
"""Seconds for a list of models, which is also the health check."""
Compute = Callable[[Call], "tuple[list[array[float]], int]"]


class RemotePlatform:
    """Safe from any thread."""

    def __init__(self, config: Platform, *, link_local: bool = False, resolver: Resolve = resolve) -> None:
        self.config = config
        self.name = config.name
        base_url = config.base_url
        if config.type is PlatformType.OLLAMA:
            base_url = base_url.removesuffix("/v1").removesuffix("/api")
        self._connections = Connections(
            config.name, base_url, api_key=config.api_key, ca_file=config.ca_file, link_local=link_local, resolver=resolver
        )
        self._wire: Wire = OllamaWire() if config.type is PlatformType.OLLAMA else OpenAIWire()
        self._detector = DetectorWire() if config.type is PlatformType.DETECTOR else None
        self.models = ModelList(config)

    def discover(self, first_s: float = PROBE_S) -> None:
        """Ask for the list of models. Raises PlatformFailure."""
        call, end = Call(), time.monotonic() + first_s * 4

        def get(path: str) -> dict[str, Any]:
            return self._ask(call, "GET", path, None, first_s, end)

        def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
            return self._ask(call, "POST", path, body, first_s, end)

        self.models.listed = tuple(self._wire.models(get, post) if self._detector is None else self._detector.models(get))

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
                raise invalid_answer(self.name, response.content_type[:60])
            response.within(first_s, end)
            found = json_object(self.name, response.body())
        finally:
            response.close()
        if found.get("error") and len(found) <= 2:
            raise invalid_answer(self.name, "error")
        return found
