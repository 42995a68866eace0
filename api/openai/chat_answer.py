"""Return running completions in OpenAI's shape: chunks as they come, or one answer at the end."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Literal
from uuid import uuid4

from pydantic import BaseModel, Field

from api.answering.answers import Item, RunningAnswers
from api.answering.streams import KEEP_ALIVE, Write, json_text, sse
from api.answering.timings import TimingsOut
from api.errors import openai_error, unexpected
from core.errors import PortalError
from core.inference.records import FinishReason, Usage
from core.inference.requests import Alternative, Delta, Finished, Queued, TokenLogprob, ToolCall

log = logging.getLogger(__name__)

_TEXT = f"text-{uuid4().hex}"
"""Placeholder for the text while the JSON around it is encoded."""
MIN_LOGPROB = -9999.0
"""Replaces minus infinity, which JSON does not have. OpenAI does the same."""


class PromptDetails(BaseModel):
    cached_tokens: int


class UsageOut(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails

    @staticmethod
    def of(answers: Sequence[Usage]) -> UsageOut:
        """Add up the usage of all answers to one prompt, which counts once."""
        completed = sum(usage.completion_tokens for usage in answers)
        return UsageOut(
            prompt_tokens=answers[0].prompt_tokens,
            completion_tokens=completed,
            total_tokens=answers[0].prompt_tokens + completed,
            prompt_tokens_details=PromptDetails(cached_tokens=answers[0].cached_tokens),
        )


class CalledOut(BaseModel):
    name: str
    arguments: str = Field(description="A JSON object as text.")


class ToolCallOut(BaseModel):
    id: str
    type: Literal["function"] = "function"
    function: CalledOut

    @staticmethod
    def of(call: ToolCall) -> ToolCallOut:
        return ToolCallOut(id=call.id, function=CalledOut(name=call.name, arguments=call.arguments))


class AnswerMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str | None = Field(description="null if the answer consists of tool calls only.")
    reasoning_content: str | None = Field(default=None, description="The model's thinking before the answer.")
    tool_calls: list[ToolCallOut] | None = None


class Choice(BaseModel):
    index: int = 0
    message: AnswerMessage
    finish_reason: Literal["stop", "length", "tool_calls"]
    logprobs: dict[str, Any] | None = None
    note: str | None = Field(default=None, description="Extension: what is wrong with the answer, for example that it repeated itself.")
    timings: TimingsOut = Field(description="Extension.")


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    system_fingerprint: str = Field(description="Changes with the model file and the engine version.")
    choices: list[Choice]
    usage: UsageOut


class ChatAnswer:
    """Presents running completions in OpenAI's shape."""

    def __init__(self, running: RunningAnswers) -> None:
        self._running = running
        self._around_text: dict[tuple[int, str], tuple[bytes, bytes]] = {}

    @property
    def _head(self) -> dict[str, Any]:
        done = self._running.first
        created = int(done.created_at.timestamp())
        return {"id": f"chatcmpl-{done.id}", "created": created, "model": done.model, "system_fingerprint": done.fingerprint}

    def whole(self, items: Sequence[Item | None]) -> ChatCompletion:
        """Build the whole answer from all items of the running answers."""
        answers = self._running.whole(items)
        choices = [_choice(number, answer, end) for number, (answer, end) in enumerate(answers)]
        return ChatCompletion(**self._head, choices=choices, usage=UsageOut.of([end.usage for _, end in answers]))

    async def events(self, include_usage: bool) -> AsyncGenerator[bytes]:
        for number in range(self._running.count):
            yield self._chunk(number, {"role": "assistant", "content": None}, include_usage)
        usages: list[Usage] = []
        called = [0] * self._running.count
        try:
            async for item in self._running.deltas():
                match item:
                    case None:
                        yield KEEP_ALIVE
                    case number, Queued() as queued if queued.position:
                        yield queue_comment(number, queued)
                    case number, Delta() as delta:
                        if _is_plain(delta):
                            yield self._text_chunk(number, delta, include_usage)
                        else:
                            yield self._chunk(number, _words(delta, called[number]), include_usage, logprobs=_logprobs(delta))
                        called[number] += len(delta.tool_calls)
                    case number, Finished() as end:
                        usages.append(end.usage)
                        reason = _reason(end.finish_reason, called[number])
                        yield self._chunk(number, {}, include_usage, reason, end=end)
            if include_usage and usages:
                usage = UsageOut.of(usages).model_dump()
                yield sse({**self._head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        except PortalError as problem:
            yield last_event(problem)
        except Exception:
            log.exception("completion %s failed", self._running.first.id)
            yield last_event(unexpected())
        else:
            yield b"data: [DONE]\n\n"

    def send_by(self, write: Write, include_usage: bool) -> None:
        """Write chunks of text alone at once, while `events` waits for them."""

        def encode(item: Item) -> bytes | None:
            number, delta = item
            return self._text_chunk(number, delta, include_usage) if isinstance(delta, Delta) and _is_plain(delta) else None

        self._running.send_by(encode, write)

    def _text_chunk(self, number: int, delta: Delta, include_usage: bool) -> bytes:
        """Return the most common chunk, which has text or reasoning alone. The JSON around that is the same in each chunk, and is encoded
        once."""
        field = "content" if delta.text else "reasoning_content"
        around = self._around_text.get((number, field))
        if around is None:
            before, _, after = self._chunk(number, {field: _TEXT}, include_usage).partition(json_text(_TEXT).encode())
            self._around_text[number, field] = around = before, after
        return around[0] + json_text(delta.text or delta.reasoning).encode("utf-8", "replace") + around[1]

    def _chunk(
        self,
        number: int,
        delta: dict[str, Any],
        include_usage: bool,
        reason: str | None = None,
        *,
        logprobs: dict[str, Any] | None = None,
        end: Finished | None = None,
    ) -> bytes:
        choice = {"index": number, "delta": delta, "finish_reason": reason, "logprobs": logprobs}
        if end is not None:
            choice["timings"] = TimingsOut.of(end.timings).model_dump()
            choice |= {"note": end.note} if end.note is not None else {}
        usage = {"usage": None} if include_usage else {}
        return sse({**self._head, "object": "chat.completion.chunk", "choices": [choice], **usage})


def queue_comment(number: int, queued: Queued) -> bytes:
    """Return the queue position as a comment, which OpenAI clients skip: the protocol has no message for it."""
    position = {"index": number, "place": queued.position, "wait_s": queued.wait_s}
    return f": queued {json.dumps(position, separators=(',', ':'))}\n\n".encode()


def last_event(problem: PortalError, prompt_field: str = "messages") -> bytes:
    """Return the event that ends a failed stream; no [DONE] follows."""
    return sse(openai_error(problem, prompt_field)[1])


def _choice(number: int, answer: Delta, end: Finished) -> Choice:
    message = AnswerMessage(
        content=answer.text or (None if answer.tool_calls else ""),
        reasoning_content=answer.reasoning or None,
        tool_calls=[ToolCallOut.of(call) for call in answer.tool_calls] or None,
    )
    reason = _reason(end.finish_reason, len(answer.tool_calls))
    timings = TimingsOut.of(end.timings)
    return Choice(index=number, message=message, finish_reason=reason, logprobs=_logprobs(answer), note=end.note, timings=timings)


def _is_plain(delta: Delta) -> bool:
    """Tell whether a delta has text or reasoning alone."""
    return not delta.logprobs and not delta.tool_calls and bool(delta.text) != bool(delta.reasoning)


def _words(delta: Delta, called: int) -> dict[str, Any]:
    """Build a chunk's delta; `called` is the number of earlier tool calls."""
    words: dict[str, Any] = {"content": delta.text, "reasoning_content": delta.reasoning}
    calls = [{"index": called + index, **ToolCallOut.of(call).model_dump()} for index, call in enumerate(delta.tool_calls)]
    return {key: value for key, value in {**words, "tool_calls": calls}.items() if value}


def _logprobs(delta: Delta) -> dict[str, Any] | None:
    if not delta.logprobs:
        return None
    return {
        "content": [{**_logprob_out(one), "top_logprobs": [_logprob_out(each) for each in one.top]} for one in delta.logprobs],
        "refusal": None,
    }


def _logprob_out(token: TokenLogprob | Alternative) -> dict[str, Any]:
    logprob = max(token.logprob, MIN_LOGPROB)
    return {"token": token.piece.decode("utf-8", "replace"), "logprob": logprob, "bytes": list(token.piece)}


def _reason(reason: FinishReason, called: int) -> Literal["stop", "length", "tool_calls"]:
    if reason is FinishReason.LENGTH:
        return "length"
    return "tool_calls" if called else "stop"
