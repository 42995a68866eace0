"""Keep personal data out of requests and answers, as the policy of the person's group says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from core.errors import InvalidInput
from core.inference.requests import ChatMessage, ChatRole, Delta, GenerationEvent, GenerationRequest, Pause
from core.inference.vectors import EmbeddingRequest, RerankRequest
from core.privacy.masking import StreamMask

Change = Callable[[str], str]


def request_without(change: Change, request: GenerationRequest) -> GenerationRequest:
    """Return the request with what people, tools and programs wrote changed; what models wrote went through the filter before."""
    messages = tuple(_message(change, each) for each in request.messages)
    return replace(request, messages=messages, prompt=None if request.prompt is None else _text(change, request.prompt))


def embedding_without(change: Change, request: EmbeddingRequest) -> EmbeddingRequest:
    return replace(request, inputs=tuple(_text(change, each) for each in request.inputs))


def rerank_without(change: Change, request: RerankRequest) -> RerankRequest:
    return replace(request, query=change(request.query), documents=tuple(map(change, request.documents)))


def masked_events(new_mask: Callable[[], StreamMask], events: Iterator[GenerationEvent]) -> Iterator[GenerationEvent]:
    """Mask text and reasoning across the borders of deltas. What is held back follows before the end."""
    text, reasoning, tokens = new_mask(), new_mask(), 0
    for event in events:
        if isinstance(event, Pause):
            yield event
            continue
        if isinstance(event, Delta):
            tokens = event.tokens
            # Log-probabilities would show the tokens that are masked.
            yield replace(event, text=text.feed(event.text), reasoning=reasoning.feed(event.reasoning), logprobs=())
            continue
        rest = (text.rest(), reasoning.rest())
        if any(rest):
            yield Delta(text=rest[0], reasoning=rest[1], tokens=tokens)
        yield event


def _text(change: Change, given: str | tuple[int, ...]) -> str:
    """Change a text. Token ids are refused: nothing could be found in them."""
    if not isinstance(given, str):
        raise InvalidInput("Send text instead of token ids: what your group sends is checked for personal data.")
    return change(given)


def _message(change: Change, message: ChatMessage) -> ChatMessage:
    return message if message.role == ChatRole.ASSISTANT else replace(message, content=change(message.content))
