"""Present a running answer as Anthropic's message: events as it comes, or one message at the end."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from hashlib import sha256
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.answering.answers import Item, RunningAnswers
from api.answering.streams import sse
from api.anthropic.errors import anthropic_error
from api.errors import unexpected
from api.openai.chat_answer import queue_comment
from core.errors import PortalError
from core.inference.records import FinishReason, Usage
from core.inference.requests import Delta, Finished, Queued, ToolCall

log = logging.getLogger(__name__)

StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "model_context_window_exceeded"]


class UsageOut(BaseModel):
    input_tokens: int = Field(description="Of the prompt, those that were computed.")
    output_tokens: int
    cache_read_input_tokens: int = Field(description="Of the prompt, those that the model remembered.")
    cache_creation_input_tokens: int = 0

    @staticmethod
    def of(usage: Usage) -> UsageOut:
        return UsageOut(
            input_tokens=usage.prompt_tokens - usage.cached_tokens,
            output_tokens=usage.completion_tokens,
            cache_read_input_tokens=usage.cached_tokens,
        )


class MessageOut(BaseModel):
    id: str
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    model: str
    content: list[dict[str, Any]] = Field(description="Blocks of type thinking, text and tool_use.")
    stop_reason: StopReason | None
    stop_sequence: str | None
    usage: UsageOut


class MessageAnswer:
    """Presents one answer. shows_thoughts: whether to send the text of the reasoning, or only the fact that there was some."""

    def __init__(self, running: RunningAnswers, max_tokens: int, *, shows_thoughts: bool) -> None:
        self._running = running
        self._max_tokens = max_tokens
        self._shows_thoughts = shows_thoughts
        self._index = -1
        self._open = ""
        """The type of the block that is being written."""
        self._thoughts = ""
        self._called = False

    def whole(self, items: Sequence[Item | None]) -> MessageOut:
        """Return the message from all items of the running answer."""
        ((answer, end),) = self._running.whole(items)
        content: list[dict[str, Any]] = []
        if answer.reasoning:
            content.append(self._thinking_block(answer.reasoning))
        if answer.text:
            content.append({"type": "text", "text": answer.text})
        content += [{**_tool_use(call), "input": _object(call.arguments)} for call in answer.tool_calls]
        return self._message(content, UsageOut.of(end.usage), self._stop_reason(end, called=bool(answer.tool_calls)), end.stop)

    async def events(self) -> AsyncGenerator[bytes]:
        start = UsageOut.of(Usage(prompt_tokens=self._running.first.prompt_tokens))
        yield _event("message_start", message=self._message([], start, None, None).model_dump())
        yield PING
        try:
            async for item in self._running.deltas():
                match item:
                    case None:
                        yield PING
                    case _, Queued() as queued if queued.position:
                        yield queue_comment(0, queued)
                    case _, Delta() as delta:
                        for event in self._delta(delta):
                            yield event
                    case _, Finished() as end:
                        for event in self._end(end):
                            yield event
        except PortalError as problem:
            yield last_event(problem)
        except Exception:
            log.exception("message %s failed", self._running.first.id)
            yield last_event(unexpected())

    def _delta(self, delta: Delta) -> Iterator[bytes]:
        if delta.reasoning:
            yield from self._into("thinking", {"thinking": "", "signature": ""})
            self._thoughts += delta.reasoning
            if self._shows_thoughts:
                yield self._piece("thinking_delta", thinking=delta.reasoning)
        if delta.text:
            yield from self._into("text", {"text": ""})
            yield self._piece("text_delta", text=delta.text)
        for call in delta.tool_calls:
            self._called = True
            yield from self._close()
            yield from self._into("tool_use", _tool_use(call))
            yield self._piece("input_json_delta", partial_json=call.arguments)

    def _end(self, end: Finished) -> Iterator[bytes]:
        yield from self._close()
        delta = {"stop_reason": self._stop_reason(end, called=self._called), "stop_sequence": end.stop}
        yield _event("message_delta", delta=delta, usage=UsageOut.of(end.usage).model_dump())
        yield _event("message_stop")

    def _into(self, kind: str, block: dict[str, Any]) -> Iterator[bytes]:
        """Begin a block, unless one of this kind is open."""
        if self._open == kind:
            return
        yield from self._close()
        self._open = kind
        self._index += 1
        yield _event("content_block_start", index=self._index, content_block={"type": kind, **block})

    def _close(self) -> Iterator[bytes]:
        if not self._open:
            return
        if self._open == "thinking":
            yield self._piece("signature_delta", signature=_checksum(self._thoughts))
            self._thoughts = ""
        self._open = ""
        yield _event("content_block_stop", index=self._index)

    def _piece(self, kind: str, **piece: str) -> bytes:
        return _event("content_block_delta", index=self._index, delta={"type": kind, **piece})

    def _thinking_block(self, thoughts: str) -> dict[str, Any]:
        return {"type": "thinking", "thinking": thoughts if self._shows_thoughts else "", "signature": _checksum(thoughts)}

    def _stop_reason(self, end: Finished, *, called: bool) -> StopReason:
        if end.finish_reason is FinishReason.LENGTH:
            return "max_tokens" if end.usage.completion_tokens >= self._max_tokens else "model_context_window_exceeded"
        if called:
            return "tool_use"
        return "end_turn" if end.stop is None else "stop_sequence"

    def _message(self, content: list[dict[str, Any]], usage: UsageOut, reason: StopReason | None, stop: str | None) -> MessageOut:
        first = self._running.first
        return MessageOut(
            id=f"msg_{first.id}", model=first.model, content=content, stop_reason=reason, stop_sequence=stop, usage=usage
        )  # fmt: skip


def last_event(problem: PortalError) -> bytes:
    """Return the event that ends a failed stream."""
    return sse(anthropic_error(problem)[1], "error")


def _event(kind: str, **fields: Any) -> bytes:
    return sse({"type": kind, **fields}, kind)


PING = _event("ping")


def _tool_use(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{call.id.removeprefix('call_')}", "name": call.name, "input": {}}


def _object(arguments: str) -> dict[str, Any]:
    """Return the arguments of a call; empty if they were cut off."""
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _checksum(thoughts: str) -> str:
    return base64.b64encode(sha256(thoughts.encode("utf-8", "replace")).digest()).decode("ascii")
