"""Define a cached answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.inference.records import FinishReason
from core.inference.requests import ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedResult:
    """An answer as the model gave it, before anything was masked."""

    key: str
    user_id: str
    group: str
    """The group that shares it; "" for its person alone."""
    conversation_id: str
    """The chat, or the stored response of a program, in which it was given last; it is deleted with that. "" if there is none."""
    model: str
    model_version: str
    platform: str
    engine: str
    text: str
    reasoning: str
    tool_calls: tuple[ToolCall, ...]
    ignored: tuple[str, ...]
    finish_reason: FinishReason
    stop: str | None
    prompt_tokens: int
    completion_tokens: int
    created_at: datetime

    @property
    def size(self) -> int:
        """Return about how many bytes the answer takes in the database."""
        calls = sum(len(each.arguments) + len(each.name) for each in self.tool_calls)
        return len(self.text.encode("utf-8", "replace")) + len(self.reasoning.encode("utf-8", "replace")) + calls + 500
