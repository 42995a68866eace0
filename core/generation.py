"""What core and the models say to each other: a request, its events, the models there are."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from core.entities import FinishReason, Timings, Usage
from core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the model wants to be called. arguments: a JSON object as text; what the model wrote, if it wrote none."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask for. parameters: JSON Schema as JSON text."""

    name: str
    description: str = ""
    parameters: str = "{}"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: str
    """"system", "user", "assistant" or "tool"."""
    content: str
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    """Of an assistant's message."""
    tool_call_id: str = ""
    """Of a tool's message: which call it answers."""

    def __post_init__(self) -> None:
        if self.role not in ("system", "user", "assistant", "tool"):
            raise InvalidInput("Unknown role {role}; use system, user, assistant or tool.", role=repr(self.role))


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
    """(token id, what to add to its logit); -100 forbids the token."""
    stop_tokens: tuple[int, ...] = ()
    """Token ids that end the answer and are not part of it."""
    logprobs: int | None = None
    """How many of the likeliest tokens to tell at each place, beside the chosen one; None: tell nothing."""
    grammar: str | None = None
    """GBNF that the answer, its thoughts excepted, must follow from its rule `root`."""
    json_schema: str | None = None
    """JSON Schema, as JSON text, that the answer must follow; not together with a grammar."""
    thinking_budget: int | None = None
    """Most tokens of thoughts; then they are closed. 0 does not keep a model from opening them: see `thinking`."""

    def __post_init__(self) -> None:
        _within("temperature", self.temperature, 0, 5)
        _within("top_p", self.top_p, 0, 1)
        _within("top_k", self.top_k, 0, 1_000_000)
        _within("min_p", self.min_p, 0, 1)
        _within("repeat_penalty", self.repeat_penalty, 0.1, 10)
        _within("max_tokens", self.max_tokens, 1, 10_000_000)
        _within("seed", self.seed, 0, 2**32 - 1)
        if len(self.stop) > 16 or any(not text or len(text) > 500 for text in self.stop):
            raise InvalidInput("stop takes at most 16 strings of 1 to 500 characters.")
        if len(self.stop_tokens) > 64 or any(not 0 <= token < 2**31 for token in self.stop_tokens):
            raise InvalidInput("stop_token_ids takes at most 64 token ids.")
        _within("typical_p", self.typical_p, 0, 1)
        _within("presence_penalty", self.presence_penalty, -2, 2)
        _within("frequency_penalty", self.frequency_penalty, -2, 2)
        _within("top_logprobs", self.logprobs, 0, 20)
        _within("thinking_budget", self.thinking_budget, 0, 10_000_000)
        if len(self.logit_bias) > 300 or any(not 0 <= token < 2**31 for token, _ in self.logit_bias):
            raise InvalidInput("logit_bias takes at most 300 token ids.")
        for _, bias in self.logit_bias:
            _within("logit_bias", bias, -100, 100)
        if self.grammar is not None and self.json_schema is not None:
            raise InvalidInput("An answer can follow a grammar or a JSON schema, not both.")


def _one_of(name: str, value: str, *choices: str) -> None:
    if value not in choices:
        raise InvalidInput("{name} must be one of {choices}, not {value}.", name=name, choices=", ".join(choices), value=repr(value[:40]))


