"""Turn requests into prompts: a conversation through the chat template, or the request's own prompt unchanged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from core.errors import InvalidInput, PromptTooLong
from core.inference.requests import ChatMessage, ChatRole, GenerationRequest, ImageInput, PromptTokens, Tool, ToolChoice
from models.child.model import ChildModel
from models.engine.images import EncodedImage, PromptImage
from models.engine.llama.backend import LlamaBackend
from models.platforms.prefetch import UNKNOWN, Turn
from models.prompting.chat_template import ChatTemplate, Prompt
from models.prompting.marked_text import CUT, MarkedText


@dataclass(frozen=True, slots=True)
class Reading:
    """A prompt as tokens, with the conversation it was rendered from."""

    tokens: list[int]
    inside_thinking: bool = False
    """Whether the prompt ends within `<think>`, so that the answer begins with reasoning."""
    verbatim: bool = False
    """Whether the answer continues a text, so that it opens no reasoning."""
    messages: tuple[ChatMessage, ...] = ()
    tools: tuple[Tool, ...] = ()
    images: tuple[PromptImage, ...] = ()


class Prompts:
    """Makes the prompts of one model. Safe from any thread."""

    def __init__(self, backend: LlamaBackend | ChildModel, template: ChatTemplate, model: str) -> None:
        self._backend = backend
        self._template = template
        self._model = model
        self._plain = MarkedText(backend.control_markers()).defused

    def read(self, request: GenerationRequest) -> Reading:
        """Render and tokenize. Raises PromptTooLong, InvalidInput, Unavailable."""
        reading = self._conversation(request) if request.prompt is None else Reading(self._given(request), verbatim=True)
        if not reading.tokens:
            raise InvalidInput("The prompt is empty. Send some text.")
        most = self._backend.context - 1
        if len(reading.tokens) > most:
            raise PromptTooLong(len(reading.tokens), most)
        return reading

    def prompt_tokens(self, request: GenerationRequest) -> PromptTokens:
        """Tokenize a prompt only to show it, so it may be empty or too long."""
        tokens = self._given(request) if request.prompt is not None else self._conversation(request).tokens
        return PromptTokens(model=self._model, tokens=tuple(tokens), context=self._backend.context)

    def pieces(self, tokens: Sequence[int]) -> PromptTokens:
        """Raise InvalidInput for a number that is not a token of the model."""
        return PromptTokens(
            model=self._model, tokens=tuple(tokens), context=self._backend.context, pieces=tuple(self._backend.pieces(tokens))
        )

    def expected(self, turn: Turn) -> list[int]:
        """Return the beginning of the next prompt, up to its question; nothing where the template does not show where that is.

        Raises PortalError.
        """
        prompt = self._template.render([*turn.messages, ChatMessage(ChatRole.USER, UNKNOWN)], thinking=turn.thinking, tools=turn.tools)
        return self._tokenize(prompt.text.rpartition(UNKNOWN)[0])

    def defused(self, message: ChatMessage) -> ChatMessage:
        """Cut markers that people typed, such as <|system|>, in two, so that they never become control tokens."""
        calls = tuple(replace(call, name=self._plain(call.name), arguments=self._plain(call.arguments)) for call in message.tool_calls)
        return replace(message, content=self._plain(message.content), reasoning=self._plain(message.reasoning), tool_calls=calls)

    def _conversation(self, request: GenerationRequest) -> Reading:
        tools = () if request.tool_choice is ToolChoice.NONE else tuple(map(self._defused_tool, request.tools))
        placeholders = self._placeholders(request)
        messages = tuple(self.defused(message) for message in request.messages)
        if placeholders:
            messages = tuple(_marked(message, placeholders) for message in messages)
        if request.continued:
            prompt = self._open_end(messages, tools, thinking=request.thinking)
        else:
            prompt = self._template.render(messages, thinking=request.thinking, tools=tools)
        tokens, images = self._with_images(prompt.text, placeholders)
        return Reading(
            tokens=tokens,
            images=images,
            inside_thinking=prompt.inside_thinking,
            verbatim=request.continued,
            messages=messages,
            tools=tools,
        )

    def _placeholders(self, request: GenerationRequest) -> dict[str, ImageInput]:
        """Return the images of a request by the placeholders that stand for them while the template is rendered; nobody can guess those.

        Raises InvalidInput if the model cannot see.
        """
        if not request.images:
            return {}
        if isinstance(self._backend, ChildModel) or self._backend.projector is None:
            raise InvalidInput("The model {model} cannot see images. Choose another model, or leave the images out.", model=self._model)
        nonce = uuid4().hex
        return {f"[{nonce}-{number}]": image for number, image in enumerate(request.images)}

    def _with_images(self, text: str, placeholders: dict[str, ImageInput]) -> tuple[list[int], tuple[PromptImage, ...]]:
        """Return the tokens of a rendered text, with the tokens of its images in place of their placeholders.

        Raises InvalidInput, ModelFailed, Unavailable.
        """
        tokens: list[int] = []
        images: list[PromptImage] = []
        if not placeholders:
            return self._tokenize(text), ()
        assert isinstance(self._backend, LlamaBackend) and self._backend.projector is not None
        for piece in re.split("(" + "|".join(map(re.escape, placeholders)) + ")", text):
            if piece not in placeholders:
                tokens += self._tokenize(piece)
                continue
            for part in self._backend.projector.encode(placeholders[piece].content, placeholders[piece].sha256).pieces:
                if isinstance(part, EncodedImage):
                    images.append(PromptImage(len(tokens), part))
                    tokens += part.tokens
                else:
                    tokens += part
        return tokens, tuple(images)

    def _open_end(self, messages: tuple[ChatMessage, ...], tools: tuple[Tool, ...], *, thinking: bool) -> Prompt:
        """Render the conversation up to the last word of its last message, as if the model had just written it."""
        last = messages[-1]
        if last.role != ChatRole.ASSISTANT or last.tool_calls or not last.content:
            raise InvalidInput("Only an assistant's message with text can be continued. Make it the last one.")
        rendered = self._template.render([*messages[:-1], replace(last, content=UNKNOWN)], thinking=thinking, tools=tools)
        before, found, _ = rendered.text.rpartition(UNKNOWN)
        if not found:
            raise InvalidInput("The chat template of {model} cannot continue an answer. End with a user's message.", model=self._model)
        return Prompt(before + last.content, inside_thinking=False)

    def _given(self, request: GenerationRequest) -> list[int]:
        """Tokenize the request's own prompt. Its author also writes the markers, so they become control tokens."""
        prompt = request.prompt
        if not isinstance(prompt, str):
            tokens = list(prompt or ())
            if any(not 0 <= token < self._backend.vocabulary for token in tokens):
                raise InvalidInput("A token of {model} is a number from 0 to {most}.", model=self._model, most=self._backend.vocabulary - 1)
            return tokens
        if request.suffix is None:
            return self._backend.tokenize_pieces([_whole(prompt)] if prompt else [])
        placeholders = self._backend.gap_tokens()
        if not placeholders:
            raise InvalidInput(
                "The model {model} cannot fill a gap: it has no tokens for that. Leave {field} out.", model=self._model, field="suffix"
            )
        before, after, middle = placeholders
        return [before, *self._tokenize(self._plain(prompt)), after, *self._tokenize(self._plain(request.suffix)), middle]

    def _defused_tool(self, tool: Tool) -> Tool:
        return replace(
            tool, name=self._plain(tool.name), description=self._plain(tool.description), parameters=self._plain(tool.parameters)
        )

    def _tokenize(self, text: str) -> list[int]:
        return self._backend.tokenize_pieces([piece for piece in text.split(CUT) if piece])


def _marked(message: ChatMessage, placeholders: dict[str, ImageInput]) -> ChatMessage:
    """Put the placeholders of a message's images before its text."""
    if not message.images:
        return message
    own = {id(image) for image in message.images}
    return replace(message, content="".join(mark for mark, image in placeholders.items() if id(image) in own) + message.content)


def _whole(text: str) -> str:
    """Remove halves of surrogate pairs, which have no bytes."""
    return text.encode("utf-8", "replace").decode()
