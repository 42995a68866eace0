"""Export conversations as files: Markdown and HTML to read, JSON with everything, and the formats of plugins."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape

from core.bounds import within
from core.characters import cut, one_line
from core.chat.conversations import UNTITLED, branch_to, own
from core.chat.exports.masked import masked_conversation, masked_message
from core.chat.exports.message_images import MessageImages
from core.chat.records import Author, Conversation, Message
from core.chat.tools.exported import html_steps, json_steps, markdown_steps, plugin_steps
from core.clock import Clock
from core.documents.citing.exported import html_sources, json_sources, markdown_sources
from core.errors import InvalidInput
from core.knowledge.records import StoredFile
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.plugins import records as plugin_records
from core.plugins.service import Plugins
from core.privacy.filter import PrivacyFilter
from core.unit_of_work import UnitOfWorkFactory

MAX_CHATS = 100
"""Most conversations in one file."""
MAX_BY_PLUGIN = 20
"""Most conversations in one file of a plugin's format, which takes longer to write."""
VERSION = 1
"""Version of the JSON format; it increases when a field changes its meaning."""
_NO_NAME = "Chat"
_UNSAFE = str.maketrans(dict.fromkeys('\\/:*?"<>|.', "-"))

ToHtml = Callable[[str], str]
"""Converts untrusted Markdown to HTML that loads nothing and runs nothing."""


class ExportFormat(StrEnum):
    MARKDOWN = "markdown"
    JSON = "json"
    HTML = "html"


_ENDINGS = {
    ExportFormat.MARKDOWN: ("md", "text/markdown; charset=utf-8"),
    ExportFormat.JSON: ("json", "application/json"),
    ExportFormat.HTML: ("html", "text/html; charset=utf-8"),
}


TITLES = {ExportFormat.MARKDOWN: "Markdown", ExportFormat.HTML: "HTML", ExportFormat.JSON: "JSON"}


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """An exported file: its name, media type and content."""

    name: str
    media_type: str
    content: bytes
    beside: tuple[tuple[str, bytes], ...] = ()
    """Names and contents of the images that the file refers to."""


