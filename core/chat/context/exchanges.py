"""Number the turns of a conversation and write them as messages for the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from core.chat.context.reading import Picture
from core.chat.records import Author, Message
from core.chat.tools.writing import written
from core.errors import InvalidInput
from core.inference.requests import ChatMessage, ChatRole
from core.knowledge.attachment import with_files


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer."""

    number: int
    """1 is the first turn of the conversation."""
    question: Message
    answer: Message
    steps: bool = False
    """Whether the model reads the calls of tools in the answer."""

    @property
    def pinned(self) -> bool:
        return self.question.pinned or self.answer.pinned

    def messages(self, read: Mapping[str, str]) -> list[ChatMessage]:
        """Write the turn as messages for the model. read: the text of each file, by its id."""
        answer = self.answer
        return [asked(self.question, read), *written(answer.text, answer.reasoning, answer.steps if self.steps else ())]


def exchanges(branch: Sequence[Message], *, steps: bool = False) -> list[Exchange]:
    """Return the turns before the open question, which is the last message of `branch`. Turns without an answer are numbered but left out.

    steps: whether the model reads the calls of tools in the answers.
    """
    if not branch:
        raise InvalidInput("There is no question to answer.")
    found, number = [], 0
    for question, answer in pairwise(branch):
        if question.author is Author.USER:
            number += 1
            if answer.text:
                found.append(Exchange(number=number, question=question, answer=answer, steps=steps))
    return found


def asked(question: Message, read: Mapping[str, str], extra: Sequence[tuple[str, str]] = ()) -> ChatMessage:
    """Write a question and its files as a message for the model. extra: names and texts to read with it."""
    found = [(file.name, read[file.id]) for file in question.files]
    texts = [(name, text) for name, text in found if not isinstance(text, Picture)]
    images = tuple(text.image for _, text in found if isinstance(text, Picture))
    return ChatMessage(ChatRole.USER, with_files(question.text, [*extra, *texts]), images=images)


def with_newest_images(prompt: Sequence[ChatMessage], most: int) -> list[ChatMessage]:
    """Return the prompt with at most `most` images, leaving out those of the oldest questions."""
    kept: list[ChatMessage] = []
    for message in reversed(prompt):
        kept.append(replace(message, images=message.images[-most:] if most else ()) if message.images else message)
        most -= len(kept[-1].images)
    return kept[::-1]
