"""Present a running answer as OpenAI's response: typed events as it comes, or one response at the end."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.answering.answers import Item, RunningAnswers
from api.answering.streams import KEEP_ALIVE, sse
from api.errors import openai_error, unexpected
from api.openai.chat_answer import queue_comment
from api.responses.response_shapes import call_item, message_item, output_text, reasoning_item, reasoning_text, text_logprobs, usage_of
from core.errors import PortalError
from core.inference.records import FinishReason
from core.inference.requests import Delta, Finished, Queued, TokenLogprob, ToolCall

log = logging.getLogger(__name__)


Status = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
Keep = Callable[[dict[str, Any]], Awaitable[None]]
"""Stores a response that has ended. Raises PortalError."""


class ResponseOut(BaseModel):
    """The items of a response."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    completed_at: int | None = None
    model: str
    status: Status
    error: dict[str, Any] | None = None
    incomplete_details: dict[str, Any] | None = None
    output: list[dict[str, Any]] = Field(description="Items of type reasoning, message and function_call.")
    usage: dict[str, Any] | None = None
    background: bool
    instructions: str | None
    max_output_tokens: int | None
    metadata: dict[str, str]
    parallel_tool_calls: bool
    previous_response_id: str | None
    reasoning: dict[str, Any]
    store: bool
    temperature: float | None
    text: dict[str, Any]
    tool_choice: str | dict[str, Any]
    tools: list[dict[str, Any]]
    top_p: float | None
    truncation: str


