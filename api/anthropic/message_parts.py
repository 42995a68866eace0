"""Define the parts of Anthropic's request: messages with their blocks, tools, thinking, and the format of the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from api.openai.chat_parts import Lenient, Whole
from api.openai.data_uris import image_of, image_of_base64
from core.errors import InvalidInput
from core.inference.requests import ChatMessage, ChatRole, ImageInput, Tool, ToolCall

MAX_BLOCKS = 10_000
ToolName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,128}$", description="1 to 128 letters, digits, _ or -.")]
_NO_TEXT = "Only text and images are supported; {field} has a block of type {type}. Send its text instead."


class TextBlock(Lenient):
    type: str
    text: str | None = None


class Source(Lenient):
    type: str
    data: str | None = None
    url: str | None = None
    media_type: str | None = Field(default=None, description="Changes nothing: an image's content says what it is.")


class Block(TextBlock):
    thinking: str | None = Field(default=None, description="Of a block of type thinking, as it was given.")
    id: str | None = Field(default=None, max_length=200, description="Of a block of type tool_use.")
    name: ToolName | None = None
    input: dict[str, Any] | None = None
    tool_use_id: str | None = Field(default=None, max_length=200, description="Of a block of type tool_result.")
    content: str | list[TextBlock] | None = None
    is_error: bool | None = None
    source: Source | None = Field(default=None, description="Of a document: type text, with its data. Of an image: type base64.")
    title: str | None = None


def text_of(content: str | Sequence[TextBlock] | None, field: str) -> str:
    """Join blocks of text. Raises InvalidInput for other blocks."""
    if not isinstance(content, Sequence) or isinstance(content, str):
        return content or ""
    return "\n".join(_text(block, f"{field}.{index}") for index, block in enumerate(content))


def _text(block: TextBlock, field: str) -> str:
    if block.type == "text" and block.text is not None:
        return block.text
    if block.type == "text":
        raise InvalidInput("{field} is missing.", field=f"{field}.text")
    if isinstance(block, Block) and block.type == "document" and block.source is not None and block.source.type == "text":
        return "\n".join(part for part in (block.title, block.source.data) if part)
    raise InvalidInput(_NO_TEXT, field=field, type=block.type[:100])


def _image(block: Block, field: str) -> ImageInput:
    if block.source is None or not (block.source.data or block.source.url):
        raise InvalidInput("{field} is missing.", field=f"{field}.source")
    if block.source.type == "base64" and block.source.data:
        return image_of_base64(block.source.data, f"{field}.source.data")
    return image_of(block.source.url or "", f"{field}.source.url")


class MessageIn(Lenient):
    role: Literal["user", "assistant", "system"]
    content: str | list[Block] = Field(description="Text, or blocks.")

    def messages(self, field: str, called: set[str]) -> Iterator[ChatMessage]:
        """Return the messages as the model reads them: tool results are separate messages. called: the ids of calls so far."""
        blocks = [Block(type="text", text=self.content)] if isinstance(self.content, str) else self.content
        if len(blocks) > MAX_BLOCKS:
            raise InvalidInput("{field} has more than {most} blocks. Send fewer.", field=f"{field}.content", most=MAX_BLOCKS)
        if self.role == "assistant":
            yield self._assistant(blocks, field, called)
            return
        texts: list[TextBlock] = []
        for index, block in enumerate(blocks):
            if block.type == "tool_result":
                if texts:
                    yield self._said(texts, field)
                    texts = []
                yield self._result(block, f"{field}.content.{index}", called)
            else:
                texts.append(block)
        if texts or not blocks:
            yield self._said(texts, field)

    def _said(self, blocks: Sequence[TextBlock], field: str) -> ChatMessage:
        """Return a message with texts and, if it is from a user, images."""
        where = f"{field}.content"
        seen = [block for block in blocks if self.role == "user" and isinstance(block, Block) and block.type == "image"]
        images = tuple(_image(block, where) for block in seen)
        return ChatMessage(ChatRole(self.role), text_of([each for each in blocks if each not in seen], where), images=images)

    def _result(self, block: Block, field: str, called: set[str]) -> ChatMessage:
        if self.role != "user":
            raise InvalidInput("Only a user's message can hold {field}, a tool_result.", field=field)
        if block.tool_use_id not in called:
            raise InvalidInput("{field} must be the id of a tool_use in a message before it.", field=f"{field}.tool_use_id")
        text = text_of(block.content, f"{field}.content")
        return ChatMessage(ChatRole.TOOL, f"Error: {text}" if block.is_error else text, tool_call_id=block.tool_use_id)

    @staticmethod
    def _assistant(blocks: Sequence[Block], field: str, called: set[str]) -> ChatMessage:
        texts, thoughts, calls = [], [], []
        for index, block in enumerate(blocks):
            where = f"{field}.content.{index}"
            match block.type:
                case "thinking":
                    thoughts.append(block.thinking or "")
                case "redacted_thinking":
                    pass
                case "tool_use":
                    if not block.id or not block.name:
                        raise InvalidInput("{field} is missing.", field=f"{where}.name" if block.id else f"{where}.id")
                    if block.id in called:
                        raise InvalidInput("{field} is the id of another tool_use already. Give each its own.", field=f"{where}.id")
                    called.add(block.id)
                    calls.append(ToolCall(block.id, block.name, json.dumps(block.input or {}, ensure_ascii=False)))
                case _:
                    texts.append(_text(block, where))
        return ChatMessage(
            role=ChatRole.ASSISTANT, content="\n".join(texts), reasoning="\n".join(filter(None, thoughts)), tool_calls=tuple(calls)
        )


class ToolIn(Lenient):
    type: str | None = Field(default=None, description="custom, or left out.")
    name: ToolName
    description: str | None = None
    input_schema: dict[str, Any] | None = Field(default=None, description="JSON Schema.")
    strict: bool | None = Field(default=None, description="Make every call follow the schema. A schema that cannot be enforced is refused.")

    def tool(self, field: str) -> Tool:
        if self.type not in (None, "custom"):
            raise InvalidInput(
                "Tools that run on the server are not offered; {field} is one of type {type}. Send tools of your own.",
                field=field, type=self.type[:100],
            )  # fmt: skip
        if self.input_schema is None:
            raise InvalidInput("{field} is missing.", field=f"{field}.input_schema")
        written = json.dumps(self.input_schema, ensure_ascii=False)
        return Tool(name=self.name, description=self.description or "", parameters=written, strict=self.strict is True)


class ToolChoiceIn(Lenient):
    type: Literal["auto", "any", "tool", "none"]
    name: ToolName | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(Lenient):
    type: str = Field(description="enabled, adaptive or disabled.")
    budget_tokens: Whole | None = Field(default=None, description="The most tokens of thinking.")
    display: str | None = Field(default=None, description="omitted: leave the thoughts' text out of the answer.")


class Format(Lenient):
    type: Literal["json_schema"]
    schema_: dict[str, Any] = Field(alias="schema")


class OutputConfig(Lenient):
    effort: str | None = None
    format: Format | None = None
