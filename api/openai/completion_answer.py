"""Present running completions in OpenAI's older shape: chunks as they come, or one answer at the end."""

from __future__ import annotations

import codecs
import logging
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.answering.answers import Item, RunningAnswers
from api.answering.streams import KEEP_ALIVE, sse
from api.errors import unexpected
from api.openai.chat_answer import MIN_LOGPROB, UsageOut, last_event, queue_comment
from core.errors import PortalError
from core.inference.records import FinishReason, Usage
from core.inference.requests import Delta, Finished, Queued, TokenLogprob

log = logging.getLogger(__name__)


class TextChoice(BaseModel):
    text: str
    index: int
    logprobs: dict[str, Any] | None = Field(description="tokens, token_logprobs, top_logprobs and text_offset.")
    finish_reason: Literal["stop", "length"] | None
    note: str | None = Field(default=None, description="Extension: what is wrong with the answer, for example that it repeated itself.")


class Completion(BaseModel):
    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    system_fingerprint: str
    choices: list[TextChoice]
    usage: UsageOut | None = None


class TextAnswer:
    """Presents completions of all prompts. echoes: the text of each prompt to repeat; empty: none. answers: how many each prompt gets."""

    def __init__(self, running: RunningAnswers, echoes: Sequence[str], answers: int, *, tops: bool) -> None:
        self._running = running
        self._answers = answers
        self._echoes = [echoes[number // answers] for number in range(running.count)]
        self._logprobs = [_Logprobs(tops=tops) for _ in range(running.count)]
        first = running.first
        created = int(first.created_at.timestamp())
        self._head: dict[str, Any] = {
            "id": f"cmpl-{first.id}", "created": created, "model": first.model, "system_fingerprint": first.fingerprint,
        }  # fmt: skip

    def whole(self, items: Sequence[Item | None]) -> Completion:
        answers = self._running.whole(items)
        choices = [
            TextChoice(
                text=self._echoes[number] + answer.text, index=number, logprobs=self._logprobs[number].part(answer.logprobs),
                finish_reason=_reason(end), note=end.note,
            )
            for number, (answer, end) in enumerate(answers)
        ]  # fmt: skip
        return Completion(**self._head, choices=choices, usage=self._usage({number: end.usage for number, (_, end) in enumerate(answers)}))

    async def events(self, include_usage: bool) -> AsyncGenerator[bytes]:
        usages: dict[int, Usage] = {}
        try:
            for number, echo in enumerate(self._echoes):
                if echo:
                    yield self._chunk(number, Delta(echo))
            async for item in self._running.deltas():
                match item:
                    case None:
                        yield KEEP_ALIVE
                    case number, Queued() as queued if queued.position:
                        yield queue_comment(number, queued)
                    case number, Delta() as delta:
                        yield self._chunk(number, delta)
                    case number, Finished() as end:
                        usages[number] = end.usage
                        yield self._chunk(number, Delta(), end)
            if include_usage and len(usages) == self._running.count:
                yield sse({**self._head, "object": "text_completion", "choices": [], "usage": self._usage(usages).model_dump()})
        except PortalError as problem:
            yield last_event(problem, "prompt")
        except Exception:
            log.exception("completion %s failed", self._running.first.id)
            yield last_event(unexpected())
        else:
            yield b"data: [DONE]\n\n"

    def _chunk(self, number: int, delta: Delta, end: Finished | None = None) -> bytes:
        choice = {
            "text": delta.text, "index": number, "logprobs": self._logprobs[number].part(delta.logprobs),
            "finish_reason": _reason(end) if end is not None else None,
        }  # fmt: skip
        choice |= {"note": end.note} if end is not None and end.note is not None else {}
        return sse({**self._head, "object": "text_completion", "choices": [choice]})

    def _usage(self, usages: dict[int, Usage]) -> UsageOut:
        """Add up the usage; each prompt counts once."""
        groups = [
            UsageOut.of([usages[number] for number in range(start, start + self._answers)])
            for start in range(0, self._running.count, self._answers)
        ]
        total = groups[0]
        for group in groups[1:]:
            total.prompt_tokens += group.prompt_tokens
            total.completion_tokens += group.completion_tokens
            total.total_tokens += group.total_tokens
            total.prompt_tokens_details.cached_tokens += group.prompt_tokens_details.cached_tokens
        return total


class _Logprobs:
    """The log probabilities of one answer, in parts. tops: whether to include the likeliest tokens at each position."""

    def __init__(self, *, tops: bool) -> None:
        self._tops = tops
        self._offset = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def part(self, tokens: Sequence[TokenLogprob]) -> dict[str, Any] | None:
        if not tokens:
            return None
        offsets = []
        for token in tokens:
            offsets.append(self._offset)
            self._offset += len(self._decoder.decode(token.piece))
        tops = [{_text(one.piece): max(one.logprob, MIN_LOGPROB) for one in token.top} for token in tokens]
        return {
            "tokens": [_text(token.piece) for token in tokens],
            "token_logprobs": [max(token.logprob, MIN_LOGPROB) for token in tokens],
            "top_logprobs": tops if self._tops else None,
            "text_offset": offsets,
        }


def _text(piece: bytes) -> str:
    """Return a token's text, or its bytes if it is only part of a character."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in piece)


def _reason(end: Finished) -> Literal["stop", "length"]:
    return "length" if end.finish_reason is FinishReason.LENGTH else "stop"
