"""Open an export within limits, and detect which portal wrote it."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from core.chat.imports.chatgpt import chatgpt_chat, is_chatgpt
from core.chat.imports.librechat import is_librechat, librechat_chat
from core.chat.imports.open_webui import is_open_webui, open_webui_chat
from core.chat.imports.records import MAX_CHATS, ImportedChat, Losses, Lost, Origin
from core.errors import InvalidInput
from core.zip_files import UNREADABLE, lists_more_than, unpacked

MAX_BYTES = 200_000_000
"""Most bytes of unpacked JSON in an export."""
MAX_FILES = 20_000
"""Most files that a zip file may list."""
MAX_NESTED = 200
"""Most levels of nested lists and objects. LibreChat exports a deeper tree as a list."""
_CONVERSATIONS = re.compile(r"(^|/)conversations(-\d+)?\.json$")
NOT_KNOWN = "This is no export of ChatGPT, Open WebUI or LibreChat. Choose the zip or JSON file that one of them made."
TOO_LARGE = "The export is larger than {limit} MB unpacked. Export fewer chats at a time."
TOO_MANY_FILES = "The export has more than {limit:,} files. Choose the file conversations.json in it instead."
BROKEN = "The export cannot be read: it is damaged or not complete. Download it again."

_READERS: tuple[tuple[Origin, Callable[[Any], bool], Callable[[dict[str, Any], Losses], ImportedChat]], ...] = (
    (Origin.CHATGPT, is_chatgpt, chatgpt_chat),
    (Origin.OPEN_WEBUI, is_open_webui, open_webui_chat),
    (Origin.LIBRECHAT, is_librechat, librechat_chat),
)


def read_export(content: bytes, losses: Losses) -> tuple[Origin, Iterator[ImportedChat]]:
    """Return the origin of an export, and its conversations. Raises InvalidInput."""
    chats = [chat for document in _documents(content, losses) for chat in (document if isinstance(document, list) else [document])]
    for origin, fits, read in _READERS:
        if any(fits(chat) for chat in chats):
            return origin, _read(chats, fits, read, losses)
    raise InvalidInput(NOT_KNOWN)


def _read(
    chats: list[Any], fits: Callable[[Any], bool], read: Callable[[dict[str, Any], Losses], ImportedChat], losses: Losses
) -> Iterator[ImportedChat]:
    losses.add(Lost.TOO_MANY, max(0, len(chats) - MAX_CHATS))
    for chat in chats[:MAX_CHATS]:
        if fits(chat):
            yield read(chat, losses)
        else:
            losses.add(Lost.ODD)


def _documents(content: bytes, losses: Losses) -> list[Any]:
    if not content.startswith(b"PK"):
        return [_json(content)]
    if lists_more_than(content, MAX_FILES):
        raise InvalidInput(TOO_MANY_FILES, limit=MAX_FILES)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_FILES:
                raise InvalidInput(TOO_MANY_FILES, limit=MAX_FILES)
            found = sorted((each for each in entries if _CONVERSATIONS.search(each.filename)), key=lambda each: each.filename)
            if not found:
                found = [each for each in entries if each.filename.endswith(".json")]
            left, documents = MAX_BYTES, []
            for entry in found:
                text = unpacked(archive, entry, left)
                if text is None:
                    raise InvalidInput(TOO_LARGE, limit=MAX_BYTES // 1_000_000)
                left -= len(text)
                documents.append(_json(text))
    except UNREADABLE as problem:
        raise InvalidInput(BROKEN) from problem
    if not documents:
        raise InvalidInput(NOT_KNOWN)
    return documents


def _json(text: bytes) -> Any:
    if len(text) > MAX_BYTES:
        raise InvalidInput(TOO_LARGE, limit=MAX_BYTES // 1_000_000)
    _check_nesting(text)
    try:
        return json.loads(text.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as problem:
        raise InvalidInput(BROKEN) from problem


_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


def _check_nesting(text: bytes) -> None:
    """Raise InvalidInput for too deep nesting, before the text reaches a parser."""
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", text)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MAX_NESTED:
            raise InvalidInput(BROKEN)
