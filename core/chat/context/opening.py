"""Write the system message with which a chat begins."""

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
    """Return the system message; no message if there is nothing to say.

    summary: of the turns that are not read. memories: facts about the person.

    It depends on nothing that changes from turn to turn, so that the KV cache of the whole conversation can be reused. What changes
    least stands first.
    """
    parts = [f"{_HEADS[each.holder]}\n{each.text}" for each in instructions]
    if memories:
        parts.append(remembering(memories))
    if summary:
        parts.append(f"{_SUMMARY}\n{summary}")
    return [ChatMessage(ChatRole.SYSTEM, "\n\n".join(parts))] if parts else []


def remembering(memories: Sequence[str]) -> str:
    """Write memories for the model."""
    return "\n".join((_MEMORIES, *(f"- {each}" for each in memories)))


def applied(instructions: Sequence[Instructions]) -> tuple[Applied, ...]:
    """Return what is recorded of instructions with an answer."""
    return tuple(Applied(each.holder, each.subject, each.updated_at) for each in instructions)
