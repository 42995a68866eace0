"""Make examples: the messages before an answer, and the answer itself or a pair of answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from core.chat.context.records import Applied
from core.chat.records import Author, MessageStatus
from core.inference.requests import ChatRole, ToolCall
from core.review.datasets.ports import Rated, Thread, ThreadMessage
from core.review.datasets.records import DatasetSettings, Reason, Source

InstructionsOf = Callable[[Applied], str | None]
"""Returns the instructions as the model read them; None if they were changed since."""


@dataclass(frozen=True, slots=True)
class ExampleMessage:
    role: ChatRole
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    """The call that a tool message answers."""
    name: str = ""
    """The tool of a tool message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An example before its texts are read."""

    rated: Rated
    source: Source
    answer_id: str
    rejected_id: str = ""
    rejected_rating: str = ""
    """The id of the rating of the rejected answer, if it has one."""
    correction: str = ""
    """Stands in place of the answer, and the answer is the rejected one of a pair."""
    label: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    wanted: Wanted
    prompt: tuple[ExampleMessage, ...]
    answer: tuple[ExampleMessage, ...]
    rejected: tuple[ExampleMessage, ...] = ()

    def changed(self, change: Callable[[str], str]) -> Example:
        """Return the example with every text changed."""
        return replace(
            self, prompt=_changed(self.prompt, change), answer=_changed(self.answer, change), rejected=_changed(self.rejected, change)
        )  # fmt: skip

    def texts(self) -> Iterable[str]:
        for message in (*self.prompt, *self.answer, *self.rejected):
            yield message.content
            yield from (call.arguments for call in message.tool_calls)


class LeftOut(Exception):
    """The example cannot be used."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def example_of(wanted: Wanted, thread: Thread, settings: DatasetSettings, instructions_of: InstructionsOf, *, pair: bool) -> Example:
    """Read an example out of its conversation. Raises LeftOut."""
    answer = thread.get(wanted.answer_id)
    if answer is None:
        raise LeftOut(Reason.CHAT_DELETED)
    branch = _branch(thread, answer)
    if not branch:
        raise LeftOut(Reason.INCOMPLETE)
    before = branch if settings.context else branch[-1:]
    if any(each.has_files for each in before):
        raise LeftOut(Reason.FILES)
    prompt = tuple(message for each in before for message in _messages(each, tools=settings.tools))
    if settings.instructions:
        prompt = (*_system(answer, instructions_of), *prompt)
    if wanted.correction:
        better = (ExampleMessage(ChatRole.ASSISTANT, wanted.correction),)
        rejected = _complete(answer, tools=settings.tools) if pair else ()
        return Example(wanted=wanted, prompt=prompt, answer=better, rejected=rejected)
    preferred = _complete(answer, tools=settings.tools)
    rejected = _complete(thread.get(wanted.rejected_id), tools=settings.tools) if pair else ()
    return Example(wanted=wanted, prompt=prompt, answer=preferred, rejected=rejected)


def _branch(thread: Mapping[str, ThreadMessage], answer: ThreadMessage) -> list[ThreadMessage]:
    """Return the messages before the answer, the first one first; empty if its question is missing."""
    found: list[ThreadMessage] = []
    at = answer.parent_id
    while at is not None and (message := thread.get(at)) is not None and len(found) <= len(thread):
        found.append(message)
        at = message.parent_id
    found.reverse()
    return found if found and found[-1].author is Author.USER else []


def _complete(answer: ThreadMessage | None, *, tools: bool) -> tuple[ExampleMessage, ...]:
    if answer is None or answer.status is not MessageStatus.DONE or not answer.text.strip():
        raise LeftOut(Reason.INCOMPLETE)
    return tuple(_messages(answer, tools=tools))


def _messages(message: ThreadMessage, *, tools: bool) -> Iterable[ExampleMessage]:
    if message.author is Author.USER:
        yield ExampleMessage(ChatRole.USER, message.text)
        return
    written = 0
    for number in sorted({step.round for step in message.steps}) if tools else ():
        steps = [step for step in message.steps if step.round == number]
        until = max(written, min(step.text_at for step in steps))
        calls = tuple(ToolCall(step.id, step.name, step.arguments) for step in steps)
        yield ExampleMessage(ChatRole.ASSISTANT, message.text[written:until], tool_calls=calls)
        for step in steps:
            yield ExampleMessage(ChatRole.TOOL, step.result, tool_call_id=step.id, name=step.name)
        written = until
    yield ExampleMessage(ChatRole.ASSISTANT, message.text[written:])


def _system(answer: ThreadMessage, instructions_of: InstructionsOf) -> tuple[ExampleMessage, ...]:
    texts = [text for each in answer.instructions if (text := instructions_of(each))]
    return (ExampleMessage(ChatRole.SYSTEM, "\n\n".join(texts)),) if texts else ()


def _changed(messages: tuple[ExampleMessage, ...], change: Callable[[str], str]) -> tuple[ExampleMessage, ...]:
    return tuple(
        replace(
            each, content=change(each.content),
            tool_calls=tuple(replace(call, arguments=change(call.arguments)) for call in each.tool_calls),
        )
        for each in messages
    )  # fmt: skip
