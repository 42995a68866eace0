"""Speak OpenAI's protocol, as gateways, vLLM, SGLang, llama-server, Xinference and other portals do."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from core.inference.records import FinishReason, Usage
from core.inference.requests import Alternative, GenerationRequest, TokenLogprob
from core.inference.vectors import EmbeddingRequest, RerankRequest
from core.platforms.records import Platform, RemoteModel
from models.platforms.remote.connection import MAX_ERROR, Response
from models.platforms.remote.event_stream import DONE, events, json_object
from models.platforms.remote.failures import PlatformFailure, cut, invalid_answer, of_status
from models.platforms.remote.wires.chat_request import chat_body
from models.platforms.remote.wires.listing import MAX_MODELS, ListedModel, listed_model
from models.platforms.remote.wires.pieces import CallPart, Piece

_FINISHES = {
    "stop": FinishReason.STOP, "length": FinishReason.LENGTH, "tool_calls": FinishReason.STOP, "function_call": FinishReason.STOP,
    "eos": FinishReason.STOP, "end_turn": FinishReason.STOP, "max_tokens": FinishReason.LENGTH, "content_filter": FinishReason.STOP,
    "sensitive": FinishReason.STOP,
}  # fmt: skip
Get = Callable[[str], dict[str, Any]]
Post = Callable[[str, dict[str, Any]], dict[str, Any]]


class OpenAIWire:
    """Writes requests and reads answers in OpenAI's protocol."""

    chat_path = "/chat/completions"
    accept = "text/event-stream, application/json"
    reranks = True

    def models(self, get: Get, post: Post) -> list[ListedModel]:
        found = get("/models").get("data")
        entries = [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
        return [model for each in entries[:MAX_MODELS] if (model := listed_model(each)) is not None]

    def chat(self, request: GenerationRequest, model: RemoteModel, platform: Platform) -> tuple[dict[str, Any], tuple[str, ...]]:
        return chat_body(request, model, platform)

    def pieces(self, platform: str, response: Response) -> Iterator[Piece]:
        """Read the answer, streamed or whole. Raises PlatformFailure; returns once the server said that it ended."""
        if response.content_type == "application/json":
            yield from _whole(platform, json_object(platform, response.body()))
            return
        if response.content_type not in ("text/event-stream", "application/x-ndjson", "text/plain", ""):
            raise invalid_answer(platform, response.content_type[:60])
        ended = seen = False
        for data in events(platform, response.chunks()):
            seen = True
            if data.strip() == DONE:
                return
            chunk = json_object(platform, data)
            _check(platform, chunk)
            piece = _piece(chunk)
            ended = ended or piece.finish is not None
            yield piece
        if not seen:
            raise invalid_answer(platform, response.content_type or "empty")
        if not ended:
            raise cut(platform)

    def embed(self, post: Post, request: EmbeddingRequest, model: RemoteModel, platform: str) -> tuple[list[array[float]], int]:
        """Return a row for each input, of length 1, and the tokens that were read."""
        body: dict[str, Any] = {"model": model.id, "input": [each if isinstance(each, str) else list(each) for each in request.inputs]}
        body["encoding_format"] = "float"
        if request.dimensions is not None:
            body["dimensions"] = request.dimensions
        found = post("/embeddings", body)
        rows: list[array[float] | None] = [None] * len(request.inputs)
        data = found.get("data")
        for number, entry in enumerate(data if isinstance(data, list) else []):
            index = entry.get("index", number) if isinstance(entry, Mapping) else -1
            if isinstance(index, int) and 0 <= index < len(rows):
                rows[index] = unit_row(platform, entry.get("embedding"))
        return whole_rows(platform, rows), _count(found.get("usage"), "prompt_tokens", "total_tokens")

    def rerank(self, post: Post, request: RerankRequest, model: RemoteModel, platform: str) -> tuple[list[array[float]], int]:
        """Return a relevance of 0 to 1 for each document, and the tokens that were read."""
        body = {"model": model.id, "query": request.query, "documents": list(request.documents), "top_n": len(request.documents)}
        found = post("/rerank", {**body, "return_documents": False})
        scores: list[float | None] = [None] * len(request.documents)
        results = found.get("results") if isinstance(found.get("results"), list) else found.get("data")
        for entry in results if isinstance(results, list) else []:
            index = entry.get("index") if isinstance(entry, Mapping) else None
            score = entry.get("relevance_score", entry.get("score")) if isinstance(entry, Mapping) else None
            if isinstance(index, int) and 0 <= index < len(scores) and isinstance(score, int | float) and math.isfinite(score):
                scores[index] = float(score)
        numbers = [score for score in scores if score is not None]
        if len(numbers) != len(scores):
            raise invalid_answer(platform, "rerank")
        if any(not 0 <= score <= 1 for score in numbers):
            # Some servers return the logits themselves.
            numbers = [1 / (1 + math.exp(-max(-60.0, min(60.0, score)))) for score in numbers]
        return [array("f", [score]) for score in numbers], _count(found.get("usage"), "prompt_tokens", "total_tokens")


def check_status(platform: str, response: Response) -> None:
    """Raise PlatformFailure unless the status is 200, with the server's text where that is plain."""
    if response.status == 200:
        return
    message: object = ""
    if response.content_type == "application/json":
        try:
            message = _message(json_object(platform, response.body(MAX_ERROR)))
        except PlatformFailure:
            message = ""
    raise of_status(platform, response.status, message, _seconds(response.header("Retry-After")))


def unit_row(platform: str, numbers: object) -> array[float]:
    """Read an embedding and make its length 1. Raises PlatformFailure."""
    try:
        row = array("f", numbers if isinstance(numbers, list) else [])
    except (TypeError, ValueError, OverflowError) as problem:
        raise invalid_answer(platform, "embedding") from problem
    length = math.sqrt(math.fsum(each * each for each in row))
    if not row or not math.isfinite(length) or length == 0:
        raise invalid_answer(platform, "embedding")
    return array("f", [each / length for each in row])


def whole_rows(platform: str, rows: Sequence[array[float] | None]) -> list[array[float]]:
    found = [row for row in rows if row is not None]
    if len(found) != len(rows) or len({len(row) for row in found}) > 1:
        raise invalid_answer(platform, "embedding")
    return found


def _seconds(written: str) -> float | None:
    """Read Retry-After as seconds; a date is ignored, since the clocks may differ."""
    try:
        return min(max(float(written), 0.0), 3_600.0)
    except ValueError:
        return None


def _message(body: Mapping[str, Any]) -> object:
    error = body.get("error")
    if isinstance(error, Mapping):
        return error.get("message")
    return error or body.get("message") or body.get("detail")


def _check(platform: str, body: Mapping[str, Any]) -> None:
    """Raise PlatformFailure for an error that came with status 200."""
    if body.get("error") and not body.get("choices"):
        error = body["error"]
        code = error.get("code") if isinstance(error, Mapping) else None
        status = code if isinstance(code, int) and 400 <= code < 600 else 500
        raise of_status(platform, status, _message(body))


def _whole(platform: str, body: Mapping[str, Any]) -> Iterator[Piece]:
    """Read an answer that came in one piece, as some servers send it although a stream was asked for."""
    _check(platform, body)
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        raise invalid_answer(platform, "JSON")
    choice = choices[0]
    as_chunk = {**choice, "delta": choice.get("message"), "finish_reason": choice.get("finish_reason") or "stop"}
    yield _piece({**body, "choices": [as_chunk]})


def _piece(chunk: Mapping[str, Any]) -> Piece:
    choices = chunk.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else {}
    delta = choice.get("delta")
    delta = delta if isinstance(delta, Mapping) else {}
    finish = choice.get("finish_reason")
    return Piece(
        text=_text(delta.get("content")),
        reasoning=_text(delta.get("reasoning_content")) or _text(delta.get("reasoning")),
        calls=tuple(_calls(delta.get("tool_calls"))),
        logprobs=tuple(_logprobs(choice.get("logprobs"))),
        finish=None if not finish else _FINISHES.get(str(finish), FinishReason.STOP),
        usage=_usage(chunk.get("usage")),
    )


def _text(value: object) -> str:
    if isinstance(value, list):  # Parts, as in a message with images.
        return "".join(_text(part.get("text")) for part in value if isinstance(part, Mapping))
    return value if isinstance(value, str) else ""


def _calls(value: object) -> Iterator[CallPart]:
    for entry in value if isinstance(value, list) else []:
        function = entry.get("function") if isinstance(entry, Mapping) else None
        if isinstance(function, Mapping):
            index = entry.get("index")
            yield CallPart(
                index=index if isinstance(index, int) else None, id=_text(entry.get("id")), name=_text(function.get("name")),
                arguments=_text(function.get("arguments")),
            )  # fmt: skip


def _logprobs(value: object) -> Iterator[TokenLogprob]:
    entries = value.get("content") if isinstance(value, Mapping) else None
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping):
            others = entry.get("top_logprobs")
            top = [_alternative(each) for each in others if isinstance(each, Mapping)] if isinstance(others, list) else []
            own = _alternative(entry)
            yield TokenLogprob(own.piece, own.logprob, tuple(top))


def _alternative(entry: Mapping[str, Any]) -> Alternative:
    raw, logprob = entry.get("bytes"), entry.get("logprob")
    try:
        piece = bytes(raw) if isinstance(raw, list) else _text(entry.get("token")).encode()
    except (ValueError, TypeError):
        piece = b""
    return Alternative(piece, float(logprob) if isinstance(logprob, int | float) else -9999.0)


def _usage(value: object) -> Usage | None:
    if not isinstance(value, Mapping) or not (_count(value, "prompt_tokens") or _count(value, "completion_tokens")):
        return None
    details = value.get("prompt_tokens_details")
    cached = _count(details, "cached_tokens") or _count(value, "cached_tokens", "prompt_cache_hit_tokens")
    prompt = _count(value, "prompt_tokens")
    return Usage(prompt, _count(value, "completion_tokens"), min(cached, prompt))


def _count(value: object, *names: str) -> int:
    found = [value.get(name) for name in names] if isinstance(value, Mapping) else []
    return next((number for number in found if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**31), 0)
