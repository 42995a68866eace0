"""Find the tool calls in an answer while it streams, in both formats that GLMs write.

From 4.5 on: `<tool_call>name<arg_key>k</arg_key><arg_value>v</arg_value></tool_call>`, as often as needed, after any text.
0414 and before: the whole answer is the name on its own line, then a JSON object; also one JSON object with name and
arguments. Anything else is text.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import uuid4

from core.inference.requests import Tool, ToolCall
from models.prompting.tagged_call import OPEN, TaggedCall
from models.prompting.tool_arguments import ArgumentTypes, as_json, read_json


class ToolCallParser:
    """Feed the answer's text, without thoughts, in any pieces; text that may belong to a call is held back.

    forced: the answer is a call and nothing else, so that what is left of one that was cut is no text.
    """

    def __init__(self, tools: Collection[Tool], *, forced: bool = False) -> None:
        self._types = {tool.name: ArgumentTypes(tool.parameters) for tool in tools}
        self._forced = forced
        self._held = ""
        self._state = "start"
        self._call: TaggedCall | None = None
        """A call that has begun and not ended; `_held` is empty then."""
        self._after_call = False
        """Line breaks that follow a call belong to it."""

    def feed(self, piece: str) -> tuple[str, tuple[ToolCall, ...]]:
        """Return (new text, new calls)."""
        self._held += piece
        if self._state == "start" and not self._begin():
            return "", ()
        if self._state == "whole":
            return "", ()
        return self._tagged()

    def finish(self, *, cut: bool = False) -> tuple[str, tuple[ToolCall, ...]]:
        """Return (the rest of the text, the rest of the calls). cut: whether the answer reached its limit, perhaps within a call."""
        rest, self._held = self._held, ""
        if self._call is not None:
            self._call.end(cut=cut)
            call = self._ended(self._call) or (self._cut(self._call) if cut else None)
            rest = self._call.text
        elif self._state in ("start", "whole"):
            call = self._whole(rest) or (self._cut_whole(rest) if cut else None)
        else:
            call = None
        if call is not None:
            return "", (call,)
        return "" if cut and self._forced else rest, ()

    def _begin(self) -> bool:
        """Find out whether the answer can be one whole call; False while that is open."""
        text = self._held.lstrip()
        if text.startswith("{"):
            self._state = "whole"
            return True
        line, newline, _ = text.partition("\n")
        named = line.strip()
        if newline:
            self._state = "whole" if named in self._types else "tagged"
            return True
        if any(name.startswith(named) for name in self._types):
            return False
        self._state = "tagged"
        return True

    def _tagged(self) -> tuple[str, tuple[ToolCall, ...]]:
        text = ""
        calls: list[ToolCall] = []
        while True:
            if self._call is None:
                self._skip_breaks()
                start = self._held.find(OPEN)
                if start < 0:
                    break
                before, self._held = self._held[:start], self._held[start:]
                text += before.rstrip("\n")
                self._call, self._breaks = TaggedCall(), before[len(before.rstrip("\n")) :]
            self._held = self._call.feed(self._held)
            if not self._call.closed:
                return text, tuple(calls)
            call = self._ended(self._call)
            if call is None:
                text += self._breaks + self._call.text
            else:
                calls.append(call)
                self._after_call = True
            self._call = None
        # Line breaks before a tag belong to it, so those at the end wait with what may become one.
        keep = len(self._held) - _overlap(self._held)
        keep = len(self._held[:keep].rstrip("\n"))
        text, self._held = text + self._held[:keep], self._held[keep:]
        return text, tuple(calls)

    def _skip_breaks(self) -> None:
        if self._after_call:
            self._held = self._held.lstrip("\n")
            self._after_call = not self._held

    def _ended(self, call: TaggedCall) -> ToolCall | None:
        """Return the call if it is complete and of a known tool."""
        if call.json is not None:
            return self._whole(call.json)
        types = self._types.get(call.name)
        if types is None or not call.whole:
            return None
        return _call(call.name, types.object(call.arguments))

    def _cut(self, call: TaggedCall) -> ToolCall | None:
        """Return a call within which the answer reached its limit: its arguments are cut off, as with OpenAI."""
        name, tag, _ = call.name.partition("<")
        types = self._types.get(name.strip())
        if types is not None and (call.named or tag):
            return _call(name.strip(), types.beginning(call.arguments, call.open_value))
        return self._beginning(call.name)

    def _cut_whole(self, text: str) -> ToolCall | None:
        name, newline, rest = text.strip().partition("\n")
        if newline and name.strip() in self._types and rest.lstrip()[:1] in ("", "{"):
            return _call(name.strip(), rest.strip())
        return self._beginning(text.strip()) if self._forced and not newline else None

    def _beginning(self, text: str) -> ToolCall | None:
        """Return a call of the only tool whose name begins like this."""
        names = [name for name in self._types if name.startswith(text.strip())]
        return _call(names[0], "") if len(names) == 1 else None

    def _whole(self, text: str) -> ToolCall | None:
        text = text.strip()
        if text.startswith("{"):
            whole = read_json(text)
            if not isinstance(whole, dict):
                return None
            name, arguments = whole.get("name"), whole.get("arguments", whole.get("parameters", {}))
            if isinstance(arguments, str):
                arguments = read_json(arguments)
        else:
            name, _, rest = text.partition("\n")
            name, arguments = name.strip(), read_json(rest)
        if not isinstance(name, str) or name not in self._types or not isinstance(arguments, dict):
            return None
        return _call(name, as_json(arguments))


def _call(name: str, arguments: str) -> ToolCall:
    return ToolCall(f"call_{uuid4().hex[:24]}", name, arguments)


def _overlap(text: str) -> int:
    """Return the length of the longest end of `text` that begins the opening tag."""
    return next((length for length in range(min(len(OPEN) - 1, len(text)), 0, -1) if text.endswith(OPEN[:length])), 0)


