"""Finds the calls of tools in an answer, while it streams, in both forms that GLMs write.

From 4.5 on: `<tool_call>name<arg_key>k</arg_key><arg_value>v</arg_value></tool_call>`, as often as needed, after any text.
0414 and before: the whole answer is the name on a line of its own, then a JSON object; also one JSON object with name and
arguments. What turns out to be no call is text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any
from uuid import uuid4

from core.inference.requests import Tool, ToolCall
from models.prompting.json_schema import OBJECT_RULES

OPEN, CLOSE = "<tool_call>", "</tool_call>"
_TAGGED_CALL = r"""root ::= "\n"? "<tool_call>" name "\n"? argument* "</tool_call>"
name ::= NAMES
argument ::= "<arg_key>" [^<\n]{1,200} "</arg_key>" "\n"? "<arg_value>" ([^<] | "<" [^/])* "</arg_value>" "\n"?
"""
_ARGUMENT = re.compile(r"<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)</arg_value>", re.DOTALL)


def must_call(tools: Collection[Tool], *, tagged: bool) -> str:
    """A grammar (GBNF) for answers that are one call of one of the tools, in the form that the model writes."""
    names = " | ".join(json.dumps(tool.name) for tool in tools)
    if tagged:
        return _TAGGED_CALL.replace("NAMES", names)
    return f'root ::= "\\n"? name "\\n" object\nname ::= {names}\n{OBJECT_RULES}'


class ToolCallParser:
    """Feed the answer's text, without thoughts, in any pieces; text that may belong to a call is held back."""

    def __init__(self, tools: Collection[Tool]) -> None:
        self._schemas = {tool.name: _properties(tool.parameters) for tool in tools}
        self._held = ""
        self._state = "start"
        self._after_call = False
        """Line breaks that follow a call belong to it."""

    def feed(self, piece: str) -> tuple[str, tuple[ToolCall, ...]]:
        """(new text, new calls)."""
        self._held += piece
        if self._state == "start" and not self._begin():
            return "", ()
        if self._state == "whole":
            return "", ()
        return self._tagged()

    def finish(self) -> tuple[str, tuple[ToolCall, ...]]:
        """(the rest of the text, the rest of the calls)."""
        rest, self._held = self._held, ""
        if self._state in ("start", "whole"):
            call = self._whole(rest)
            return ("", (call,)) if call else (rest, ())
        if rest.lstrip().startswith(OPEN):
            # A call that the answer's end cut short is one if it has its name and whole arguments.
            call = self._tagged_call(rest.lstrip()[len(OPEN) :])
            return ("", (call,)) if call else (rest, ())
        return rest, ()

    def _begin(self) -> bool:
        """Find out whether the answer can be one whole call; False while that is open."""
        text = self._held.lstrip()
        if text.startswith("{"):
            self._state = "whole"
            return True
        line, newline, _ = text.partition("\n")
        named = line.strip()
        if newline:
            self._state = "whole" if named in self._schemas else "tagged"
            return True
        if any(name.startswith(named) for name in self._schemas):
            return False
        self._state = "tagged"
        return True

    def _tagged(self) -> tuple[str, tuple[ToolCall, ...]]:
        text = ""
        calls: list[ToolCall] = []
        self._skip_breaks()
        while (start := self._held.find(OPEN)) >= 0:
            end = self._held.find(CLOSE, start)
            if end < 0:
                text += self._held[:start].rstrip("\n")
                self._held = self._held[start:]
                return text, tuple(calls)
            block = self._held[start : end + len(CLOSE)]
            call = self._tagged_call(block[len(OPEN) : -len(CLOSE)])
            text += self._held[:start].rstrip("\n") if call else self._held[: end + len(CLOSE)]
            self._held = self._held[end + len(CLOSE) :]
            if call:
                calls.append(call)
                self._after_call = True
                self._skip_breaks()
        # Line breaks before a tag belong to it, so those at the end wait with what may become one.
        keep = len(self._held) - _overlap(self._held)
        keep = len(self._held[:keep].rstrip("\n"))
        text, self._held = text + self._held[:keep], self._held[keep:]
        return text, tuple(calls)

    def _skip_breaks(self) -> None:
        if self._after_call:
            self._held = self._held.lstrip("\n")
            self._after_call = not self._held

    def _tagged_call(self, block: str) -> ToolCall | None:
        name = block.split("<arg_key>")[0].strip()
        if name.startswith("{"):
            return self._whole(name)
        schema = self._schemas.get(name)
        if schema is None or block.count("<arg_key>") != len(found := _ARGUMENT.findall(block)):
            return None
        arguments = {key.strip(): _value(value, schema.get(key.strip())) for key, value in found}
        return _call(name, json.dumps(arguments, ensure_ascii=False))

    def _whole(self, text: str) -> ToolCall | None:
        text = text.strip()
        if text.startswith("{"):
            whole = _object(text)
            name = whole.get("name") if whole else None
            arguments = whole.get("arguments", whole.get("parameters", {})) if whole else None
        else:
            name, _, rest = text.partition("\n")
            name, arguments = name.strip(), _object(rest)
        if not isinstance(name, str) or name not in self._schemas or arguments is None:
            return None
        return _call(name, arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False))


def _call(name: str, arguments: str) -> ToolCall:
    return ToolCall(f"call_{uuid4().hex[:24]}", name, arguments)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _properties(schema: str) -> Mapping[str, Any]:
    properties = (_object(schema) or {}).get("properties")
    return properties if isinstance(properties, dict) else {}


def _value(text: str, schema: Any) -> Any:
    """Texts stand as they are, everything else as JSON; the tool's schema tells which it is."""
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind == "string":
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    # Without a schema, "42" is a number and "true" a truth value, as most tools mean them.
    return value


def _overlap(text: str) -> int:
    """Length of the longest end of `text` that begins the opening tag."""
    return next((length for length in range(min(len(OPEN) - 1, len(text)), 0, -1) if text.endswith(OPEN[:length])), 0)
