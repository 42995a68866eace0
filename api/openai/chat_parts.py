"""Define the parts of OpenAI's chat request: messages, tools, and the format of the answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.openai.data_uris import image_of
from core.errors import InvalidInput
from core.inference.requests import ChatMessage, ChatRole, ImageInput, Tool, ToolCall

MAX_TOOLS = 128
FunctionName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$", description="1 to 64 letters, digits, _ or -.")]


class Lenient(BaseModel):
    """A part of a request whose unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)


def _whole(value: Any) -> Any:
    """Turn whole floats into integers: some clients write every number with a decimal point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]


class ImageUrl(Lenient):
    url: str = Field(description="A data URI: data:image/png;base64,...")
    detail: str | None = Field(default=None, description="Changes nothing.")


class Part(Lenient):
    type: str
    text: str | None = None
    image_url: str | ImageUrl | None = Field(default=None, description="Of a part of type image_url or input_image: a data URI.")
    refusal: str | None = Field(default=None, description="For parts of type refusal, as in an earlier answer.")

    @property
    def words(self) -> str | None:
        """Return the text of the part; None if it has no text."""
        return {"text": self.text, "input_text": self.text, "output_text": self.text, "refusal": self.refusal}.get(self.type)

    @property
    def is_image(self) -> bool:
        return self.type in ("image_url", "input_image")

    def image(self, field: str) -> ImageInput:
        """Return the image of the part. Raises InvalidInput unless it is a data URI."""
        url = self.image_url.url if isinstance(self.image_url, ImageUrl) else self.image_url
        if not url:
            raise InvalidInput("{field} is missing.", field=f"{field}.image_url")
        return image_of(url, f"{field}.image_url")


def text_of(parts: Sequence[Part]) -> str:
    return "\n".join(part.words or "" for part in parts if not part.is_image)


def images_of(content: str | Sequence[Part] | None, role: ChatRole, field: str) -> tuple[ImageInput, ...]:
    """Return the images of a message in order. Raises InvalidInput for images in a message that is not the user's."""
    if content is None or isinstance(content, str):
        return ()
    images = tuple(part.image(f"{field}.{index}") for index, part in enumerate(content) if part.is_image)
    if images and role is not ChatRole.USER:
        raise InvalidInput("Only a user's message can hold images; {field} has some.", field=field)
    return images


class CalledFunction(Lenient):
    name: FunctionName
    arguments: str | dict[str, Any] | None = Field(default=None, description="A JSON object as text.")

    @property
    def text(self) -> str:
        """Return the arguments as text. Empty or missing arguments become an empty object."""
        if isinstance(self.arguments, dict):
            return json.dumps(self.arguments, ensure_ascii=False)
        return "{}" if (self.arguments or "").strip() in ("", "null") else str(self.arguments)


class ToolCallIn(Lenient):
    id: str | None = Field(default=None, max_length=200)
    type: Literal["function"] | None = None
    function: CalledFunction


class MessageIn(Lenient):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = Field(default=None, description="Text, or parts of type text and image_url.")
    refusal: str | None = Field(default=None, description="The refusal of an earlier answer, in place of content.")
    reasoning_content: str | None = Field(default=None, description="The thinking of an earlier answer, unchanged.")
    tool_calls: list[ToolCallIn] | None = Field(default=None, max_length=MAX_TOOLS, description="For assistant messages only.")
    tool_call_id: str | None = Field(default=None, max_length=200, description="For tool messages: the call that this answers.")

    def message(self, index: int) -> ChatMessage:
        if self.role == "function":
            raise InvalidInput("The role function is obsolete. Use the role tool in {field}.", field=f"messages.{index}.role")
        if self.content is None and self.role not in ("assistant", "tool"):
            raise InvalidInput("{field} is missing.", field=f"messages.{index}.content")
        calls = tuple(ToolCall(call.id or "", call.function.name, call.function.text) for call in self.tool_calls or ())
        if calls and self.role != "assistant":
            raise InvalidInput("Only an assistant message can have {field}.", field=f"messages.{index}.tool_calls")
        named = [call.id for call in calls]
        for number, name in enumerate(named):
            if name and name in named[:number]:
                field = f"messages.{index}.tool_calls.{number}.id"
                raise InvalidInput("{field} is the id of another call of this message already. Give each its own.", field=field)
        role = ChatRole.SYSTEM if self.role == "developer" else ChatRole(self.role)
        return ChatMessage(
            role=role,
            content=self._text(index),
            images=images_of(self.content, role, f"messages.{index}.content"),
            reasoning=self.reasoning_content or "",
            tool_calls=calls,
            tool_call_id=self.tool_call_id or "",
        )

    def _text(self, index: int) -> str:
        if not isinstance(self.content, list):
            return self.content or self.refusal or ""
        for part in self.content:
            if part.words is None and not part.is_image:
                raise InvalidInput(
                    "Only parts of type text and image_url are supported; {field} has one of type {type}.",
                    field=f"messages.{index}.content",
                    type=part.type[:100],
                )
        return text_of(self.content)


class Function(Lenient):
    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = Field(default=None, description="JSON Schema. Default: no parameters.")
    strict: bool | None = Field(default=None, description="Make every call follow the schema. A schema that cannot be enforced is refused.")


class ToolIn(Lenient):
    type: Literal["function"]
    function: Function

    def tool(self) -> Tool:
        parameters = self.function.parameters or {"type": "object", "properties": {}}
        written = json.dumps(parameters, ensure_ascii=False)
        return Tool(
            name=self.function.name, description=self.function.description or "", parameters=written, strict=self.function.strict is True
        )


class NamedFunction(Lenient):
    name: FunctionName


class NamedTool(Lenient):
    type: Literal["function"]
    function: NamedFunction


class SchemaFormat(Lenient):
    name: str | None = None
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    strict: bool | None = Field(default=None, description="Refuse a schema that cannot be enforced completely.")


class ResponseFormat(Lenient):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: SchemaFormat | None = None
    schema_: dict[str, Any] | None = Field(default=None, alias="schema", description=(
        "With json_object: the schema that the object must follow."
    ))

    @property
    def strict(self) -> bool:
        return self.json_schema is not None and self.json_schema.strict is True

    def schema_text(self) -> str | None:
        """Return the JSON Schema that the answer must follow, as text."""
        if self.type == "text":
            return None
        if self.type == "json_object":
            return '{"type": "object"}' if self.schema_ is None else json.dumps(self.schema_, ensure_ascii=False)
        if self.json_schema is None or self.json_schema.schema_ is None:
            raise InvalidInput("{field} is missing.", field="response_format.json_schema.schema")
        return json.dumps(self.json_schema.schema_, ensure_ascii=False)
