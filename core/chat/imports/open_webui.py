"""Read exports of Open WebUI: a list of chats, each with a `history` of messages by id."""

from __future__ import annotations

from typing import Any

from core.characters import one_line
from core.chat.imports.records import MAX_TITLE_LENGTH, ImportedChat, ImportedMessage, Losses, Lost, fields, in_order, moment
from core.chat.records import Author

AUTHORS = {"user": Author.USER, "assistant": Author.ASSISTANT}


def is_open_webui(chat: Any) -> bool:
    inside = chat.get("chat") if isinstance(chat, dict) else None
    return isinstance(inside, dict) and (isinstance(inside.get("history"), dict) or isinstance(inside.get("messages"), list))


def open_webui_chat(chat: dict[str, Any], losses: Losses) -> ImportedChat:
    inside: dict[str, Any] = chat["chat"]
    history = fields(inside.get("history"))
    messages = history.get("messages")
    if not isinstance(messages, dict):
        messages = _as_tree(inside.get("messages"))
    taken: dict[str, ImportedMessage] = {}
    for key, raw in messages.items():
        found = _message(str(key), raw, losses)
        if found is not None:
            taken[found.id] = found
    head = history.get("currentId")
    ordered = in_order(taken, losses)
    head_id = head if isinstance(head, str) and head in taken else ordered[-1].id if ordered else None
    title = one_line(losses.text(chat.get("title") or inside.get("title")))[:MAX_TITLE_LENGTH]
    return ImportedChat(
        id=str(chat.get("id") or "")[:100],
        title=title,
        created_at=moment(chat.get("created_at") or inside.get("timestamp")),
        messages=ordered,
        head_id=head_id,
    )


def _as_tree(messages: Any) -> dict[str, Any]:
    """Return a list of messages as a tree with one branch, since older exports have no `history`."""
    found: dict[str, Any] = {}
    last: str | None = None
    for number, each in enumerate(messages if isinstance(messages, list) else []):
        if isinstance(each, dict):
            key = str(each.get("id") or number)
            found[key] = {**each, "parentId": each.get("parentId", last)}
            last = key
    return found


def _message(key: str, raw: Any, losses: Losses) -> ImportedMessage | None:
    if not isinstance(raw, dict) or raw.get("role") not in AUTHORS:
        losses.add(Lost.ODD if not isinstance(raw, dict) else Lost.TOOL)
        return None
    files = raw.get("files")
    losses.add(Lost.FILE, len(files) if isinstance(files, list) else 0)
    text = losses.text(raw.get("content"))
    if not text.strip():
        losses.add(Lost.EMPTY)
        return None
    parent = raw.get("parentId")
    return ImportedMessage(
        id=key,
        parent_id=parent if isinstance(parent, str) else None,
        author=AUTHORS[raw["role"]],
        text=text,
        created_at=moment(raw.get("timestamp")),
    )
