"""OpenAI's older request for a completion: a prompt that the model reads as it is, without a chat template."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from api.openai.chat_parts import ResponseFormat, Whole
from api.openai.chat_request import MOST_ANSWERS, StreamOptions, bias_of
from api.openai.ignored import unknown
from api.openai.vector_request import Inputs
from core.errors import InvalidInput
from core.inference.requests import GenerationRequest, SamplingParams
from core.people.records import User

MOST_IN_ALL = 64
"""Answers to all prompts of a request together."""
USUAL_TOKENS = 16
"""OpenAI's, where max_tokens is left out."""


class CompletionRequest(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    model: str | None = Field(default=None, max_length=500, description="A name from /v1/models. Default: the default model.")
    prompt: Inputs
    suffix: str | None = Field(default=None, description="What follows: the answer fills the gap.")
    max_tokens: Whole | None = Field(default=None, description=f"{USUAL_TOKENS} if left out; -1: as many as fit.")
    echo: bool | None = Field(default=None, description="Repeat the prompt before the answer.")
    n: Whole | None = Field(default=None, ge=1, le=MOST_ANSWERS)
    best_of: Whole | None = Field(default=None, description="Only as many as n.")
    logprobs: Whole | None = Field(default=None, description="0 to 20: how many of the likeliest tokens to tell at each place.")
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    stop: str | list[str] | None = None
    seed: Whole | None = None
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    user: str | None = Field(default=None, description="Changes nothing.")
    top_k: Whole | None = Field(default=None, description="Extension.")
    min_p: float | None = Field(default=None, description="Extension.")
    typical_p: float | None = Field(default=None, description="Extension.")
    repeat_penalty: float | None = Field(default=None, description="Extension.")
    stop_token_ids: list[Whole] | None = Field(default=None, description="Extension.")
    grammar: str | None = Field(default=None, description="Extension: a GBNF grammar that the answer must follow, from its rule root.")
    response_format: ResponseFormat | None = Field(default=None, description="Not OpenAI's here.")
    repetition_guard: bool | None = Field(default=None, description="Extension. false lets an answer repeat itself endlessly.")

    @property
    def include_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage is True

    @property
    def answers(self) -> int:
        """To each prompt."""
        return self.n or 1

    @property
    def ignored(self) -> list[str]:
        """Fields that were sent and change nothing here."""
        return unknown(self.model_extra)

    def generations(self, user: User) -> list[GenerationRequest]:
        """A request for each prompt. Raises InvalidInput for what cannot be honoured."""
        if not 1 <= len(self.prompt) * self.answers <= MOST_IN_ALL:
            raise InvalidInput("{field} and n ask for more than {most} answers. Ask for fewer.", field="prompt", most=MOST_IN_ALL)
        if self.best_of not in (None, self.answers):
            raise InvalidInput("{field} is not offered. Leave it out; n asks for several answers.", field="best_of")
        if self.echo and self.logprobs is not None:
            raise InvalidInput("The tokens of a prompt have no probabilities here. Leave {field} or logprobs out.", field="echo")
        if self.suffix and not all(isinstance(prompt, str) for prompt in self.prompt):
            raise InvalidInput("{field} needs a prompt that is text.", field="suffix")
        params, guard = self._params(), self.repetition_guard is not False
        return [
            GenerationRequest(
                messages=(),
                user_id=user.id,
                model=self.model or None,
                params=params,
                thinking=False,
                guard=guard,
                prompt=prompt,
                suffix=self.suffix or None,
            )
            for prompt in self.prompt
        ]  # fmt: skip

    def _params(self) -> SamplingParams:
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        most = USUAL_TOKENS if self.max_tokens is None else self.max_tokens
        return SamplingParams(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            min_p=self.min_p,
            typical_p=self.typical_p,
            repeat_penalty=self.repeat_penalty,
            presence_penalty=self.presence_penalty,
            frequency_penalty=self.frequency_penalty,
            logit_bias=bias_of(self.logit_bias),
            max_tokens=None if most == -1 else most,
            stop=tuple(text for text in stop if text),
            stop_tokens=tuple(self.stop_token_ids or ()),
            seed=None if self.seed is None else self.seed & 0xFFFFFFFF,
            logprobs=self.logprobs,
            grammar=self.grammar,
            json_schema=self.response_format.schema_text() if self.response_format is not None else None,
            strict_schema=self.response_format is not None and self.response_format.strict,
        )
