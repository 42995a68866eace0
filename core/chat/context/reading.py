"""Read the messages and files that the next question follows, and hold them for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.chat.records import Author, Conversation, Message
from core.chat.tools.records import ToolStep
from core.inference.records import ServedModel
from core.inference.requests import ImageInput, SamplingParams, Tool
from core.knowledge.attachment import text_of
from core.knowledge.records import StoredFile
from core.knowledge.tables.described import WHOLE_LENGTH, instead_of_rows
from core.people.records import User
from core.unit_of_work import UnitOfWork

_IMAGES = (b"\x89PNG", b"\xff\xd8\xff")
"""The first bytes of stored images: PNG and JPEG."""


class Picture(str):
    """The text that stands for an image for models that cannot see, together with the image."""

    image: ImageInput


@dataclass(frozen=True, slots=True)
class Asking:
    """A question to answer."""

    user: User
    branch: Sequence[Message]
    """The shown messages, up to and including the open question."""
    read: Mapping[str, str] = field(default_factory=dict)
    """The text of each file, by its id."""
    model: str | None = None
    chosen: ServedModel | None = None
    """The model that `model` means for this person; None: it has not been looked up."""
    params: SamplingParams = field(default_factory=SamplingParams)
    thinking: bool = True
    instructed: bool = True
    """Whether instructions apply."""
    remembered: bool = False
    """Whether memories are read, if the person switched memory on."""
    conversation_id: str | None = None
    """None for a chat without summaries."""
    begun: str = ""
    """The text that the answer already begins with, if it continues one that was cut off."""
    begun_steps: Sequence[ToolStep] = ()
    """The calls of tools in that text."""
    collections: tuple[str, ...] = ()
    """Ids of the collections whose passages are read with the question."""
    tools: tuple[Tool, ...] = ()
    """The tools that the model is offered. With any, it also reads the calls in earlier answers."""


def branch_to(messages: Iterable[Message], head_id: str | None) -> list[Message]:
    """Return the messages from the first to `head_id`, following parents."""
    by_id = {message.id: message for message in messages}
    branch: list[Message] = []
    here = by_id.get(head_id) if head_id else None
    while here is not None:
        branch.append(here)
        here = by_id.get(here.parent_id) if here.parent_id else None
    return branch[::-1]


def open_branch(messages: Iterable[Message], conversation: Conversation) -> list[Message]:
    """Return the shown messages followed by an empty question in place of the next one."""
    branch = branch_to(messages, conversation.head_id)
    if branch and branch[-1].author is Author.ASSISTANT:
        last = branch[-1]
        branch.append(
            replace(last, id="", parent_id=last.id, author=Author.USER, text="", reasoning="", files=(), context=None, pinned=False)
        )
    return branch


def texts_of(work: UnitOfWork, branch: Sequence[Message], *, queries: bool = False) -> dict[str, str]:
    """Return the text of each file of these messages, by its id. queries: whether the model queries tables instead of reading long ones."""
    return {file.id: _shorter(file, _text(work, file)) if queries else _text(work, file) for message in branch for file in message.files}


def _shorter(file: StoredFile, text: str) -> str:
    return instead_of_rows(file) if file.tables and len(text) > WHOLE_LENGTH else text


def _text(work: UnitOfWork, file: StoredFile) -> str:
    """Return the text of a file for the model; "" if it has just been deleted."""
    extracted = work.files.text(file.id)
    if extracted is not None and file.is_image and (content := work.files.content(file.id)).startswith(_IMAGES):
        picture = Picture(extracted)
        picture.image = ImageInput(content, file.name)
        return picture
    if extracted is not None:
        return extracted
    content = work.files.content(file.id)
    return text_of(file.name, content, file.encoding) if content else ""
