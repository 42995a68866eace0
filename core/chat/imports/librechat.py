"""Read exports of LibreChat: one conversation, whose messages are a list with parents or a tree of children."""

from __future__ import annotations

from typing import Any

from core.characters import one_line
from core.chat.imports.records import MAX_MESSAGES, MAX_TITLE_LENGTH, ImportedChat, ImportedMessage, Losses, Lost, in_order, moment
from core.chat.records import Author


def is_librechat(chat: Any) -> bool:
    return isinstance(chat, dict) and isinstance(chat.get("conversationId"), str) and isinstance(chat.get("messages"), list)


def librechat_chat(chat: dict[str, Any], losses: Losses) -> ImportedChat:
    taken: dict[str, ImportedMessage] = {}
    last: str | None = None
    for raw, above in _flat(chat["messages"], losses):
        found = _message(raw, above, losses)
        if found is not None:
            taken[found.id] = found
            last = found.id
    title = one_line(losses.text(chat.get("title")))[:MAX_TITLE_LENGTH]
    return ImportedChat(
        id=chat["conversationId"][:100],
        title=title,
        created_at=moment(chat.get("exportAt")),
        messages=in_order(taken, losses),
        head_id=last,
    )


def _flat(messages: list[Any], losses: Losses) -> list[tuple[dict[str, Any], str | None]]:
    """Return all messages, each with its parent in the tree, without recursion."""
    found: list[tuple[dict[str, Any], str | None]] = []
    waiting: list[tuple[Any, str | None]] = [(each, None) for each in reversed(messages)]
    while waiting:
        raw, above = waiting.pop()
        if not isinstance(raw, dict):
            losses.add(Lost.ODD)
            continue
        if len(found) >= 2 * MAX_MESSAGES:
            losses.add(Lost.TOO_MANY, len(waiting) + 1)
            break
        found.append((raw, above))
        children = raw.get("children")
        if isinstance(children, list):
            waiting += [(each, str(raw.get("messageId"))) for each in reversed(children)]
    return found


def _message(raw: dict[str, Any], above: str | None, losses: Losses) -> ImportedMessage | None:
    key = raw.get("messageId")
    if not isinstance(key, str):
        losses.add(Lost.ODD)
        return None
    files = raw.get("files")
    losses.add(Lost.FILE, len(files) if isinstance(files, list) else 0)
    text = losses.text(raw.get("text")) or _of_parts(raw.get("content"), losses)
    if not text.strip():
        losses.add(Lost.EMPTY)
        return None
    parent = raw.get("parentMessageId")
    author = Author.USER if raw.get("isCreatedByUser") is True else Author.ASSISTANT
    return ImportedMessage(
        id=key,
        parent_id=above or (parent if isinstance(parent, str) else None),
        author=author,
        text=text,
        created_at=moment(raw.get("createdAt")),
    )


def _of_parts(parts: Any, losses: Losses) -> str:
    words: list[str] = []
    for part in parts if isinstance(parts, list) else []:
        if isinstance(part, dict) and part.get("type") == "text":
            inside = part.get("text")
            words.append(losses.text(inside.get("value") if isinstance(inside, dict) else inside))
        elif isinstance(part, dict):
            losses.add(Lost.FILE if "image" in str(part.get("type")) else Lost.TOOL)
    return losses.text("\n\n".join(each for each in words if each))