def _within(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not (math.isfinite(value) and low <= value <= high):
        raise InvalidInput("{name} must lie between {low} and {high}.", name=name, low=low, high=high)


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    messages: tuple[ChatMessage, ...]
    user_id: str
    """For fair shares; not shown to the model."""
    model: str | None = None
    """A name from `models()`; None takes the default model."""
    params: SamplingParams = field(default_factory=SamplingParams)
    thinking: bool = True
    """Ask a model that can think to do so; no effect on one that cannot."""
    conversation_id: str | None = None
    """For prefix reuse only."""
    tools: tuple[Tool, ...] = ()
    """What the model may call, as its chat template writes it."""
    batch: bool = False
    """Nobody watches: questions that somebody waits for go first."""
    tool_choice: str = "auto"
    """"auto", "none" (the model is told of no tool), "required", or the name of the one tool to call."""
    adapter: str | None = None
    """A name from the model's `adapters`; None: the model as it is."""
    guard: bool = True
    """Stop an answer that only repeats itself or stays empty, and try once more; its end then has a note."""
    id: str = ""
    """The turn's or the completion's, for the log should the model die of it; not shown to the model."""


@dataclass(frozen=True, slots=True)
class Queued:
    """The request waits. place: 1 is next. wait_s: expected, None if nobody can tell yet."""

    place: int
    wait_s: float | None


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that could have come. piece: its bytes, which may be part of a character."""

    piece: bytes
    logprob: float


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token of the answer with the natural logarithm of its probability, and the likeliest in its place."""

    piece: bytes
    logprob: float
    top: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Delta:
    """What is new. `text` or `reasoning` may be empty; `tokens` is the count so far. A tool call comes whole."""

    text: str = ""
    reasoning: str = ""
    tokens: int = 0
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    """Of the tokens that `text` ends, if the request asked for them."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event. A generation that fails raises instead."""

    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    note: str | None = None
    """What is wrong with the answer though it did not fail: a sentence for its row and its reader."""


GenerationEvent = Queued | Delta | Finished


class RunningGeneration(Protocol):
    model: str
    model_version: str
    platform: str

    def events(self) -> Iterator[GenerationEvent]:
        """Yield events until Finished, blocking between them; one consumer. Raises ModelFailed, Busy."""
        ...

    def cancel(self) -> None:
        """From any thread: free the engine within one step; events() then ends with Finished(cancelled)."""
        ...


_ADAPTER_NAME = re.compile(r"[\w.-]{1,64}")
MOST_ADAPTERS = 32


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter to load with a model. name: what a request calls it. scale: how strongly it works; 0: not at all."""

    name: str
    path: Path
    scale: float = 1.0

    def __post_init__(self) -> None:
        _within("scale", self.scale, -100, 100)
        if not _ADAPTER_NAME.fullmatch(self.name):
            raise InvalidInput(
                "{name} cannot be an adapter's name. Use 1 to 64 letters, digits, dots and hyphens.", name=repr(self.name[:80])
            )


@dataclass(frozen=True, slots=True)
class AdapterFile:
    """A LoRA adapter on disk, read from its header. error: why it cannot be used, else None."""

    path: Path
    name: str
    size_bytes: int
    architecture: str = ""
    """Of the models it was made for."""
    rank: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How a GGUF is loaded. None: chosen from the file and the machine."""

    context: int | None = None
    """Tokens one conversation can hold."""
    slots: int | None = None
    """Answers at the same time."""
    gpu_layers: int | None = None
    """-1: all of them."""
    kv_type: str = "f16"
    """Precision of the context: f16, q8_0 or q4_0."""
    threads: int | None = None
    flash_attention: str = "auto"
    """auto: where the device does well with it; on; off."""
    streams: str = "auto"
    """Of the context memory. separate: each slot has its own; unified: all slots share one; auto: the memory plan chooses."""
    split_mode: str = "layer"
    """Over several GPUs. none: one GPU takes all; layer: each takes some layers; row: each takes a part of every layer."""
    main_gpu: int | None = None
    """From 0 on: the one GPU of split mode none, the one that holds what is not split in mode row."""
    gpu_shares: tuple[float, ...] = ()
    """What each GPU takes, in proportion; empty: as much as its free memory suggests."""
    adapters: tuple[Adapter, ...] = ()
    """That a request may choose from."""
    isolated: bool = False
    """In a process of its own, started again if it dies; else in the portal's."""

    def __post_init__(self) -> None:
        _within("context", self.context, 256, 4_194_304)
        _within("slots", self.slots, 1, 256)
        _within("gpu_layers", self.gpu_layers, -1, 10_000)
        _within("threads", self.threads, 1, 1024)
        _within("main_gpu", self.main_gpu, 0, 15)
        _one_of("kv_type", self.kv_type, "f16", "q8_0", "q4_0")
        _one_of("flash_attention", self.flash_attention, "auto", "on", "off")
        _one_of("streams", self.streams, "auto", "separate", "unified")
        _one_of("split_mode", self.split_mode, "none", "layer", "row")
        if self.kv_type != "f16" and self.flash_attention == "off":
            raise InvalidInput("A context of 8 or 4 bit needs flash attention. Leave it on, or choose 16 bit.")
        for share in self.gpu_shares:
            _within("gpu_shares", share, 0, 1_000_000)
        if self.gpu_shares and not any(self.gpu_shares):
            raise InvalidInput("At least one GPU needs a share above 0.")
        if self.gpu_shares and self.split_mode == "none":
            raise InvalidInput("With split mode none one GPU takes the whole model. Leave the shares out, or choose layer or row.")
        if len(self.adapters) > MOST_ADAPTERS or len({adapter.name for adapter in self.adapters}) < len(self.adapters):
            raise InvalidInput("A model takes at most {most} adapters, each with a name of its own.", most=MOST_ADAPTERS)
        if self.main_gpu is not None and self.split_mode == "layer":
            raise InvalidInput("Split mode layer has no main GPU. Choose none or row with it.")


class ModelKind(StrEnum):
    """What a model is for."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    RERANKING = "reranking"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A GGUF on disk, read from its header. error: why it cannot be used, else None."""

    path: Path
    name: str
    size_bytes: int
    architecture: str = ""
    quantization: str = ""
    parameters: int = 0
    context: int = 0
    """Tokens the model was trained for."""
    layers: int = 0
    thinking: bool = False
    error: str | None = None
    kind: ModelKind = ModelKind.CHAT


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Bytes a load would take on `device`, and the bytes free there now."""

    device: str
    weights_bytes: int
    context_bytes: int
    work_bytes: int
    free_bytes: int
    total_bytes: int
    context: int
    """Tokens one conversation can hold."""
    slots: int
    shared_tokens: int = 0
    """What all slots together can hold where they share the context memory; 0 where each has its own."""
    gpus: int = 0
    """How many there are, used or not."""

    @property
    def needed_bytes(self) -> int:
        return self.weights_bytes + self.context_bytes + self.work_bytes

    @property
    def fits(self) -> bool:
        return self.needed_bytes <= self.free_bytes


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """The host's memory, or a GPU's, at one moment."""

    name: str
    """"host", or as llama.cpp calls the GPU."""
    free_bytes: int
    total_bytes: int


class ModelState(StrEnum):
    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"
    FAILED = "failed"
    RESTARTING = "restarting"
    """Its own process died and is being started again."""


@dataclass(frozen=True, slots=True)
class Crash:
    """A run of the portal that ended in native code. Ids only: no text of people."""

    at: datetime
    model: str
    """Empty if none was at work."""
    doing: str
    """"loading", "decoding" or "sampling"."""
    answers: int
    """How many in the step that died."""
    requests: tuple[str, ...]
    """Their turns or completions."""
    error: str
    """llama.cpp's own words, else the signal's name."""
    in_a_row: int = 0
    """How many runs in a row this model ended so, this one included; 0 once a run ended in order."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in the pool. progress: 0 to 1 while loading. error: why it FAILED, or died and is RESTARTING."""

    name: str
    state: ModelState
    file: ModelFile
    version: str
    platform: str
    device: str
    context: int = 0
    slots: int = 0
    slots_busy: int = 0
    waiting: int = 0
    plan: MemoryPlan | None = None
    memory_bytes: int = 0
    """What the load took, measured."""
    progress: float = 0.0
    tokens_per_second: float | None = None
    """Of all running answers together, over the last minute; None if none ran."""
    default: bool = False
    error: str | None = None
    adapters: tuple[str, ...] = ()
    """The names of its LoRA adapters."""
    isolated: bool = False
    """Whether it runs in a process of its own."""

    @property
    def names(self) -> tuple[str, ...]:
        """What a request may name: the model, and the model with each adapter, as in glm:legal."""
        return (self.name, *(f"{self.name}:{adapter}" for adapter in self.adapters))