class ChatExports:
    """Exports a person's own conversations, masked if the policy of the group says so. A group can forbid exports to its members."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, clock: Clock, to_html: ToHtml, plugins: Plugins, privacy: PrivacyFilter
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._to_html = to_html
        self._plugins = plugins
        self._privacy = privacy

    def formats(self, user: User) -> Sequence[plugin_records.ExportFormat]:
        """Return the available formats: the portal's own, then those of plugins. Raises NotAllowed."""
        require(user, Permission.CHAT)
        require(user, Permission.EXPORT)
        own_formats = [plugin_records.ExportFormat(each.value, title) for each, title in TITLES.items()]
        return [*own_formats, *(each for each in self._plugins.export_formats(user) if each.name not in set(ExportFormat))]

    def export(self, user: User, ids: Sequence[str], format: str) -> ExportedFile:
        """Return one conversation as a file, or several as a zip file. Raises NotFound, NotAllowed, InvalidInput, Busy, Unavailable.

        JSON holds all versions of all messages; the other formats hold what the transcript shows. Images are included, and other files are
        named: JSON and HTML contain images as data URIs, while Markdown comes with its images in a zip file.
        """
        require(user, Permission.EXPORT)
        wanted = list(dict.fromkeys(ids))
        within("ids", len(wanted), 1, MAX_CHATS)
        names = [each.name for each in self.formats(user)]
        if format not in names:
            raise InvalidInput("There is no export format {name}. Choose one of these: {names}.", name=format[:80], names=", ".join(names))
        if format not in set(ExportFormat):
            return self._by_plugin(user, wanted, format)
        made = []
        change = self._privacy.exported(user)
        with self._unit_of_work() as work:
            images = MessageImages(work.files.content)
            for conversation_id in wanted:
                conversation = masked_conversation(own(work, user, conversation_id), change)
                messages = [masked_message(each, change) for each in work.messages.of_conversation(conversation_id)]
                made.append(self._file(conversation, messages, ExportFormat(format), images))
            record(work, self._clock(), user.id, "conversation.export", format, rows=str(len(made)))
            work.commit()
        return made[0] if len(made) == 1 and not made[0].beside else _zipped(made)

    def _by_plugin(self, user: User, ids: Sequence[str], format: str) -> ExportedFile:
        """Have a plugin write conversations. No transaction is open while the plugin runs."""
        if len(ids) > MAX_BY_PLUGIN:
            raise InvalidInput("At most {n} chats can be exported in this format at once.", n=MAX_BY_PLUGIN)
        change = self._privacy.exported(user)
        with self._unit_of_work() as work:
            conversations = [masked_conversation(own(work, user, each), change) for each in ids]
            chats = [
                _for_plugin(each, [masked_message(one, change) for one in branch_to(work.messages.of_conversation(each.id), each.head_id)])
                for each in conversations
            ]
            record(work, self._clock(), user.id, "conversation.export", format, rows=str(len(chats)))
            work.commit()
        exporter, contents = self._plugins.write(user, format, chats)
        made = [
            ExportedFile(f"{_name(conversation)}.{exporter.ending}", exporter.media_type, content=content)
            for conversation, content in zip(conversations, contents, strict=True)
        ]
        return made[0] if len(made) == 1 else _zipped(made)

    def _file(self, conversation: Conversation, messages: Sequence[Message], format: ExportFormat, images: MessageImages) -> ExportedFile:
        shown = branch_to(messages, conversation.head_id)
        beside: dict[str, bytes] = {}
        match format:
            case ExportFormat.MARKDOWN:
                text = _markdown(conversation, shown, images, beside)
            case ExportFormat.JSON:
                text = json.dumps(_json(conversation, messages, images), ensure_ascii=False, indent=1)
            case ExportFormat.HTML:
                text = self._html(conversation, shown, images)
        ending, media_type = _ENDINGS[format]
        content = text.encode("utf-8", "replace")
        return ExportedFile(f"{_name(conversation)}.{ending}", media_type, content=content, beside=tuple(beside.items()))

    def _html(self, conversation: Conversation, shown: Sequence[Message], images: MessageImages) -> str:
        """Return a self-contained page that may load nothing."""
        title = escape(conversation.title or _NO_NAME)
        parts = []
        for message in shown:
            files = "".join(f"<li>{_html_file(file, images)}</li>" for file in message.files)
            steps = html_steps(message.steps)
            body = self._to_html(message.text) if message.author is Author.ASSISTANT else f"<p>{escape(message.text)}</p>"
            sources = html_sources(message.context.sources if message.context else ())
            listed = f"<ul class='files'>{files}</ul>" if files else ""
            head = f"<header>{escape(_head(message))}</header>"
            parts.append(f"<section class='{message.author.value}'>{head}{steps}{body}{sources}{listed}</section>")
        return _PAGE.format(title=title, changed=f"{conversation.updated_at:%Y-%m-%d %H:%M} UTC", parts="\n".join(parts))


def _html_file(file: StoredFile, images: MessageImages) -> str:
    shown = images.data_uri(file)
    return escape(file.name) + (f"<br><img src='{shown}' alt='{escape(file.name)}'>" if shown else "")


def _head(message: Message) -> str:
    """Return who wrote a message, and when."""
    model = f" · {message.generation.model}" if message.generation else ""
    who = "Question" if message.author is Author.USER else "Answer"
    return f"{who}{model} · {message.created_at:%Y-%m-%d %H:%M} UTC"


def _markdown(conversation: Conversation, shown: Sequence[Message], images: MessageImages, beside: dict[str, bytes]) -> str:
    """Write a conversation as Markdown, and add its images to `beside` under the names that the text refers to."""
    parts = [f"# {one_line(conversation.title) or _NO_NAME}"]
    for message in shown:
        parts.append(f"## {_head(message)}")
        if message.files:
            parts.append("\n".join(_markdown_file(file, conversation, images, beside) for file in message.files))
        if message.steps:
            parts.append(markdown_steps(message.steps))
        if message.text:
            parts.append(message.text)
        if message.context and message.context.sources:
            parts.append(markdown_sources(message.context.sources))
    return "\n\n".join(parts) + "\n"


def _markdown_file(file: StoredFile, conversation: Conversation, images: MessageImages, beside: dict[str, bytes]) -> str:
    content = images.content(file)
    if content is None:
        return f"- {one_line(file.name)}"
    ending = "png" if content.startswith(b"\x89PNG") else "jpg"
    name = f"images/{conversation.id}-{len(beside) + 1}.{ending}"
    beside[name] = content
    return f"- {one_line(file.name)}\n\n  ![]({name})\n"


