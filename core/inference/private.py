"""Keep personal data out of requests and answers, as the policy of the person's group says; let filters of plugins change them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

from core.errors import InvalidInput
from core.inference.ports import TextFilters, TextMask
from core.inference.requests import ChatMessage, ChatRole, Delta, GenerationEvent, GenerationRequest, Pause
from core.inference.vectors import EmbeddingRequest, RerankRequest

Change = Callable[[str], str]


def filtered_request(filters: TextFilters, request: GenerationRequest) -> GenerationRequest:
    """Return the request with what people wrote changed by the filters of plugins."""
    asked = [index for index, message in enumerate(request.messages) if message.role == ChatRole.USER]
    messages = list(request.messages)
    for index, text in zip(asked, filters.of_questions([messages[each].content for each in asked]), strict=True):
        messages[index] = replace(messages[index], content=text)
    prompt = request.prompt
    return replace(request, messages=tuple(messages), prompt=filters.of_questions([prompt])[0] if isinstance(prompt, str) else prompt)


def request_without(change: Change, request: GenerationRequest) -> GenerationRequest:
    """Return the request with the text of people, tools and programs changed; the models' own text was filtered before."""
    messages = tuple(_message(change, each) for each in request.messages)
    return replace(request, messages=messages, prompt=None if request.prompt is None else _text(change, request.prompt))


def embedding_without(change: Change, request: EmbeddingRequest) -> EmbeddingRequest:
    return replace(request, inputs=tuple(_text(change, each) for each in request.inputs))


def rerank_without(change: Change, request: RerankRequest) -> RerankRequest:
    return replace(request, query=change(request.query), documents=tuple(map(change, request.documents)))


def masked_events(new_mask: Callable[[], TextMask], events: Iterator[GenerationEvent]) -> Iterator[GenerationEvent]:
    """Change text and reasoning across the borders of deltas. What is held back follows before the end."""
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
        rest = (text.finish(), reasoning.finish())
        if any(rest):
            yield Delta(text=rest[0], reasoning=rest[1], tokens=tokens)
        yield event


def masked_calls(new_mask: Callable[[], TextMask], events: Iterator[GenerationEvent]) -> Iterator[GenerationEvent]:
    """Change the arguments of tool calls. Each call comes complete."""

    def change(text: str) -> str:
        mask = new_mask()
        return mask.feed(text) + mask.finish()

    for event in events:
        if isinstance(event, Delta) and event.tool_calls:
            calls = tuple(replace(each, arguments=masked_arguments(change, each.arguments)) for each in event.tool_calls)
            event = replace(event, tool_calls=calls)
        yield event


def masked_arguments(change: Change, arguments: str) -> str:
    """Change the names and values of a JSON object, so that it stays one, and then the whole text, where a name tells what a value is."""
    try:
        given = json.loads(arguments)
        made = _value(change, given)
        text = arguments if made == given else json.dumps(made, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = arguments
    return change(text)


def _value(change: Change, given: object) -> object:
    match given:
        case dict():
            return {change(name): _value(change, each) for name, each in given.items()}
        case list():
            return [_value(change, each) for each in given]
        case str():
            return change(given)
        case int() | float() if not isinstance(given, bool):
            written = json.dumps(given)
            return given if (changed := change(written)) == written else changed
    return given


def _text(change: Change, given: str | tuple[int, ...]) -> str:
    """Change a text. Token ids are refused, since personal data cannot be found in them."""
    if not isinstance(given, str):
        raise InvalidInput("Send text instead of token ids: what your group sends is checked for personal data.")
    return change(given)


def _message(change: Change, message: ChatMessage) -> ChatMessage:
    return message if message.role == ChatRole.ASSISTANT else replace(message, content=change(message.content))
