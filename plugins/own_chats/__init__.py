"""Let the model search and read the person's own chats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.plugins.hookspecs import Chat, FoundChat, PluginRefusal, Tool, ToolContext, hookimpl

MAX_WORDS = 4
"""How many words are searched one by one if nothing contains all of them."""
MAX_MESSAGE_LENGTH = 2_000
"""Characters of a message that are read."""


@hookimpl
def tools() -> list[Tool]:
    return [
        Tool(
            name="search_chats",
            title="Search my chats",
            description="Search the user's earlier chats in this portal. Call it when the user refers to something that was said or "
            "decided before. Returns the newest messages that contain the words, each with the id of its chat.",
            parameters={
                "type": "object",
                "properties": {
                    "words": {"type": "string", "minLength": 1, "maxLength": 200, "description": "A few words that the messages contain."},
                    "limit": {"type": "integer", "minimum": 1, "maximum": 20, "description": "How many messages; 8 if left out."},
                },
                "required": ["words"],
                "additionalProperties": False,
            },
            run=search,
            changes=False,
        ),
        Tool(
            name="read_chat",
            title="Read one of my chats",
            description="Read one of the user's earlier chats from its beginning. Call it with an id from search_chats.",
            parameters={
                "type": "object",
                "properties": {
                    "id": {"type": "string", "minLength": 1, "maxLength": 64},
                    "from_message": {"type": "integer", "minimum": 1, "description": "Number of the first message; 1 if left out."},
                },
                "required": ["id"],
                "additionalProperties": False,
            },
            run=read,
            changes=False,
        ),
    ]


def search(arguments: Mapping[str, Any], context: ToolContext) -> str:
    words, limit = str(arguments["words"]), int(arguments.get("limit", 8))
    found = list(context.search_chats(words, limit)) or _by_single_words(words, limit, context)
    if not found:
        return f"Nothing contains: {words}"
    return "\n\n".join(map(_hit, found))


def read(arguments: Mapping[str, Any], context: ToolContext) -> str:
    chat = context.read_chat(str(arguments["id"]))
    if chat is None:
        raise PluginRefusal("There is no chat with this id.")
    first = int(arguments.get("from_message", 1))
    return "\n\n".join([f"# {chat.title}", *_messages(chat, first)])


def _by_single_words(words: str, limit: int, context: ToolContext) -> Sequence[FoundChat]:
    """Search the longest words one by one; what contains more of them comes first."""
    single = sorted(dict.fromkeys(words.split()), key=len, reverse=True)[:MAX_WORDS]
    hits: dict[tuple[str, str], tuple[int, FoundChat]] = {}
    for word in single if len(single) > 1 else ():
        for each in () if context.stopped() else context.search_chats(word, limit):
            key = (each.chat_id, each.text)
            hits[key] = (hits.get(key, (0, each))[0] + 1, each)
    best = sorted(hits.values(), key=lambda hit: (hit[0], hit[1].at), reverse=True)
    return [each for _, each in best[:limit]]


def _hit(found: FoundChat) -> str:
    who = {"user": "The user asked", "assistant": "The answer was"}.get(found.author, "The title is")
    return f"[{found.at:%Y-%m-%d %H:%M}] {found.title} (id {found.chat_id})\n{who}: {found.text}"


def _messages(chat: Chat, first: int) -> list[str]:
    texts = []
    for number, each in enumerate(chat.messages, 1):
        if number >= first:
            text = each.text[:MAX_MESSAGE_LENGTH] + (" (cut)" if len(each.text) > MAX_MESSAGE_LENGTH else "")
            texts.append(f"{number}. {'User' if each.author == 'user' else 'Assistant'}, {each.created_at:%Y-%m-%d}: {text}")
    return texts
