"""A running completion in OpenAI's shape: chunks as they come, or one answer at the end."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.errors import UNEXPECTED, openai_error
from api.streams import KEEP_ALIVE, KEEP_ALIVE_S, Failed, Feed, pump, sse
from core.completions import Completion
from core.entities import FinishReason, Usage
from core.errors import ModelFailed, PortalError, Unavailable
from core.generation import Delta, Finished, GenerationEvent

log = logging.getLogger(__name__)


class PromptDetails(BaseModel):
    cached_tokens: int


class UsageOut(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails

    @staticmethod
    def of(usage: Usage) -> UsageOut:
        return UsageOut(
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            total_tokens=usage.prompt_tokens + usage.completion_tokens,
            prompt_tokens_details=PromptDetails(cached_tokens=usage.cached_tokens),
        )


class AnswerMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    reasoning_content: str | None = Field(default=None, description="What the model thought before it answered.")


class Choice(BaseModel):
    index: int = 0
    message: AnswerMessage
    finish_reason: Literal["stop", "length"]
    logprobs: None = None


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: UsageOut


class ChatAnswer:
    """Runs the completion on a thread of its own. `leave()` frees the engine if the answer is not at its end."""

    def __init__(self, completion: Completion) -> None:
        self._completion = completion
        self._ended = False
        self._feed: Feed[GenerationEvent | Failed | None] = Feed()
        pump(completion.events(), self._feed, f"completion-{completion.id[:8]}")

    @property
    def _head(self) -> dict[str, Any]:
        done = self._completion
        return {"id": f"chatcmpl-{done.id}", "created": int(done.created_at.timestamp()), "model": done.model}

    def leave(self) -> None:
        if not self._ended:
            self._completion.cancel()

    async def deltas(self) -> AsyncIterator[Delta | Finished | None]:
        """What came since the last one, merged; None after a while without any. Raises what the generation raised."""
        while not self._ended:
            items = await self._feed.take(KEEP_ALIVE_S)
            deltas = [item for item in items if isinstance(item, Delta)]
            last = items[-1] if items else None
            failed = next((item for item in items if isinstance(item, Failed)), None)
            self._ended = failed is not None or (bool(items) and last is None)
            if deltas:
                yield merged(deltas)
            elif not items:
                yield None
            for item in items:
                if isinstance(item, Finished):
                    yield item
            if failed is not None:
                raise failed.error

    def whole(self, items: Sequence[Delta | Finished | None]) -> ChatCompletion:
        """The answer of all items that `deltas` gave."""
        text = merged([item for item in items if isinstance(item, Delta)])
        end = next((item for item in items if isinstance(item, Finished)), None)
        if end is None:
            raise Unavailable("The model went away in the middle of the answer. Try again.")
        message = AnswerMessage(content=text.text, reasoning_content=text.reasoning or None)
        choice = Choice(message=message, finish_reason=_reason(end.finish_reason))
        return ChatCompletion(**self._head, choices=[choice], usage=UsageOut.of(end.usage))

    async def events(self, include_usage: bool) -> AsyncGenerator[bytes]:
        yield self._chunk({"role": "assistant", "content": ""}, None, include_usage)
        try:
            async for item in self.deltas():
                match item:
                    case None:
                        yield KEEP_ALIVE
                    case Delta():
                        words = {"content": item.text, "reasoning_content": item.reasoning}
                        yield self._chunk({key: value for key, value in words.items() if value}, None, include_usage)
                    case Finished():
                        yield self._chunk({}, _reason(item.finish_reason), include_usage)
                        if include_usage:
                            usage = UsageOut.of(item.usage).model_dump()
                            yield sse({**self._head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        except PortalError as problem:
            yield sse(openai_error(problem)[1])
        except Exception:
            log.exception("completion %s failed", self._completion.id)
            yield sse(openai_error(ModelFailed(UNEXPECTED))[1])
        else:
            yield b"data: [DONE]\n\n"

    def _chunk(self, delta: dict[str, str], reason: str | None, include_usage: bool) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        usage = {"usage": None} if include_usage else {}
        return sse({**self._head, "object": "chat.completion.chunk", "choices": [choice], **usage})


def merged(deltas: Sequence[Delta]) -> Delta:
    tokens = deltas[-1].tokens if deltas else 0
    return Delta("".join(each.text for each in deltas), "".join(each.reasoning for each in deltas), tokens)


def _reason(reason: FinishReason) -> Literal["stop", "length"]:
    return "length" if reason is FinishReason.LENGTH else "stop"
