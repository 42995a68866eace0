"""Define the parts of a request for a response: items of the input, tools, reasoning, and the format of the text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from api.openai.chat_parts import FunctionName, Lenient, Part, images_of, text_of
from core.errors import InvalidInput
from core.inference.requests import ChatMessage, ChatRole, Tool, ToolCall

_ROLES = {"user": ChatRole.USER, "assistant": ChatRole.ASSISTANT, "system": ChatRole.SYSTEM, "developer": ChatRole.SYSTEM}


class Item(Lenient):
    """A message, a function call, its output, or reasoning; a message may leave out its type."""

    type: str | None = None
    id: str | None = Field(default=None, max_length=200)
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[Part] | None = Field(default=None, description="Text, or parts of type input_text, output_text and input_image.")
    call_id: str | None = Field(default=None, max_length=200, description="Of function_call and function_call_output.")
    name: FunctionName | None = Field(default=None, description="Of a function_call.")
    arguments: str | None = Field(default=None, description="Of a function_call: a JSON object as text.")
    output: str | list[Part] | None = Field(default=None, description="Of a function_call_output.")
    summary: list[Part] | None = Field(default=None, description="Of reasoning.")


def conversation(items: Sequence[Item], earlier: Sequence[Item] = ()) -> list[ChatMessage]:
    """Return the messages as the model reads them: reasoning and calls belong to the assistant's message beside them.

    earlier: stored items that come first. Raises InvalidInput.
    """
    messages: list[ChatMessage] = []
    open_answer = _Answer()
    called: set[str] = set()
    for index, item in enumerate((*earlier, *items), -len(earlier)):
        field = f"input.{index}" if index >= 0 else "previous_response_id"
        kind = item.type or ("message" if item.role else "")
        if kind == "message" and item.role == "assistant":
            open_answer.say(_text(item.content, f"{field}.content"))
        elif kind == "reasoning":
            open_answer.think(_reasoning(item))
        elif kind == "function_call":
            open_answer.call(_call(item, field, called))
        else:
            messages += open_answer.taken()
            messages.append(_other(item, kind, field, called))
    return messages + open_answer.taken()


class _Answer:
    """The assistant's message that is being assembled."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls: list[ToolCall] = []

    def say(self, text: str) -> None:
        self._texts.append(text)

    def think(self, text: str) -> None:
        self._thoughts.append(text)

    def call(self, call: ToolCall) -> None:
        self._calls.append(call)

    def taken(self) -> list[ChatMessage]:
        """Return the message, if there is one."""
        if not (self._texts or self._calls):
            self._thoughts = []
            return []
        message = ChatMessage(
            role=ChatRole.ASSISTANT,
            content="\n".join(self._texts),
            reasoning="\n".join(filter(None, self._thoughts)),
            tool_calls=tuple(self._calls),
        )
        self._texts, self._thoughts, self._calls = [], [], []
        return [message]


def _call(item: Item, field: str, called: set[str]) -> ToolCall:
    if not item.call_id or not item.name:
        raise InvalidInput("{field} is missing.", field=f"{field}.name" if item.call_id else f"{field}.call_id")
    if item.call_id in called:
        raise InvalidInput("{field} is the id of another call already. Give each its own.", field=f"{field}.call_id")
    called.add(item.call_id)
    return ToolCall(item.call_id, item.name, (item.arguments or "").strip() or "{}")


def _other(item: Item, kind: str, field: str, called: set[str]) -> ChatMessage:
    if kind == "function_call_output":
        if item.call_id not in called:
            raise InvalidInput("{field} must be the call_id of a function_call before it.", field=f"{field}.call_id")
        return ChatMessage(ChatRole.TOOL, _text(item.output, f"{field}.output"), tool_call_id=item.call_id)
    if kind == "message" and item.role is not None:
        if item.content is None:
            raise InvalidInput("{field} is missing.", field=f"{field}.content")
        role, where = _ROLES[item.role], f"{field}.content"
        return ChatMessage(role, _text(item.content, where, images=True), images=images_of(item.content, role, where))
    if kind == "message" or not kind:
        raise InvalidInput("{field} is missing.", field=f"{field}.role")
    raise InvalidInput("Items of type {type} are not offered; {field} is one. Leave it out.", field=field, type=kind[:100])


def _text(content: str | list[Part] | None, field: str, *, images: bool = False) -> str:
    """Return the text of parts. images: whether images may appear beside it. Raises InvalidInput for other parts."""
    if not isinstance(content, list):
        return content or ""
    for part in content:
        if part.words is None and not (images and part.is_image):
            raise InvalidInput(
                "Only parts of text and images are supported; {field} has one of type {type}.", field=field, type=part.type[:100]
            )
    return text_of(content)


def _reasoning(item: Item) -> str:
    parts = item.content if isinstance(item.content, list) and item.content else item.summary or []
    return "\n".join(part.text or "" for part in parts)


class FunctionTool(Lenient):
    type: str
    name: FunctionName | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = Field(default=None, description="JSON Schema. Default: no parameters.")
    strict: bool | None = Field(default=None, description="Make every call follow the schema. A schema that cannot be enforced is refused.")

    def tool(self, field: str) -> Tool:
        if self.type != "function":
            raise InvalidInput(
                "Only tools of type function are offered; {field} is of type {type}.", field=field, type=self.type[:100]
            )
        if self.name is None:
            raise InvalidInput("{field} is missing.", field=f"{field}.name")
        parameters = self.parameters or {"type": "object", "properties": {}}
        written = json.dumps(parameters, ensure_ascii=False)
        return Tool(name=self.name, description=self.description or "", parameters=written, strict=self.strict is True)


class NamedTool(Lenient):
    type: Literal["function"]
    name: FunctionName


class Reasoning(Lenient):
    effort: str | None = Field(default=None, description="none or minimal: answer without thinking. GLM has no other degrees.")
    summary: str | None = None


class TextFormat(Lenient):
    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    strict: bool | None = Field(default=None, description="Refuse a schema that cannot be enforced completely.")
    description: str | None = None


class TextConfig(Lenient):
    format: TextFormat | None = None
    verbosity: str | None = None
