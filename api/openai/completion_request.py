"""Define OpenAI's older request for a completion: a prompt that the model reads unchanged, without a chat template."""

from __future__ import annotations

from pydantic import Field

from api.openai.chat_parts import ResponseFormat, Whole
from api.openai.ignored import unknown
from api.openai.sampling_fields import SamplingFields
from api.openai.vector_request import Inputs
from core.errors import InvalidInput
from core.inference.requests import GenerationRequest, SamplingParams
from core.people.records import User

MAX_IN_ALL = 64
"""Most answers of one request, over all its prompts."""
USUAL_TOKENS = 16
"""OpenAI's default of max_tokens."""


class CompletionRequest(SamplingFields):
    prompt: Inputs
    suffix: str | None = Field(default=None, description="What follows: the answer fills the gap.")
    max_tokens: Whole | None = Field(default=None, description=f"{USUAL_TOKENS} if left out; -1: as many as fit.")
    echo: bool | None = Field(default=None, description="Repeat the prompt before the answer.")
    best_of: Whole | None = Field(default=None, description="Only as many as n.")
    logprobs: Whole | None = Field(default=None, description="0 to 20: how many of the likeliest tokens to return at each position.")
    user: str | None = Field(default=None, description="Changes nothing.")
    response_format: ResponseFormat | None = Field(default=None, description="Not OpenAI's here.")

    @property
    def ignored(self) -> list[str]:
        """Return the fields that were sent but change nothing here."""
        return unknown(self.model_extra)

    def generations(self, user: User) -> list[GenerationRequest]:
        """Build a request for each prompt. Raises InvalidInput for what cannot be honoured."""
        if not 1 <= len(self.prompt) * self.answers <= MAX_IN_ALL:
            raise InvalidInput("{field} and n ask for more than {most} answers. Ask for fewer.", field="prompt", most=MAX_IN_ALL)
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
        most = USUAL_TOKENS if self.max_tokens is None else self.max_tokens
        return self.sampling(max_tokens=None if most == -1 else most, logprobs=self.logprobs)
