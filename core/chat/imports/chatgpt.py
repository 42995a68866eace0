"""Read exports of ChatGPT: a list of conversations, each a tree of messages named `mapping`."""

from __future__ import annotations

from typing import Any

from core.characters import one_line
from core.chat.imports.records import MAX_TITLE_LENGTH, ImportedChat, ImportedMessage, Losses, Lost, fields, in_order, moment
from core.chat.records import Author

AUTHORS = {"user": Author.USER, "assistant": Author.ASSISTANT}


def is_chatgpt(chat: Any) -> bool:
    return isinstance(chat, dict) and isinstance(chat.get("mapping"), dict)


def chatgpt_chat(chat: dict[str, Any], losses: Losses) -> ImportedChat:
    nodes: dict[str, Any] = {key: node for key, node in chat["mapping"].items() if isinstance(node, dict)}
    losses.add(Lost.ODD, len(chat["mapping"]) - len(nodes))
    taken: dict[str, ImportedMessage] = {}
    for key, node in nodes.items():
        found = _message(key, node.get("message"), losses)
        if found is not None:
            taken[key] = found
    linked = {
        key: ImportedMessage(
            id=key, parent_id=_nearest(_parent(nodes, key), nodes, taken), author=each.author, text=each.text, created_at=each.created_at
        )
        for key, each in taken.items()
    }
    head = _nearest(str(chat.get("current_node")), nodes, taken)
    title = one_line(losses.text(chat.get("title")))[:MAX_TITLE_LENGTH]
    id = str(chat.get("conversation_id") or chat.get("id") or "")[:100]
    return ImportedChat(id=id, title=title, created_at=moment(chat.get("create_time")), messages=in_order(linked, losses), head_id=head)


def _parent(nodes: dict[str, Any], key: str) -> str | None:
    parent = nodes[key].get("parent")
    return parent if isinstance(parent, str) else None


def _nearest(key: str | None, nodes: dict[str, Any], taken: dict[str, ImportedMessage]) -> str | None:
    """Return this message if it is imported, else its nearest imported ancestor: hidden messages are skipped."""
    seen: set[str] = set()
    while key is not None and key in nodes and key not in seen:
        if key in taken:
            return key
        seen.add(key)
        key = _parent(nodes, key)
    return None


def _message(key: str, raw: Any, losses: Losses) -> ImportedMessage | None:
    if not isinstance(raw, dict):
        return None  # The root of the tree has no message.
    role = fields(raw.get("author")).get("role")
    metadata = fields(raw.get("metadata"))
    if metadata.get("is_visually_hidden_from_conversation") or role == "system":
        return None
    if role not in AUTHORS:
        losses.add(Lost.TOOL)
        return None
    attached = metadata.get("attachments")
    losses.add(Lost.FILE, len(attached) if isinstance(attached, list) else 0)
    text = _text(raw.get("content"), losses, counted=isinstance(attached, list))
    if not text.strip():
        losses.add(Lost.EMPTY)
        return None
    return ImportedMessage(id=key, parent_id=None, author=AUTHORS[role], text=text, created_at=moment(raw.get("create_time")))


def _text(content: Any, losses: Losses, *, counted: bool) -> str:
    """Return the text of a message. counted: the attached files have already been counted as lost."""
    if not isinstance(content, dict):
        return ""
    parts = content.get("parts")
    if not isinstance(parts, list):
        text = losses.text(content.get("text"))
        return f"```\n{text}\n```" if content.get("content_type") == "code" and text else text
    words = [part for part in parts if isinstance(part, str)]
    if not counted:
        losses.add(Lost.FILE, len(parts) - len(words))
    return losses.text("\n\n".join(words))