def _json(conversation: Conversation, messages: Sequence[Message], images: MessageImages) -> dict[str, object]:
    return {
        "format": "glm-portal-conversation",
        "version": VERSION,
        "id": conversation.id,
        "title": conversation.title or UNTITLED,
        "created_at": conversation.created_at.isoformat(),
        "updated_at": conversation.updated_at.isoformat(),
        "head_id": conversation.head_id,
        "messages": [_message(each, images) for each in messages],
    }


def _message(message: Message, images: MessageImages) -> dict[str, object]:
    row = message.generation
    return {
        "id": message.id,
        "parent_id": message.parent_id,
        "author": message.author.value,
        "created_at": message.created_at.isoformat(),
        "status": message.status.value,
        "text": message.text,
        "reasoning": message.reasoning,
        "steps": json_steps(message.steps),
        "sources": json_sources(message.context.sources if message.context else ()),
        "rating": message.rating,
        "comment": message.comment,
        "files": [_json_file(file, images) for file in message.files],
        "model": row.model if row else None,
        "model_version": row.model_version if row else None,
        "prompt_tokens": row.usage.prompt_tokens if row else None,
        "completion_tokens": row.usage.completion_tokens if row else None,
    }


def _json_file(file: StoredFile, images: MessageImages) -> dict[str, object]:
    named: dict[str, object] = {"id": file.id, "name": file.name, "size_bytes": file.size_bytes}
    shown = images.data_uri(file)
    return {**named, "data": shown} if shown else named


def _for_plugin(conversation: Conversation, shown: Sequence[Message]) -> plugin_records.Chat:
    messages = tuple(
        plugin_records.ChatMessage(
            author=each.author.value, text=_with_sources(each), created_at=each.created_at,
            model=each.generation.model if each.generation else "",
            files=tuple(file.name for file in each.files), steps=plugin_steps(each.steps),
        )
        for each in shown
    )  # fmt: skip
    return plugin_records.Chat(title=conversation.title or _NO_NAME, updated_at=conversation.updated_at, messages=messages)


def _with_sources(message: Message) -> str:
    sources = message.context.sources if message.context else ()
    return f"{message.text}\n\n{markdown_sources(sources)}" if sources else message.text


def _name(conversation: Conversation) -> str:
    """Return a file name without its extension that is valid on every file system."""
    return cut(one_line(conversation.title.translate(_UNSAFE)), 60).strip(" -") or _NO_NAME


def _zipped(files: Sequence[ExportedFile]) -> ExportedFile:
    """Return one zip file. Duplicate names get numbers."""
    written: set[str] = set()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            stem, _, ending = file.name.rpartition(".")
            name, number = file.name, 1
            while name.casefold() in written:
                number += 1
                name = f"{stem} ({number}).{ending}"
            written.add(name.casefold())
            archive.writestr(name, file.content)
            for image, content in file.beside:
                archive.writestr(image, content, zipfile.ZIP_STORED)
    return ExportedFile("chats.zip", "application/zip", content=buffer.getvalue())


_PAGE = """<!doctype html>
<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title><style>
:root{{color-scheme:light dark}} body{{max-width:47rem;margin:2rem auto;padding:0 1rem;font:16px/1.65 system-ui,sans-serif}}
h1{{font-size:1.5rem}}
img{{max-width:100%;border-radius:.5rem}} header,.changed{{font-size:.85rem;color:GrayText}} section{{margin:1.5rem 0}}
.user p{{white-space:pre-wrap;padding:.75rem 1rem;border-radius:1rem;background:color-mix(in srgb,currentColor 7%,transparent)}}
details.step{{font-size:.85rem;color:GrayText}} details.step pre{{white-space:pre-wrap}}
pre{{overflow:auto;padding:.75rem;border-radius:.5rem;background:color-mix(in srgb,currentColor 7%,transparent)}}
table{{border-collapse:collapse}} td,th{{padding:.25rem .5rem;border:1px solid color-mix(in srgb,currentColor 20%,transparent)}}
</style></head><body><h1>{title}</h1><p class="changed">{changed}</p>
{parts}
</body></html>
"""
