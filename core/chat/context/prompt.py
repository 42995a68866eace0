"""Write the prompt of a question from the messages before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from core.chat.records import Author, Message
from core.errors import InvalidInput
from core.inference.requests import ChatMessage, ChatRole
from core.knowledge.attachment import with_files


def prompt_of(way: Sequence[Message], read: Mapping[str, str]) -> list[ChatMessage]:
    """Return the questions with their answers, and last the open question. Unanswered questions are left out.

    read: the text of each file, by its id.
    """
    prompt: list[ChatMessage] = []
    if not way:
        raise InvalidInput("There is no question to answer.")
    for question, answer in pairwise(way):
        if question.author is Author.USER and answer.text:
            prompt += [_asked(question, read), ChatMessage(role=ChatRole.ASSISTANT, content=answer.text, reasoning=answer.reasoning)]
    return [*prompt, _asked(way[-1], read)]


def _asked(question: Message, read: Mapping[str, str]) -> ChatMessage:
    return ChatMessage(ChatRole.USER, with_files(question.text, [(file.name, read[file.id]) for file in question.files]))


def shorter(prompt: list[ChatMessage], share: float) -> list[ChatMessage]:
    """Return the prompt without its oldest turn; without several where it is far too long, to count the tokens less often.

    The system message stays.
    """
    head = prompt[:1] if prompt and prompt[0].role is ChatRole.SYSTEM else []
    turns = prompt[len(head) :]
    characters = [len(message.content) + len(message.reasoning) for message in turns]
    most, first = sum(characters) * share, 2
    # Tokens differ in length: what looks too long by half as much again surely is.
    while first + 2 < len(turns) and sum(characters[first:]) > 1.5 * most:
        first += 2
    return head + turns[first:]


def turns_in(prompt: Sequence[ChatMessage]) -> int:
    """Count the messages of a prompt beside the system message."""
    return sum(message.role is not ChatRole.SYSTEM for message in prompt)
