"""Count how much of a model's context a prompt takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from core.errors import PortalError
from core.images.fitting import prompt_tokens_of
from core.inference.gateway import Gateway
from core.inference.records import ServedModel
from core.inference.requests import ChatMessage, GenerationRequest, ImageInput, SamplingParams, Tool
from core.people.records import User

ANSWER_TOKENS = 1_024
"""Tokens kept free for an answer if the question sets no maximum; at most a quarter of the context."""
MESSAGE_BYTES = 48
"""An upper bound, in bytes, on the marks that a chat template puts around a message."""
TOOLS_BYTES = 1_500
"""An upper bound, in bytes, on what a chat template says about tools in general."""
LETTERS_A_TOKEN = 3.0
"""Bytes per token, for models on other servers that cannot count: about 4 in English; in Chinese 1.5 characters of 3 bytes each."""


def reserve_of(context: int, params: SamplingParams) -> int:
    """Return how many tokens of a context are kept for the answer."""
    wanted = params.max_tokens or ANSWER_TOKENS
    return max(1, min(wanted, context // (2 if params.max_tokens else 4)))


@dataclass(frozen=True, slots=True)
class Window:
    """The context of one model, for the prompts of one person."""

    gateway: Gateway
    user: User
    model: ServedModel
    name: str | None
    """The model that the person chose; None for the default."""
    params: SamplingParams = field(default_factory=SamplingParams)
    thinking: bool = True
    tools: tuple[Tool, ...] = ()
    """The tools that the model is offered: it reads their definitions."""

    @property
    def limit(self) -> int:
        """Return how many tokens a prompt may take, so that there is room for the answer."""
        return self.model.context - reserve_of(self.model.context, self.params)

    def surely_fits(self, messages: Sequence[ChatMessage]) -> bool:
        """Tell whether a prompt would fit even if each byte were a token, so that it need not be counted."""
        return self._bytes(messages) + self.count_images(_images(messages)) <= self.limit

    def count(self, messages: Sequence[ChatMessage]) -> int:
        """Count the tokens of a prompt with the model's own tokenizer, or estimate them if the model runs elsewhere.

        The tokens of images are computed from their size, since encoding an image just to count takes longer than the rest of the question.
        """
        texts = tuple(replace(each, images=()) if each.images else each for each in messages)
        request = GenerationRequest(
            messages=texts, user_id=self.user.id, model=self.name, params=self.params, thinking=self.thinking, tools=self.tools
        )
        return self._counted(request, self._bytes(messages)) + self.count_images(_images(messages))

    def count_images(self, images: Iterable[ImageInput]) -> int:
        """Count the tokens of images as a GLM-V reads them; 0 for a model that cannot see."""
        return 0 if self.model.vision is False else sum(prompt_tokens_of(each.content) for each in images)

    def count_text(self, text: str) -> int:
        """Count the tokens of a text without a chat template."""
        if not text:
            return 0
        request = GenerationRequest(messages=(), user_id=self.user.id, model=self.name, prompt=text)
        return self._counted(request, len(text.encode("utf-8", "replace")))

    def _bytes(self, messages: Sequence[ChatMessage]) -> int:
        return _bytes(messages) + len(tools_text(self.tools).encode("utf-8", "replace")) + (TOOLS_BYTES if self.tools else 0)

    def _counted(self, request: GenerationRequest, length: int) -> int:
        try:
            return len(self.gateway.prompt_tokens(self.user, request).tokens)
        except PortalError:
            return round(length / LETTERS_A_TOKEN)

    def fits(self, messages: Sequence[ChatMessage]) -> bool:
        return self.surely_fits(messages) or self.count(messages) <= self.limit


def _images(messages: Sequence[ChatMessage]) -> list[ImageInput]:
    return [image for each in messages for image in each.images]


def _bytes(messages: Sequence[ChatMessage]) -> int:
    texts = [text for each in messages for text in (each.content, each.reasoning)]
    calls = [call for each in messages for call in each.tool_calls]
    texts += [text for call in calls for text in (call.name, call.arguments)]
    return sum(len(text.encode("utf-8", "replace")) for text in texts) + MESSAGE_BYTES * (len(messages) + len(calls))


def tools_text(tools: Iterable[Tool]) -> str:
    """Return the definitions of tools, about as a chat template writes them."""
    return "\n".join(f"{each.name}\n{each.description}\n{each.parameters}" for each in tools)
