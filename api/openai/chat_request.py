"""Define OpenAI's chat request as this portal understands it.

Fields of other servers are accepted if they have a meaning here. Fields without a meaning are ignored and named in a response header;
fields that would change the meaning of the answer are refused.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.openai.chat_parts import MAX_TOOLS, Lenient, MessageIn, NamedTool, ToolIn, Whole
from api.openai.ignored import unknown
from api.openai.sampling_fields import SamplingFields
from core.errors import InvalidInput
from core.inference.requests import ChatMessage, ChatRole, GenerationRequest, SamplingParams, Tool, ToolChoice
from core.people.records import User

NOT_OFFERED: dict[str, tuple[Any, ...]] = {
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
    "audio": (),
    "web_search_options": (),
}
"""Refused fields, each with the values that are allowed because they request nothing."""


class Thinking(Lenient):
    type: Literal["enabled", "disabled"]
    budget_tokens: Whole | None = Field(default=None, description="Alias of thinking_budget.")


class TemplateOptions(Lenient):
    enable_thinking: bool | None = None


class ChatRequest(SamplingFields):
    messages: list[MessageIn] = Field(min_length=1, max_length=10_000)
    max_tokens: Whole | None = None
    max_completion_tokens: Whole | None = Field(default=None, description="Takes precedence over max_tokens.")
    logprobs: bool | None = None
    top_logprobs: Whole | None = Field(default=None, description="0 to 20, with logprobs true.")
    tools: list[ToolIn] | None = Field(default=None, max_length=MAX_TOOLS)
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    service_tier: str | None = Field(default=None, description="flex gives interactive requests priority over this one.")
    thinking_budget: Whole | None = Field(default=None, description="Extension: maximum thinking tokens.")
    adapter: str | None = Field(
        default=None, max_length=500, description="Extension: a LoRA adapter of the model. Same as model:adapter in model."
    )
    reasoning_effort: str | None = Field(default=None, description="none answers without thinking. GLM has no other levels.")
    repetition_penalty: float | None = Field(default=None, description="Extension: alias of repeat_penalty.")
    do_sample: bool | None = Field(default=None, description="Extension. false always takes the most likely token, like temperature 0.")
    n_predict: Whole | None = Field(default=None, description="Extension: alias of max_tokens.")
    enable_thinking: bool | None = Field(default=None, description="Extension. false answers without thinking.")
    thinking: Thinking | None = Field(default=None, description="As in Z.ai's API; type disabled answers without thinking.")
    chat_template_kwargs: TemplateOptions | None = Field(default=None, description=(
        "As in vLLM; enable_thinking false answers without thinking."
    ))

    continue_final_message: bool | None = Field(
        default=None, description="Not OpenAI's. false: answer a last message of the assistant's instead of going on with it."
    )
    add_generation_prompt: bool | None = Field(default=None, description="Not OpenAI's. true: the same.")

    def generation(self, user: User) -> GenerationRequest:
        """Build the request for the model. Raises InvalidInput for what cannot be honoured."""
        self._check_extra()
        messages = tuple(message.message(index) for index, message in enumerate(self.messages))
        tools = tuple(tool.tool() for tool in self.tools or ())
        return GenerationRequest(
            messages=messages,
            user_id=user.id,
            model=self.model or None,
            params=self._params(),
            thinking=self._thinks(),
            batch=self.service_tier == "flex",
            tools=tools,
            tool_choice=self._tool_choice(),
            required_tool=self._required_tool(tools),
            adapter=self.adapter or None,
            guard=self.repetition_guard is not False,
            continued=self._continues(messages[-1]),
        )

    def _continues(self, last: ChatMessage) -> bool:
        """Tell whether the answer continues the last message. Raises InvalidInput if the request also asks for a new message."""
        if self.continue_final_message is True and self.add_generation_prompt is True:
            raise InvalidInput(
                "{field} and {other} contradict each other. Send one of them.",
                field="continue_final_message",
                other="add_generation_prompt",
            )
        if self.continue_final_message is False or self.add_generation_prompt is True:
            return False
        return last.role == ChatRole.ASSISTANT and not last.tool_calls and bool(last.content)

    def _params(self) -> SamplingParams:
        budget = self.thinking.budget_tokens if self.thinking is not None and self.thinking_budget is None else self.thinking_budget
        return self.sampling(
            temperature=0 if self.do_sample is False else self.temperature,
            repeat_penalty=self.repetition_penalty if self.repeat_penalty is None else self.repeat_penalty,
            max_tokens=self._max_tokens(),
            logprobs=self._logprobs(),
            thinking_budget=budget,
        )

    def _max_tokens(self) -> int | None:
        """Return the token limit under the first of its names that was sent; -1 means as many as fit."""
        sent = [one for one in (self.max_completion_tokens, self.max_tokens, self.n_predict) if one is not None]
        return sent[0] if sent and sent[0] != -1 else None

    def _logprobs(self) -> int | None:
        if self.logprobs:
            return self.top_logprobs or 0
        if self.top_logprobs:
            raise InvalidInput("{field} needs logprobs to be true.", field="top_logprobs")
        return None

    def _tool_choice(self) -> ToolChoice:
        return ToolChoice.REQUIRED if isinstance(self.tool_choice, NamedTool) else ToolChoice(self.tool_choice or "auto")

    def _required_tool(self, tools: tuple[Tool, ...]) -> str | None:
        """Return the name of the one tool to call, if there is one. Raises InvalidInput for a tool that was not sent."""
        if self.tool_choice == "required" and not tools:
            raise InvalidInput("{field} requires a tool, but none was sent.", field="tool_choice")
        if not isinstance(self.tool_choice, NamedTool):
            return None
        name = self.tool_choice.function.name
        if name not in (tool.name for tool in tools):
            raise InvalidInput("{field} names {name}, which is not one of the tools.", field="tool_choice", name=name)
        return name

    def _thinks(self) -> bool:
        if self.thinking is not None:
            return self.thinking.type == "enabled"
        if self.chat_template_kwargs is not None and self.chat_template_kwargs.enable_thinking is not None:
            return self.chat_template_kwargs.enable_thinking
        if self.enable_thinking is not None:
            return self.enable_thinking
        return self.reasoning_effort not in ("none", "minimal")

    @property
    def ignored(self) -> list[str]:
        """Return the fields that were sent but change nothing here."""
        return unknown(self.model_extra, NOT_OFFERED)

    def _check_extra(self) -> None:
        for name, value in (self.model_extra or {}).items():
            if value is not None and name in NOT_OFFERED and value not in NOT_OFFERED[name]:
                raise InvalidInput("{field} is not supported. Leave it out.", field=name)
