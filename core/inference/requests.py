"""Define a request to a model, and the events of its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum

from core.bounds import within
from core.errors import InvalidInput
from core.inference.records import FinishReason, Task, Timings, Usage


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the model wants to be called. arguments: a JSON object as text; the model's own text if that is not one."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask for. parameters: JSON Schema as JSON text."""

    name: str
    description: str = ""
    parameters: str = "{}"
    strict: bool = False
    """Make the model's arguments follow the schema, or refuse the schema."""


class ChatRole(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class ToolChoice(StrEnum):
    AUTO = "auto"
    NONE = "none"
    """The model gets no tools."""
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class ImageInput:
    """An image of a message. At first only content and name are known; the gateway decodes it and fills in the rest."""

    content: bytes = field(repr=False)
    name: str = ""
    """The name in error sentences."""
    media_type: str = ""
    """image/png or image/jpeg."""
    sha256: str = ""
    """The hash of the content, in hex."""
    width: int = 0
    height: int = 0

    @property
    def is_fitted(self) -> bool:
        """Tell whether it was decoded and resized for a model."""
        return bool(self.sha256)


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: ChatRole
    content: str
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    """Set in assistant messages only."""
    tool_call_id: str = ""
    """The call that a tool message answers."""
    images: tuple[ImageInput, ...] = ()
    """The images of a user message; they come before the text."""


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How the next token is chosen. None means the model's own recommended value."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    typical_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: tuple[tuple[int, float], ...] = ()
    """(token id, addition to its logit); -100 forbids the token."""
    stop_tokens: tuple[int, ...] = ()
    """Token ids that end the answer and are not part of it."""
    logprobs: int | None = None
    """How many of the likeliest tokens to report for each chosen one; None: no log probabilities."""
    grammar: str | None = None
    """GBNF that the answer, apart from its reasoning, must follow from the rule `root`."""
    json_schema: str | None = None
    """JSON Schema, as JSON text, that the answer must follow; not together with a grammar."""
    strict_schema: bool = False
    """Refuse a schema with conditions that a grammar cannot express; otherwise those are listed and not enforced."""
    thinking_budget: int | None = None
    """Most tokens of reasoning, which is then closed. 0 does not keep a model from starting it: see `thinking`."""

    def __post_init__(self) -> None:
        within("temperature", self.temperature, 0, 5)
        within("top_p", self.top_p, 0, 1)
        within("top_k", self.top_k, 0, 1_000_000)
        within("min_p", self.min_p, 0, 1)
        within("repeat_penalty", self.repeat_penalty, 0.1, 10)
        within("max_tokens", self.max_tokens, 1, 10_000_000)
        within("seed", self.seed, 0, 2**32 - 1)
        if len(self.stop) > 16 or any(not text or len(text) > 500 for text in self.stop):
            raise InvalidInput("stop takes at most 16 strings of 1 to 500 characters.")
        if len(self.stop_tokens) > 64 or any(not 0 <= token < 2**31 for token in self.stop_tokens):
            raise InvalidInput("stop_token_ids takes at most 64 token ids.")
        within("typical_p", self.typical_p, 0, 1)
        within("presence_penalty", self.presence_penalty, -2, 2)
        within("frequency_penalty", self.frequency_penalty, -2, 2)
        within("top_logprobs", self.logprobs, 0, 20)
        within("thinking_budget", self.thinking_budget, 0, 10_000_000)
        if len(self.logit_bias) > 300 or any(not 0 <= token < 2**31 for token, _ in self.logit_bias):
            raise InvalidInput("logit_bias takes at most 300 token ids.")
        for _, bias in self.logit_bias:
            within("logit_bias", bias, -100, 100)
        if self.grammar is not None and self.json_schema is not None:
            raise InvalidInput("An answer can follow a grammar or a JSON schema, not both.")


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    messages: tuple[ChatMessage, ...]
    user_id: str
    """The person, for fair shares; not shown to the model."""
    model: str | None = None
    """A name from `models()`; None takes the default model."""
    params: SamplingParams = field(default_factory=SamplingParams)
    thinking: bool = True
    """Ask a model that can think to do so; no effect on one that cannot."""
    conversation_id: str | None = None
    """Used for prefix reuse only."""
    variant: str | None = None
    """The variant of an experiment that answers it, for its generation row."""
    tools: tuple[Tool, ...] = ()
    """The tools that the model may call, as its chat template writes them."""
    batch: bool = False
    """Whether nobody watches: questions that someone waits for go first."""
    tool_choice: ToolChoice = ToolChoice.AUTO
    required_tool: str | None = None
    """The one tool that must be called; None where the model may choose."""
    adapter: str | None = None
    """A name from the model's `adapters`; None: the model without one."""
    guard: bool = True
    """Stop an answer that only repeats itself or stays empty, and try once more; its end then has a note."""
    id: str = ""
    """The id of the turn or completion, for the log of a crash; not shown to the model."""
    prompt: str | tuple[int, ...] | None = None
    """Text or token ids that the model reads unchanged, instead of messages in a chat template."""
    suffix: str | None = None
    """The text after the answer, which then fills the gap between the prompt, as text, and this."""
    continued: bool = False
    """Continue the last message, an assistant's, instead of answering it."""
    fresh: bool = False
    """Ask the model even if the result cache knows the answer."""
    cached_for: str = ""
    """The id of the stored response with which the result cache deletes the answer; a chat's answer is deleted with its conversation."""
    task: Task = Task.CHAT
    """Selects the route if it names no model."""
    group: str = ""
    """The person's group, for routes; not shown to the model."""
    denied_models: frozenset[str] = frozenset()
    """Models that the person may not use, not even as a replacement."""

    @property
    def images(self) -> tuple[ImageInput, ...]:
        """Return the images of all messages in order."""
        return tuple(image for message in self.messages for image in message.images)


@dataclass(frozen=True, slots=True)
class PromptTokens:
    """A prompt in tokens. pieces: the bytes of each token, if requested, which may be part of a character."""

    model: str
    tokens: tuple[int, ...]
    context: int
    """Tokens for prompt and answer together."""
    pieces: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Queued:
    """The request waits. position: the queue position, 1 is next; 0: no longer, its prompt is being prefilled.

    wait_s: expected; None if unknown.
    """

    position: int
    wait_s: float | None


@dataclass(frozen=True, slots=True)
class Alternative:
    """An alternative token. piece: its bytes, which may be part of a character."""

    piece: bytes
    logprob: float


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token of the answer with the natural logarithm of its probability, and the likeliest alternatives."""

    piece: bytes
    logprob: float
    top: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Delta:
    """New text or reasoning, each may be empty; `tokens` is the count so far. A tool call comes complete."""

    text: str = ""
    reasoning: str = ""
    tokens: int = 0
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    """The log-probabilities of the tokens that end in `text`, if the request asked for them."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event. A generation that fails raises instead."""

    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    note: str | None = None
    """A problem of an answer that did not fail: a sentence for its row and its reader."""
    stop: str | None = None
    """The stop string that ended the answer, if one did."""


class Pause(Enum):
    """Yielded by events() after poll(), where it would block otherwise."""

    WAITING = "waiting"
    """Nothing is ready. Continue when `wake` is called."""
    BLOCKING = "blocking"
    """The iterator blocks from here on. Continue on a thread that may wait."""


GenerationEvent = Queued | Delta | Finished | Pause
