"""OpenAI's chat request as this portal understands it.

A field of theirs that changes nothing here is ignored; one that would change the meaning of the answer is refused.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.entities import User
from core.errors import InvalidInput
from core.generation import ChatMessage, GenerationRequest, SamplingParams

IGNORED = frozenset(
    {
        "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
        "prediction", "verbosity", "parallel_tool_calls",
    }
)  # fmt: skip

NOT_OFFERED: dict[str, tuple[Any, ...]] = {
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "modalities": (["text"],),
    "audio": (),
    "web_search_options": (),
}
"""Field -> the values that ask for nothing."""


class Part(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    type: str
    text: str | None = None


class MessageIn(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = Field(default=None, description="Text, or parts of type text.")
    reasoning_content: str | None = Field(default=None, description="The thinking of an earlier answer, as it was given.")
    tool_calls: list[Any] | None = None

    def message(self, place: int) -> ChatMessage:
        if self.role in ("tool", "function") or self.tool_calls:
            raise InvalidInput("Tools are not offered yet. Leave them out of {field}.", field=f"messages.{place}")
        if self.content is None and self.role != "assistant":
            raise InvalidInput("{field} is missing.", field=f"messages.{place}.content")
        role = "system" if self.role == "developer" else self.role
        return ChatMessage(role, self._text(place), self.reasoning_content or "")

    def _text(self, place: int) -> str:
        if not isinstance(self.content, list):
            return self.content or ""
        for part in self.content:
            if part.type not in ("text", "input_text") or part.text is None:
                raise InvalidInput(
                    "Only parts of type text are offered yet; {field} has one of type {type}.",
                    field=f"messages.{place}.content",
                    type=part.type[:100],
                )
        return "\n".join(part.text or "" for part in self.content)


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    include_usage: bool = False


class Thinking(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    type: Literal["enabled", "disabled"]


class TemplateOptions(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    enable_thinking: bool | None = None


class ChatRequest(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    model: str | None = Field(default=None, max_length=500, description="A name from /v1/models; left out: the default model.")
    messages: list[MessageIn] = Field(min_length=1, max_length=10_000)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = Field(default=None, description="Goes before max_tokens.")
    stop: str | list[str] | None = None
    seed: int | None = None
    n: int | None = Field(default=None, description="1: one answer a request.")
    top_k: int | None = Field(default=None, description="Not OpenAI's.")
    min_p: float | None = Field(default=None, description="Not OpenAI's.")
    repeat_penalty: float | None = Field(default=None, description="Not OpenAI's.")
    reasoning_effort: str | None = Field(default=None, description="none: answer without thinking. GLM has no other degrees.")
    thinking: Thinking | None = Field(default=None, description="As Z.ai's own API: type disabled.")
    chat_template_kwargs: TemplateOptions | None = Field(default=None, description="As vLLM: enable_thinking false.")

    @property
    def include_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage

    def generation(self, user: User) -> GenerationRequest:
        """Raises InvalidInput for what cannot be honoured."""
        self._check_extra()
        if self.n not in (None, 1):
            raise InvalidInput("n above 1 is not offered: each request gets one answer. Send it {n} times.", n=self.n, field="n")
        messages = tuple(message.message(place) for place, message in enumerate(self.messages))
        return GenerationRequest(messages, user.id, self.model or None, self._params(), self._thinks())

    def _params(self) -> SamplingParams:
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        return SamplingParams(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            min_p=self.min_p,
            repeat_penalty=self.repeat_penalty,
            max_tokens=self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens,
            stop=stop,
            # OpenAI's seeds have 64 bits and a sign, llama.cpp's 32 and none.
            seed=None if self.seed is None else self.seed & 0xFFFFFFFF,
        )

    def _thinks(self) -> bool:
        if self.thinking is not None:
            return self.thinking.type == "enabled"
        if self.chat_template_kwargs is not None and self.chat_template_kwargs.enable_thinking is not None:
            return self.chat_template_kwargs.enable_thinking
        return self.reasoning_effort not in ("none", "minimal")

    def _check_extra(self) -> None:
        for name, value in (self.model_extra or {}).items():
            if value is None or name in IGNORED:
                continue
            if name not in NOT_OFFERED:
                raise InvalidInput("{field} is not a field of this request. Leave it out.", field=name[:100])
            if value not in NOT_OFFERED[name]:
                raise InvalidInput("{field} is not offered yet. Leave it out.", field=name)
