"""Define the fields that chat and plain completions share: the model, the stream, and the sampling of tokens."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.openai.chat_parts import Lenient, ResponseFormat, Whole
from core.errors import InvalidInput
from core.inference.requests import SamplingParams

MAX_ANSWERS = 8


class StreamOptions(Lenient):
    include_usage: bool | None = None


class SamplingFields(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    model: str | None = Field(default=None, max_length=500, description="A name from /v1/models. Default: the default model.")
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    seed: Whole | None = None
    n: Whole | None = Field(default=None, ge=1, le=MAX_ANSWERS, description="Number of answers; the prompt is processed once.")
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = Field(default=None, description="Token id to a value added to its logit; -100 forbids the token.")
    response_format: ResponseFormat | None = None
    top_k: Whole | None = Field(default=None, description="Extension.")
    min_p: float | None = Field(default=None, description="Extension.")
    typical_p: float | None = Field(default=None, description="Extension.")
    repeat_penalty: float | None = Field(default=None, description="Extension.")
    stop_token_ids: list[Whole] | None = Field(default=None, description="Extension.")
    grammar: str | None = Field(default=None, description="Extension: a GBNF grammar that the answer must follow, from its rule root.")
    repetition_guard: bool | None = Field(default=None, description="Extension. false lets an answer repeat itself endlessly.")

    @property
    def include_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage is True

    @property
    def answers(self) -> int:
        """Return how many answers each prompt gets."""
        return self.n or 1

    def sampling(self, **own: Any) -> SamplingParams:
        """Return the sampling parameters. own: values that a dialect reads itself, which override the shared ones. Raises InvalidInput."""
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        shared = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "min_p": self.min_p,
            "typical_p": self.typical_p,
            "repeat_penalty": self.repeat_penalty,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
            "logit_bias": bias_of(self.logit_bias),
            "stop": tuple(text for text in stop if text),
            "stop_tokens": tuple(self.stop_token_ids or ()),
            # OpenAI's seeds are signed 64-bit numbers, llama.cpp's are unsigned 32-bit.
            "seed": None if self.seed is None else self.seed & 0xFFFFFFFF,
            "grammar": self.grammar,
            "json_schema": self.response_format.schema_text() if self.response_format is not None else None,
            "strict_schema": self.response_format is not None and self.response_format.strict,
        }
        return SamplingParams(**{**shared, **own})


def bias_of(wanted: dict[str, float] | None) -> tuple[tuple[int, float], ...]:
    """Parse a bias by token id. Raises InvalidInput for other keys."""
    wanted = wanted or {}
    if not all(token.isascii() and token.isdigit() and len(token) < 10 for token in wanted):
        raise InvalidInput("{field} must use token ids as keys, for example 1234.", field="logit_bias")
    return tuple((int(token), bias) for token, bias in wanted.items())
