"""Define Anthropic's request for a message as this portal understands it. Fields without a meaning here are ignored and named in a
response header; fields that would change the meaning of the answer are refused.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.anthropic.message_parts import Format, MessageIn, OutputConfig, TextBlock, Thinking, ToolChoiceIn, ToolIn, text_of
from api.openai.chat_parts import Whole
from api.openai.ignored import unknown
from core.errors import InvalidInput
from core.inference.requests import ChatMessage, ChatRole, GenerationRequest, SamplingParams, Tool, ToolChoice
from core.people.records import User

MAX_TOOLS = 512
NOT_OFFERED = ("container", "mcp_servers")


class CountIn(BaseModel):
    """The parts of a request that the model reads."""

    model_config = ConfigDict(extra="allow", strict=True)
    model: str | None = Field(default=None, max_length=500, description="A name from /v1/models. Default: the default model.")
    messages: list[MessageIn] = Field(min_length=1, max_length=100_000)
    system: str | list[TextBlock] | None = None
    tools: list[ToolIn] | None = Field(default=None, max_length=MAX_TOOLS)
    tool_choice: ToolChoiceIn | None = None
    thinking: Thinking | None = Field(default=None, description="Left out: the model answers without thinking.")
    output_config: OutputConfig | None = None
    output_format: Format | None = Field(default=None, description="An older name of output_config.format.")

    def generation(self, user: User) -> GenerationRequest:
        """Build the request. Raises InvalidInput for what cannot be honoured."""
        for name in NOT_OFFERED:
            if (self.model_extra or {}).get(name):
                raise InvalidInput("{field} is not supported. Leave it out.", field=name)
        called: set[str] = set()
        system = text_of(self.system, "system")
        messages = [ChatMessage(ChatRole.SYSTEM, system)] if system else []
        for index, message in enumerate(self.messages):
            messages += message.messages(f"messages.{index}", called)
        tools = self._tools()
        last = messages[-1]
        return GenerationRequest(
            messages=tuple(messages),
            user_id=user.id,
            model=self.model or None,
            params=self._params(),
            thinking=self.thinks,
            tools=tools,
            tool_choice=self._tool_choice(),
            required_tool=self._required_tool(tools),
            continued=last.role == ChatRole.ASSISTANT and not last.tool_calls and bool(last.content),
        )

    @property
    def thinks(self) -> bool:
        return self.thinking is not None and self.thinking.type != "disabled"

    @property
    def ignored(self) -> list[str]:
        """Return the fields that were sent but change nothing here."""
        names = unknown(self.model_extra, NOT_OFFERED)
        if self.tool_choice is not None and self.tool_choice.disable_parallel_tool_use:
            names.append("tool_choice.disable_parallel_tool_use")
        if self.output_config is not None and self.output_config.effort is not None:
            names.append("output_config.effort")
        return names

    def _params(self) -> SamplingParams:
        wanted = self.output_config.format if self.output_config is not None and self.output_config.format else self.output_format
        return SamplingParams(
            json_schema=json.dumps(wanted.schema_, ensure_ascii=False) if wanted is not None else None,
            thinking_budget=self.thinking.budget_tokens if self.thinking is not None and self.thinks else None,
        )

    def _tools(self) -> tuple[Tool, ...]:
        tools = tuple(tool.tool(f"tools.{index}") for index, tool in enumerate(self.tools or ()))
        if len({tool.name for tool in tools}) < len(tools):
            raise InvalidInput("Two tools of {field} have the same name. Give each its own.", field="tools")
        return tools

    def _tool_choice(self) -> ToolChoice:
        if self.tool_choice is None:
            return ToolChoice.AUTO
        return ToolChoice.REQUIRED if self.tool_choice.type in ("any", "tool") else ToolChoice(self.tool_choice.type)

    def _required_tool(self, tools: tuple[Tool, ...]) -> str | None:
        """Return the name of the one tool to call, if there is one. Raises InvalidInput for a tool that was not sent."""
        choice = self.tool_choice
        if choice is None or choice.type in ("auto", "none"):
            return None
        if not tools:
            raise InvalidInput("{field} requires a tool, but none was sent.", field="tool_choice")
        if choice.type == "any":
            return None
        if choice.name is None:
            raise InvalidInput("{field} is missing.", field="tool_choice.name")
        if choice.name not in (tool.name for tool in tools):
            raise InvalidInput("{field} names {name}, which is not one of the tools.", field="tool_choice", name=choice.name)
        return choice.name


class MessagesIn(CountIn):
    max_tokens: Whole = Field(description="The most tokens of the answer, thinking included.")
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: Whole | None = None
    metadata: dict[str, Any] | None = Field(default=None, description="Changes nothing.")
    service_tier: str | None = Field(default=None, description="Changes nothing.")

    def _params(self) -> SamplingParams:
        other = super()._params()
        return SamplingParams(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            max_tokens=self.max_tokens,
            stop=tuple(text for text in self.stop_sequences or () if text),
            json_schema=other.json_schema,
            thinking_budget=other.thinking_budget,
        )
