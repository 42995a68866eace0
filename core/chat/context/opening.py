"""Write the system message at the start of a chat."""

from __future__ import annotations

from collections.abc import Sequence

from core.chat.context.records import Applied, Holder, Instructions
from core.inference.requests import ChatMessage, ChatRole

_MEMORIES = "Facts that the user wants you to remember. Use them only where they help:"
_SUMMARY = "Summary of the earlier part of this conversation:"
_HEADS = {
    Holder.GROUP: "Follow these instructions of the user's group:",
    Holder.PERSON: "Follow these instructions of the user:",
}


def opening(instructions: Sequence[Instructions], summary: str = "", memories: Sequence[str] = ()) -> list[ChatMessage]:
    """Return the system message, or an empty list if there is nothing to say.

    summary: summary of the turns that are not read. memories: facts about the person.

    The message depends on nothing that changes from turn to turn, so that the KV cache of the whole conversation can be reused. The
    parts that change least come first.
    """
    parts = [f"{_HEADS[each.holder]}\n{each.text}" for each in instructions]
    if memories:
        parts.append(remembering(memories))
    if summary:
        parts.append(f"{_SUMMARY}\n{summary}")
    return [ChatMessage(ChatRole.SYSTEM, "\n\n".join(parts))] if parts else []


def remembering(memories: Sequence[str]) -> str:
    """Return the paragraph that lists memories for the model."""
    return "\n".join((_MEMORIES, *(f"- {each}" for each in memories)))


def applied(instructions: Sequence[Instructions]) -> tuple[Applied, ...]:
    """Return the record of the instructions to store with an answer."""
    return tuple(Applied(each.holder, each.subject, each.updated_at) for each in instructions)
