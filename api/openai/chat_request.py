"""Define OpenAI's chat request as this portal understands it.

Fields of other servers are accepted if they mean something here. Fields without a meaning are ignored and named in a response header;
fields that would change the meaning of the answer are refused.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.openai.chat_parts import MOST_TOOLS, Lenient, MessageIn, NamedTool, ResponseFormat, ToolIn, Whole
from api.openai.ignored import unknown
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
"""Field to the values that request nothing."""
MOST_ANSWERS = 8


class StreamOptions(Lenient):
    include_usage: bool | None = None


class Thinking(Lenient):
    type: Literal["enabled", "disabled"]
    budget_tokens: Whole | None = Field(default=None, description="Alias of thinking_budget.")


class TemplateOptions(Lenient):
    enable_thinking: bool | None = None


class ChatRequest(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    model: str | None = Field(default=None, max_length=500, description="A name from /v1/models. Default: the default model.")
    messages: list[MessageIn] = Field(min_length=1, max_length=10_000)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: Whole | None = None
    max_completion_tokens: Whole | None = Field(default=None, description="Takes precedence over max_tokens.")
    stop: str | list[str] | None = None
    seed: Whole | None = None
    n: Whole | None = Field(default=None, ge=1, le=MOST_ANSWERS, description="Number of answers; the prompt is processed once.")
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = Field(default=None, description="Token id to a value added to its logit; -100 forbids the token.")
    logprobs: bool | None = None
    top_logprobs: Whole | None = Field(default=None, description="0 to 20, with logprobs true.")
    response_format: ResponseFormat | None = None
    tools: list[ToolIn] | None = Field(default=None, max_length=MOST_TOOLS)
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    service_tier: str | None = Field(default=None, description="flex gives interactive requests priority over this one.")
    top_k: Whole | None = Field(default=None, description="Extension.")
    min_p: float | None = Field(default=None, description="Extension.")
    typical_p: float | None = Field(default=None, description="Extension.")
    repeat_penalty: float | None = Field(default=None, description="Extension.")
    stop_token_ids: list[Whole] | None = Field(default=None, description="Extension.")
    grammar: str | None = Field(default=None, description="Extension: a GBNF grammar that the answer must follow, from its rule root.")
    thinking_budget: Whole | None = Field(default=None, description="Extension: maximum thinking tokens.")
    adapter: str | None = Field(
        default=None, max_length=500, description="Extension: a LoRA adapter of the model. Same as model:adapter in model."
    )
    repetition_guard: bool | None = Field(default=None, description="Extension. false lets an answer repeat itself endlessly.")
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

    @property
    def include_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage is True

    @property
    def answers(self) -> int:
        return self.n or 1

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
        """Whether the answer goes on from the last message. Raises InvalidInput for both at once."""
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
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        budget = self.thinking.budget_tokens if self.thinking is not None and self.thinking_budget is None else self.thinking_budget
        return SamplingParams(
            temperature=0 if self.do_sample is False else self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            min_p=self.min_p,
            typical_p=self.typical_p,
            repeat_penalty=self.repetition_penalty if self.repeat_penalty is None else self.repeat_penalty,
            presence_penalty=self.presence_penalty,
            frequency_penalty=self.frequency_penalty,
            logit_bias=bias_of(self.logit_bias),
            max_tokens=self._max_tokens(),
            stop=tuple(text for text in stop if text),
            stop_tokens=tuple(self.stop_token_ids or ()),
            # OpenAI's seeds are signed 64-bit numbers, llama.cpp's are unsigned 32-bit.
            seed=None if self.seed is None else self.seed & 0xFFFFFFFF,
            logprobs=self._logprobs(),
            grammar=self.grammar,
            json_schema=self.response_format.schema_text() if self.response_format is not None else None,
            strict_schema=self.response_format is not None and self.response_format.strict,
            thinking_budget=budget,
        )

    def _max_tokens(self) -> int | None:
        """Return the first of its names that was sent; -1 means as many as fit."""
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


def bias_of(wanted: dict[str, float] | None) -> tuple[tuple[int, float], ...]:
    """Parse a bias by token id. Raises InvalidInput for other keys."""
    wanted = wanted or {}
    if not all(token.isascii() and token.isdigit() and len(token) < 10 for token in wanted):
        raise InvalidInput("{field} must use token ids as keys, for example 1234.", field="logit_bias")
    return tuple((int(token), bias) for token, bias in wanted.items())
