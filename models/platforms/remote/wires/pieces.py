"""Define the pieces of a streamed answer, for every protocol."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.inference.records import FinishReason, Usage
from core.inference.requests import TokenLogprob, ToolCall


@dataclass(frozen=True, slots=True)
class CallPart:
    """Part of a tool call. index: which call of the answer; None: a whole call of its own."""

    index: int | None
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """New text, reasoning and tool calls, as the server sent them. finish: why the answer ended, once it did."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[CallPart, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    finish: FinishReason | None = None
    usage: Usage | None = None

    @property
    def empty(self) -> bool:
        """Tell whether a reader would see nothing of it."""
        return not (self.text or self.reasoning or self.calls)


@dataclass(slots=True)
class CallParts:
    """Puts the parts of tool calls together."""

    _parts: list[list[CallPart]] = field(default_factory=list)
    _open: dict[int, int] = field(default_factory=dict)
    """The unfinished calls, by the server's index."""

    def add(self, part: CallPart) -> None:
        known = self._open.get(part.index) if part.index is not None else None
        # Some servers send every call with index 0: a new id begins a new call.
        if known is None or (part.id and self._parts[known][0].id not in ("", part.id)):
            self._parts.append([part])
            if part.index is not None:
                self._open[part.index] = len(self._parts) - 1
        else:
            self._parts[known].append(part)

    def whole(self) -> tuple[ToolCall, ...]:
        """Return the calls in the order in which they began."""
        calls = []
        for number, parts in enumerate(self._parts):
            name = "".join(part.name for part in parts)
            if name:
                call_id = next((part.id for part in parts if part.id), f"call_{number}")
                calls.append(ToolCall(call_id, name, "".join(part.arguments for part in parts) or "{}"))
        return tuple(calls)
