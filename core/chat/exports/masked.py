"""Mask the personal data of a conversation before it is exported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core.chat.context.records import AnswerContext
from core.chat.records import Conversation, Message
from core.chat.tools.records import ToolStep
from core.errors import StoredError

Change = Callable[[str], str]


def masked_conversation(conversation: Conversation, change: Change) -> Conversation:
    return replace(conversation, title=change(conversation.title))


def masked_message(message: Message, change: Change) -> Message:
    """Return the message with everything that people, models or tools wrote changed."""
    return replace(
        message,
        text=change(message.text),
        reasoning=change(message.reasoning),
        comment=change(message.comment),
        files=tuple(replace(each, name=change(each.name)) for each in message.files),
        steps=tuple(_masked_step(each, change) for each in message.steps),
        context=message.context and _masked_context(message.context, change),
    )


def _masked_context(context: AnswerContext, change: Change) -> AnswerContext:
    sources = tuple(
        replace(each, document=change(each.document), collection=change(each.collection), heading=change(each.heading))
        for each in context.sources
    )
    return replace(context, sources=sources)


def _masked_step(step: ToolStep, change: Change) -> ToolStep:
    error = None if step.error is None else StoredError.of_text(change(str(step.error)))
    return replace(
        step, name=change(step.name), title=change(step.title), arguments=change(step.arguments), result=change(step.result), error=error
    )  # fmt: skip
