"""Write an answer and the steps in it as messages for the model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from core.chat.tools.records import Approval, ToolStep
from core.inference.requests import ChatMessage, ChatRole, ToolCall

NOT_ENDED = "The call did not end."
NOT_ALLOWED = "The user was asked whether to call it, and did not answer. It was not called."
NOT_AGAIN = " Do not call it again unless the user asks for it."


def written(text: str, reasoning: str, steps: Sequence[ToolStep]) -> list[ChatMessage]:
    """Return an answer as messages: the text before each round of calls with the calls, their results, then the rest, if there is any."""
    if not steps:
        return [ChatMessage(ChatRole.ASSISTANT, text, reasoning=reasoning)]
    found: list[ChatMessage] = []
    text_at = reasoning_at = 0
    for _, group in groupby(steps, key=lambda step: step.round):
        calls = list(group)
        first = calls[0]
        found.append(
            ChatMessage(
                ChatRole.ASSISTANT,
                text[text_at : first.text_at].strip("\n"),
                reasoning=reasoning[reasoning_at : first.reasoning_at].strip("\n"),
                tool_calls=tuple(ToolCall(each.id, each.name, each.arguments) for each in calls),
            )
        )
        found += [ChatMessage(ChatRole.TOOL, _read(each), tool_call_id=each.id) for each in calls]
        text_at, reasoning_at = first.text_at, first.reasoning_at
    rest, thought = text[text_at:], reasoning[reasoning_at:]
    if rest.strip() or thought.strip():
        found.append(ChatMessage(ChatRole.ASSISTANT, rest.lstrip("\n"), reasoning=thought.lstrip("\n")))
    return found


def _read(step: ToolStep) -> str:
    if step.error is not None:
        return f"Error: {step.error}{NOT_AGAIN if step.approval is Approval.REFUSED else ''}"
    if step.waits:
        return NOT_ALLOWED
    return step.result if step.seconds is not None else NOT_ENDED