class ResponseAnswer:
    """Presents one answer. echoed: the fields of the request that the response repeats. keep: stores it at its end; None: it is not stored.
    """

    def __init__(self, running: RunningAnswers, echoed: dict[str, Any], keep: Keep | None = None) -> None:
        self._running = running
        self._echoed = echoed
        self._keep = keep
        self._number = -1
        self._output: list[dict[str, Any]] = []
        """The completed items."""
        self._open: _Open | None = None
        self._thought = 0
        self._tokens = 0

    async def whole(self, items: Sequence[Item | None]) -> dict[str, Any]:
        """Return the response from all items of the running answer."""
        ((_, end),) = self._running.whole(items)
        for item in items:
            if item is not None and isinstance(item[1], Delta):
                list(self._delta(item[1]))
        list(self._close(_status(end)))
        return await self._kept(self._ended(end))

    async def events(self) -> AsyncGenerator[bytes]:
        yield self._event("response.created", response=self._response("in_progress"))
        yield self._event("response.in_progress", response=self._response("in_progress"))
        try:
            async for item in self._running.deltas():
                match item:
                    case None:
                        yield KEEP_ALIVE
                    case _, Queued() as queued if queued.position:
                        yield queue_comment(0, queued)
                    case _, Delta() as delta:
                        for event in self._delta(delta):
                            yield event
                    case _, Finished() as end:
                        for event in self._close(_status(end)):
                            yield event
                        response = await self._kept(self._ended(end))
                        yield self._event(f"response.{response['status']}", response=response)
        except PortalError as problem:
            yield self.last(problem)
        except Exception:
            log.exception("response %s failed", self._running.first.id)
            yield self.last(unexpected())

    def last(self, problem: PortalError) -> bytes:
        """Return the events that end a failed stream."""
        error = {"code": "rate_limit_exceeded" if problem.status == 429 else "server_error", "message": str(problem)}
        response = self._response("failed", error=error)
        body = openai_error(problem, "input")[1]["error"]
        failed = self._event("error", code=body["code"], message=body["message"], param=body["param"])
        return failed + self._event("response.failed", response=response)

    async def _kept(self, response: dict[str, Any]) -> dict[str, Any]:
        """Store the response. If that fails, the client still gets its answer, with a note that it is not stored."""
        if self._keep is not None:
            try:
                await self._keep(response)
            except PortalError as problem:
                log.error("The response %s could not be stored: %s", response["id"], problem)
                return {**response, "store": False}
        return response

    def _delta(self, delta: Delta) -> Iterator[bytes]:
        if delta.reasoning:
            yield from self._into("reasoning")
            yield from self._add(delta.reasoning, ())
            self._thought = self._tokens if delta.text or delta.tool_calls else delta.tokens
        if delta.text:
            yield from self._into("message")
            yield from self._add(delta.text, delta.logprobs)
        for call in delta.tool_calls:
            yield from self._close("completed")
            yield from self._whole_call(call)
        self._tokens = delta.tokens

    def _into(self, kind: str) -> Iterator[bytes]:
        """Begin an item, unless one of this kind is open."""
        if self._open is not None and self._open.kind == kind:
            return
        yield from self._close("completed")
        opened = self._open = _Open(kind, f"{'rs' if kind == 'reasoning' else 'msg'}_{self._running.first.id}_{len(self._output)}")
        item = reasoning_item(opened.id, None, "in_progress") if kind == "reasoning" else message_item(opened.id, None, "in_progress")
        yield self._event("response.output_item.added", output_index=self._index, item=item)
        yield self._part("response.content_part.added", part=opened.part())

    def _add(self, text: str, logprobs: Sequence[TokenLogprob]) -> Iterator[bytes]:
        assert self._open is not None
        self._open.text += text
        self._open.logprobs += logprobs
        if self._open.kind == "reasoning":
            yield self._part("response.reasoning_text.delta", delta=text)
        else:
            yield self._part("response.output_text.delta", delta=text, logprobs=text_logprobs(logprobs, whole=False))

    def _close(self, status: str) -> Iterator[bytes]:
        opened = self._open
        if opened is None:
            return
        if opened.kind == "reasoning":
            yield self._part("response.reasoning_text.done", text=opened.text)
            item = reasoning_item(opened.id, opened.part(), status)
        else:
            yield self._part("response.output_text.done", text=opened.text, logprobs=text_logprobs(opened.logprobs, whole=False))
            item = message_item(opened.id, opened.part(), status)
        yield self._part("response.content_part.done", part=opened.part())
        yield self._event("response.output_item.done", output_index=self._index, item=item)
        self._output.append(item)
        self._open = None

    def _whole_call(self, call: ToolCall) -> Iterator[bytes]:
        name = f"fc_{call.id.removeprefix('call_')}"
        yield self._event("response.output_item.added", output_index=self._index, item=call_item(name, call, "in_progress"))
        described = {"item_id": name, "output_index": self._index}
        yield self._event("response.function_call_arguments.delta", **described, delta=call.arguments)
        yield self._event("response.function_call_arguments.done", **described, arguments=call.arguments)
        item = call_item(name, call, "completed")
        yield self._event("response.output_item.done", output_index=self._index, item=item)
        self._output.append(item)

    @property
    def _index(self) -> int:
        """Return the index of the item that is being written."""
        return len(self._output)

    def _part(self, kind: str, **fields: Any) -> bytes:
        assert self._open is not None
        return self._event(kind, item_id=self._open.id, output_index=self._index, content_index=0, **fields)

    def _event(self, kind: str, **fields: Any) -> bytes:
        self._number += 1
        return sse({"type": kind, "sequence_number": self._number, **fields}, kind)

    def _ended(self, end: Finished) -> dict[str, Any]:
        status = _status(end)
        if status == "incomplete" and self._output:
            self._output[-1]["status"] = status
        return self._response(
            status,
            completed_at=int(time.time()) if status == "completed" else None,
            incomplete_details={"reason": "max_output_tokens"} if status == "incomplete" else None,
            usage=usage_of(end.usage, self._thought),
        )

    def _response(self, status: Status, **fields: Any) -> dict[str, Any]:
        first = self._running.first
        head = response_head(response_id_of(first.id), first.created_at, first.model, status)
        return {**head, **fields, "output": list(self._output), **self._echoed}


def response_id_of(answer_id: str) -> str:
    return f"resp_{answer_id}"


def response_head(response_id: str, created_at: datetime, model: str, status: Status) -> dict[str, Any]:
    """Return the first fields of every response; output, usage and status follow later."""
    head = {"id": response_id, "object": "response", "created_at": int(created_at.timestamp()), "model": model, "status": status}
    return {**head, "completed_at": None, "error": None, "incomplete_details": None, "usage": None, "output": []}


class _Open:
    """An item that is being written, with its one part."""

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.id = name
        self.text = ""
        self.logprobs: list[TokenLogprob] = []

    def part(self) -> dict[str, Any]:
        return reasoning_text(self.text) if self.kind == "reasoning" else output_text(self.text, self.logprobs)


def _status(end: Finished) -> Literal["completed", "incomplete"]:
    return "incomplete" if end.finish_reason is FinishReason.LENGTH else "completed"
