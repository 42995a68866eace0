"""Speak Ollama's own protocol: its model list says what is loaded and how long a prompt may be, and its answers hold token counts and
reasoning.

Written from its API documentation (docs/api.md of Ollama).
"""

from __future__ import annotations

import json
from array import array
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from core.inference.records import FinishReason, Usage
from core.inference.requests import ChatRole, GenerationRequest, ToolChoice
from core.inference.vectors import EmbeddingRequest, RerankRequest
from core.models.records import ModelKind
from core.platforms.records import Platform, RemoteModel
from models.platforms.remote.connection import Response
from models.platforms.remote.event_stream import json_object, lines
from models.platforms.remote.failures import Fault, PlatformFailure, cut, invalid_answer, of_status
from models.platforms.remote.wires.chat_request import tool_of
from models.platforms.remote.wires.listing import MAX_MODELS, ListedModel
from models.platforms.remote.wires.openai_wire import Get, Post, unit_row, whole_rows
from models.platforms.remote.wires.pieces import CallPart, Piece

_OPTIONS = {
    "temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "min_p": "min_p", "typical_p": "typical_p",
    "repeat_penalty": "repeat_penalty", "presence_penalty": "presence_penalty", "frequency_penalty": "frequency_penalty",
    "seed": "seed", "max_tokens": "num_predict",
}  # fmt: skip
_LEFT_OUT = ("logit_bias", "stop_tokens", "logprobs", "grammar", "thinking_budget")


class OllamaWire:
    chat_path = "/api/chat"
    accept = "application/x-ndjson"
    reranks = False

    def models(self, get: Get, post: Post) -> list[ListedModel]:
        found, running = get("/api/tags").get("models"), get("/api/ps").get("models")
        loaded = {str(each.get("name")) for each in running if isinstance(each, Mapping)} if isinstance(running, list) else set()
        entries = [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
        names = [str(each["name"]) for each in entries if each.get("name")]
        return [self._listed(post, name, name in loaded) for name in names[:MAX_MODELS]]

    def _listed(self, post: Post, name: str, loaded: bool) -> ListedModel:
        try:
            shown = post("/api/show", {"model": name})
        except PlatformFailure as problem:
            if problem.fault is not Fault.REFUSED:
                raise
            shown = {}
        abilities = {str(each) for each in shown.get("capabilities") or []}
        info = shown.get("model_info")
        contexts = [value for key, value in info.items() if str(key).endswith(".context_length")] if isinstance(info, Mapping) else []
        return ListedModel(
            id=name,
            kind=ModelKind.EMBEDDING if "embedding" in abilities and "completion" not in abilities else ModelKind.CHAT,
            context=contexts[0] if contexts and isinstance(contexts[0], int) else None,
            thinking="thinking" in abilities,
            tools="tools" in abilities,
            vision="vision" in abilities,
            owner="ollama",
            loaded=loaded,
        )

    def chat(self, request: GenerationRequest, model: RemoteModel, platform: Platform) -> tuple[dict[str, Any], tuple[str, ...]]:
        params = request.params
        options: dict[str, Any] = {theirs: value for name, theirs in _OPTIONS.items() if (value := getattr(params, name)) is not None}
        if params.stop:
            options["stop"] = list(params.stop)
        body: dict[str, Any] = {"model": model.id, "messages": messages(request), "stream": True, "options": options}
        dropped = [name for name in _LEFT_OUT if getattr(params, name) not in (None, ())]
        if params.json_schema is not None:
            body["format"] = json.loads(params.json_schema)
        if request.tools and request.tool_choice is not ToolChoice.NONE:
            body["tools"] = [tool_of(each) for each in request.tools]
            if request.tool_choice is ToolChoice.REQUIRED:
                dropped.append("tool_choice")
        if model.thinking:
            body["think"] = request.thinking
        if request.adapter:
            dropped.append("adapter")
        return body, tuple(dropped)

    def pieces(self, platform: str, response: Response) -> Iterator[Piece]:
        if response.content_type not in ("application/x-ndjson", "application/json", "text/plain", ""):
            raise invalid_answer(platform, response.content_type[:60])
        for line in lines(platform, response.chunks()):
            if not line.strip():
                continue
            chunk = json_object(platform, line)
            if chunk.get("error"):
                raise of_status(platform, 500, chunk["error"])
            yield _piece(chunk)
            if chunk.get("done"):
                return
        raise cut(platform)

    def embed(self, post: Post, request: EmbeddingRequest, model: RemoteModel, platform: str) -> tuple[list[array[float]], int]:
        texts = [each for each in request.inputs if isinstance(each, str)]
        if len(texts) != len(request.inputs):
            raise PlatformFailure(Fault.REFUSED, "{platform} reads texts only, no token ids.", platform=platform)
        body: dict[str, Any] = {"model": model.id, "input": texts, "truncate": request.truncate}
        if request.dimensions is not None:
            body["dimensions"] = request.dimensions
        found = post("/api/embed", body)
        vectors = found.get("embeddings")
        rows = [unit_row(platform, each) for each in vectors] if isinstance(vectors, list) else []
        if len(rows) != len(texts):
            raise invalid_answer(platform, "embedding")
        return whole_rows(platform, rows), _count(found, "prompt_eval_count")

    def rerank(self, post: Post, request: RerankRequest, model: RemoteModel, platform: str) -> tuple[list[array[float]], int]:
        raise PlatformFailure(Fault.REFUSED, "{platform} cannot rerank.", platform=platform)


def messages(request: GenerationRequest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    for message in request.messages:
        entry: dict[str, Any] = {"role": message.role.value, "content": message.content}
        if message.images:
            entry["images"] = [b64encode(image.content).decode() for image in message.images]
        if message.tool_calls:
            names |= {call.id: call.name for call in message.tool_calls}
            entry["tool_calls"] = [{"function": {"name": call.name, "arguments": _object(call.arguments)}} for call in message.tool_calls]
        if message.role is ChatRole.TOOL:
            entry["tool_name"] = names.get(message.tool_call_id, "")
        found.append(entry)
    return found


def _object(arguments: str) -> dict[str, Any]:
    try:
        found = json.loads(arguments)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _piece(chunk: Mapping[str, Any]) -> Piece:
    message = chunk.get("message")
    message = message if isinstance(message, Mapping) else {}
    calls = []
    for entry in message.get("tool_calls") or []:
        function = entry.get("function") if isinstance(entry, Mapping) else None
        if isinstance(function, Mapping):
            arguments = json.dumps(function.get("arguments") or {}, ensure_ascii=False)
            calls.append(CallPart(index=None, name=str(function.get("name") or ""), arguments=arguments))
    usage = Usage(_count(chunk, "prompt_eval_count"), _count(chunk, "eval_count")) if chunk.get("done") else None
    finish = FinishReason.LENGTH if chunk.get("done_reason") == "length" else FinishReason.STOP
    return Piece(
        text=str(message.get("content") or ""), reasoning=str(message.get("thinking") or ""), calls=tuple(calls),
        finish=finish if chunk.get("done") else None,
        usage=usage if usage is not None and (usage.prompt_tokens or usage.completion_tokens) else None,
    )  # fmt: skip


def _count(value: Mapping[str, Any], name: str) -> int:
    number = value.get(name)
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**31 else 0
