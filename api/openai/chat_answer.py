"""Running completions in OpenAI's shape: chunks as they come, or one answer at the end."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.errors import UNEXPECTED, openai_error
from api.portal.shapes import TimingsOut
from api.streams import KEEP_ALIVE, KEEP_ALIVE_S, Failed, Feed, pump, sse
from core.errors import ModelFailed, PortalError, Unavailable
from core.inference.gateway import Answer, Gateway
from core.inference.records import FinishReason, Usage
from core.inference.requests import Alternative, Delta, Finished, GenerationEvent, GenerationRequest, Queued, TokenLogprob, ToolCall

log = logging.getLogger(__name__)

LEAST_LOGPROB = -9999.0
"""In place of minus infinity, which JSON does not know; OpenAI's too."""


class PromptDetails(BaseModel):
    cached_tokens: int


class UsageOut(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails

    @staticmethod
    def of(answers: Sequence[Usage]) -> UsageOut:
        """Of all answers to one prompt, which counts once."""
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
    content: str | None = Field(description="null if the answer is only calls of tools.")
    reasoning_content: str | None = Field(default=None, description="What the model thought before it answered.")
    tool_calls: list[ToolCallOut] | None = None


class Choice(BaseModel):
    index: int = 0
    message: AnswerMessage
    finish_reason: Literal["stop", "length", "tool_calls"]
    logprobs: dict[str, Any] | None = None
    note: str | None = Field(default=None, description="Not OpenAI's: what is wrong with the answer, such as that it repeated itself.")
    timings: TimingsOut = Field(description="Not OpenAI's.")


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    system_fingerprint: str = Field(description="Changes with the model's file and the engine's version.")
    choices: list[Choice]
    usage: UsageOut


Item = tuple[int, Queued | Delta | Finished]
"""What came of answer number so and so."""


class ChatAnswer:
    """Runs the completions on threads of their own. `leave()` frees the engine if they are not at their end.

    Of several answers the first begins alone; the others follow once it has read the prompt, and copy that from it.
    """

    def __init__(self, gateway: Gateway, first: Answer, start_another: Callable[[int], Answer], count: int) -> None:
        self._gateway = gateway
        self._first = first
        self._start_another = start_another
        self._count = count
        self._lock = threading.Lock()
        self._running = [first]
        self._prompt_read = threading.Event()
        self._ended = 0
        self._left = False
        self._feed: Feed[tuple[int, GenerationEvent] | Failed | None] = Feed()
        for number in range(count):
            pump(self._source(number), self._feed, f"completion-{first.id[:8]}-{number}")

    def _source(self, number: int) -> Iterator[tuple[int, GenerationEvent]]:
        completion = self._first
        if number:
            self._prompt_read.wait()
            if self._gone():
                return
            completion = self._start_another(number)
            with self._lock:
                self._running.append(completion)
            if self._gone():
                completion.cancel()
        try:
            for event in self._gateway.recorded(completion):
                if isinstance(event, Delta):
                    self._prompt_read.set()
                yield number, event
        except PortalError:
            self.leave()  # what one of the answers cannot get, the others need not try
            raise
        finally:
            self._prompt_read.set()

    def _gone(self) -> bool:
        with self._lock:
            return self._left

    @property
    def _head(self) -> dict[str, Any]:
        done = self._first
        created = int(done.created_at.timestamp())
        return {"id": f"chatcmpl-{done.id}", "created": created, "model": done.model, "system_fingerprint": done.fingerprint}

    @property
    def _finished(self) -> bool:
        return self._ended >= self._count

    def leave(self) -> None:
        if self._finished:
            return
        with self._lock:
            self._left = True
            running = list(self._running)
        for completion in running:
            completion.cancel()
        self._prompt_read.set()

    async def deltas(self) -> AsyncIterator[Item | None]:
        """What came since the last one, words merged; None after a while without any. Raises what a generation raised."""
        while not self._finished:
            items = await self._feed.take(KEEP_ALIVE_S)
            if not items:
                yield None
            for number in range(self._count):
                deltas = [event for event in _of(items, number) if isinstance(event, Delta)]
                if deltas:
                    yield number, merged(deltas)
                for event in _of(items, number):
                    if isinstance(event, Finished) or (isinstance(event, Queued) and not deltas):
                        yield number, event
            for item in items:
                if isinstance(item, Failed):
                    self.leave()
                    self._ended = self._count
                    raise item.error
            self._ended += sum(item is None for item in items)

    def whole(self, items: Sequence[Item | None]) -> ChatCompletion:
        """The answer of all items that `deltas` gave."""
        ends: list[Finished] = []
        choices = []
        for number in range(self._count):
            mine = [item[1] for item in items if item is not None and item[0] == number]
            end = next((event for event in mine if isinstance(event, Finished)), None)
            if end is None:
                raise Unavailable("The model went away in the middle of the answer. Try again.")
            ends.append(end)
            choices.append(_choice(number, merged([event for event in mine if isinstance(event, Delta)]), end))
        return ChatCompletion(**self._head, choices=choices, usage=UsageOut.of([end.usage for end in ends]))

    async def events(self, include_usage: bool) -> AsyncGenerator[bytes]:
        for number in range(self._count):
            yield self._chunk(number, {"role": "assistant", "content": ""}, include_usage)
        usages: list[Usage] = []
        called = [0] * self._count
        try:
            async for item in self.deltas():
                match item:
                    case None:
                        yield KEEP_ALIVE
                    case number, Queued() as queued if queued.place:
                        yield _place(number, queued)
                    case number, Delta() as delta:
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
            log.exception("completion %s failed", self._first.id)
            yield last_event(ModelFailed(UNEXPECTED))
        else:
            yield b"data: [DONE]\n\n"

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


def _place(number: int, queued: Queued) -> bytes:
    """A comment, which clients of OpenAI's pass over: its protocol has no word for waiting."""
    place = {"index": number, "place": queued.place, "wait_s": queued.wait_s}
    return f": queued {json.dumps(place, separators=(',', ':'))}\n\n".encode()


def last_event(problem: PortalError) -> bytes:
    """What ends a stream that fails; no [DONE] follows."""
    return sse(openai_error(problem)[1])


def another(request: GenerationRequest, number: int) -> GenerationRequest:
    """The request for answer `number` of several: with a seed of its own, as the first one's follows from the given seed."""
    seed = request.params.seed
    return request if seed is None else replace(request, params=replace(request.params, seed=(seed + number) & 0xFFFFFFFF))


def merged(deltas: Sequence[Delta]) -> Delta:
    return Delta(
        text="".join(each.text for each in deltas),
        reasoning="".join(each.reasoning for each in deltas),
        tokens=deltas[-1].tokens if deltas else 0,
        tool_calls=tuple(call for each in deltas for call in each.tool_calls),
        logprobs=tuple(told for each in deltas for told in each.logprobs),
    )


def _of(items: Sequence[tuple[int, GenerationEvent] | Failed | None], number: int) -> list[GenerationEvent]:
    return [item[1] for item in items if isinstance(item, tuple) and item[0] == number]


def _choice(number: int, answer: Delta, end: Finished) -> Choice:
    message = AnswerMessage(
        content=answer.text or (None if answer.tool_calls else ""),
        reasoning_content=answer.reasoning or None,
        tool_calls=[ToolCallOut.of(call) for call in answer.tool_calls] or None,
    )
    reason = _reason(end.finish_reason, len(answer.tool_calls))
    timings = TimingsOut.of(end.timings)
    return Choice(index=number, message=message, finish_reason=reason, logprobs=_logprobs(answer), note=end.note, timings=timings)


def _words(delta: Delta, called: int) -> dict[str, Any]:
    """A chunk's delta; `called` calls came before."""
    words: dict[str, Any] = {"content": delta.text, "reasoning_content": delta.reasoning}
    calls = [{"index": called + place, **ToolCallOut.of(call).model_dump()} for place, call in enumerate(delta.tool_calls)]
    return {key: value for key, value in {**words, "tool_calls": calls}.items() if value}


def _logprobs(delta: Delta) -> dict[str, Any] | None:
    if not delta.logprobs:
        return None
    return {"content": [{**_told(one), "top_logprobs": [_told(each) for each in one.top]} for one in delta.logprobs], "refusal": None}


def _told(token: TokenLogprob | Alternative) -> dict[str, Any]:
    logprob = max(token.logprob, LEAST_LOGPROB)
    return {"token": token.piece.decode("utf-8", "replace"), "logprob": logprob, "bytes": list(token.piece)}


def _reason(reason: FinishReason, called: int) -> Literal["stop", "length", "tool_calls"]:
    if reason is FinishReason.LENGTH:
        return "length"
    return "tool_calls" if called else "stop"
