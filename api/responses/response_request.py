"""Define OpenAI's request for a response as this portal understands it. Fields without a meaning here are ignored and named in a
response header; fields that would change the meaning of the answer are refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.openai.chat_parts import MAX_TOOLS, Whole
from api.openai.ignored import unknown
from api.responses.response_parts import FunctionTool, Item, NamedTool, Reasoning, TextConfig, conversation
from core.errors import InvalidInput
from core.inference.requests import ChatMessage, ChatRole, GenerationRequest, SamplingParams, Tool, ToolChoice
from core.people.records import User

NOT_OFFERED: dict[str, tuple[Any, ...]] = {"conversation": (), "prompt": ()}
"""Refused fields, each with the values that are allowed because they request nothing."""
MAX_NESTED = 100


class ResponseRequest(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    model: str | None = Field(default=None, max_length=500, description="A name from /v1/models. Default: the default model.")
    input: str | list[Item] = Field(description="A text, or items: messages, function calls and their outputs, reasoning.")
    instructions: str | None = Field(default=None, description="A system message before the input.")
    stream: bool | None = None
    store: bool | None = Field(default=None, description="Keep the response, so that later ones can continue it. Default: a setting.")
    previous_response_id: str | None = Field(default=None, max_length=100, description="A stored response that this one continues.")
    background: bool | None = Field(default=None, description="Answer at once that the response is queued; needs store.")
    max_output_tokens: Whole | None = Field(default=None, description="The most tokens of the answer, thinking included.")
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: Whole | None = Field(default=None, ge=0, le=20)
    include: list[str] | None = Field(default=None, description="message.output_text.logprobs; others change nothing.")
    reasoning: Reasoning | None = None
    text: TextConfig | None = None
    tools: list[FunctionTool] | None = Field(default=None, max_length=MAX_TOOLS)
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    metadata: dict[str, Any] | None = Field(default=None, description="Answered again.")
    truncation: Literal["disabled"] | None = Field(default=None, description="auto is not offered.")
    service_tier: str | None = Field(default=None, description="flex gives interactive requests priority over this one.")
    user: str | None = Field(default=None, description="Changes nothing.")

    @property
    def ignored(self) -> list[str]:
        """Return the fields that were sent but change nothing here."""
        names = unknown(self.model_extra, NOT_OFFERED)
        return [*names, *(["parallel_tool_calls"] if self.parallel_tool_calls is False else [])]

    def items(self) -> list[Item]:
        """Return the input as items."""
        if isinstance(self.input, str):
            return [Item(type="message", role="user", content=self.input)]
        return self.input

    def generation(self, user: User, earlier: Sequence[Item] = ()) -> GenerationRequest:
        """Build the request for the model. earlier: items that the input continues. Raises InvalidInput for what cannot be honoured."""
        for name, value in (self.model_extra or {}).items():
            if value is not None and name in NOT_OFFERED and value not in NOT_OFFERED[name]:
                raise InvalidInput("{field} is not supported. Leave it out.", field=name)
        said = conversation(self.items(), earlier)
        if not said:
            raise InvalidInput("{field} holds nothing to answer.", field="input")
        system = [ChatMessage(ChatRole.SYSTEM, self.instructions)] if self.instructions else []
        tools = tuple(tool.tool(f"tools.{index}") for index, tool in enumerate(self.tools or ()))
        return GenerationRequest(
            messages=(*system, *said),
            user_id=user.id,
            model=self.model or None,
            params=self._params(),
            thinking=self.reasoning is None or self.reasoning.effort not in ("none", "minimal"),
            batch=self.service_tier == "flex",
            tools=tools,
            tool_choice=ToolChoice.REQUIRED if isinstance(self.tool_choice, NamedTool) else ToolChoice(self.tool_choice or "auto"),
            required_tool=self._required_tool(tools),
        )

    def _params(self) -> SamplingParams:
        wants_logprobs = "message.output_text.logprobs" in (self.include or ())
        form = self.text.format if self.text is not None else None
        return SamplingParams(
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_output_tokens,
            logprobs=self.top_logprobs or 0 if wants_logprobs or self.top_logprobs else None,
            json_schema=self._schema(),
            strict_schema=form is not None and form.strict is True,
        )

    def _schema(self) -> str | None:
        form = self.text.format if self.text is not None else None
        if form is None or form.type == "text":
            return None
        if form.type == "json_object":
            return '{"type": "object"}' if form.schema_ is None else json.dumps(form.schema_, ensure_ascii=False)
        if form.schema_ is None or not form.name:
            raise InvalidInput("{field} is missing.", field="text.format.schema" if form.name else "text.format.name")
        return json.dumps(form.schema_, ensure_ascii=False)

    def _required_tool(self, tools: tuple[Tool, ...]) -> str | None:
        """Return the name of the one tool to call, if there is one. Raises InvalidInput for a tool that was not sent."""
        if self.tool_choice == "required" and not tools:
            raise InvalidInput("{field} requires a tool, but none was sent.", field="tool_choice")
        if not isinstance(self.tool_choice, NamedTool):
            return None
        name = self.tool_choice.name
        if name not in (tool.name for tool in tools):
            raise InvalidInput("{field} names {name}, which is not one of the tools.", field="tool_choice", name=name)
        return name

    def echoed(self, *, stored: bool) -> dict[str, Any]:
        """Return the fields of the request that the response repeats."""
        form = self.text.format if self.text is not None else None
        formed = form.model_dump(by_alias=True, exclude_none=True) if form is not None else {"type": "text"}
        choice = self.tool_choice
        echoed: dict[str, Any] = {
            "background": self.background is True,
            "instructions": self.instructions,
            "max_output_tokens": self.max_output_tokens,
            "metadata": {name: value for name, value in (self.metadata or {}).items() if isinstance(value, str)},
            "parallel_tool_calls": True,
            "previous_response_id": self.previous_response_id or None,
            "reasoning": {"effort": None, "summary": None},
            "store": stored,
            "temperature": self.temperature,
            "text": {"format": formed},
            "tool_choice": choice.model_dump() if isinstance(choice, NamedTool) else choice or "auto",
            "tools": [self._tool(tool) for tool in self.tools or ()],
            "top_p": self.top_p,
            "truncation": "disabled",
        }
        return {name: _repeatable(value) for name, value in echoed.items()}

    @staticmethod
    def _tool(tool: FunctionTool) -> dict[str, Any]:
        return {
            "type": "function", "name": tool.name, "description": tool.description, "parameters": tool.parameters or {},
            "strict": tool.strict is True,
        }  # fmt: skip


def _repeatable(value: Any, levels: int = MAX_NESTED) -> Any:
    """Return a copy that JSON can express: without NaN, and no deeper than encoders go."""
    if (isinstance(value, float) and not math.isfinite(value)) or not levels:
        return None
    if isinstance(value, dict):
        return {name: _repeatable(each, levels - 1) for name, each in value.items()}
    return [_repeatable(each, levels - 1) for each in value] if isinstance(value, list) else value
