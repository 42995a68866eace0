"""Fakes for our own ports: a router whose answers and pace a test sets."""

from __future__ import annotations

import queue
import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import Busy, InvalidInput, NotFound, PortalError, Unavailable
from core.inference.records import FinishReason, Routing, ServedModel, Timings, Usage
from core.inference.requests import Delta, Finished, GenerationEvent, GenerationRequest, Pause, PromptTokens
from core.inference.vectors import Cancelled, Embedded, Embedder, EmbeddingRequest, RerankRequest
from core.knowledge.ports import OnQueuePosition
from core.models.load_settings import LoadSettings
from core.models.memory_records import DeviceMemory, MemoryPlan
from core.models.records import AdapterFile, LoadedModel, ModelFile, ModelState, Residency

FILE = ModelFile(Path("/models/fake.gguf"), "fake", 1_000_000, "glm4", "Q4_K_M", 1_000, 4096, 2, thinking=True)
MODEL = LoadedModel("fake", ModelState.READY, FILE, "v1", "local", "CPU", context=4096, slots=4, default=True)


class FakeGeneration:
    """Yields the events that the router was given; waits at `gate` after each delta when the router is held."""

    model, model_version, platform, engine = "fake", "v1", "local", "fake 1"
    routing: Routing | None = None
    ignored: tuple[str, ...] = ()
    prompt_tokens = 5

    def __init__(self, events: Sequence[GenerationEvent | PortalError], gate: threading.Semaphore | None) -> None:
        self._events = events
        self._gate = gate
        self.cancelled = threading.Event()
        self.given = 0
        """How many events it yielded."""

        self._wake: Callable[[], None] | None = None

    def poll(self, wake: Callable[[], None]) -> bool:
        self._wake = wake
        return True

    def events(self) -> Iterator[GenerationEvent]:
        tokens = 0
        for event in self._events:
            while self._gate is not None and not self._gate.acquire(timeout=0.01 if self._wake is None else 0):
                if self.cancelled.is_set():
                    break
                if self._wake is not None:
                    threading.Timer(0.01, self._wake).start()
                    yield Pause.WAITING
            if self._wake is not None and (self.cancelled.is_set() or isinstance(event, Finished | PortalError)):
                self._wake = None
                yield Pause.BLOCKING
            if self.cancelled.is_set():
                yield Finished(FinishReason.CANCELLED, Usage(5, tokens), Timings(0.0, 0.1, 0.2))
                return
            if isinstance(event, PortalError):
                raise event
            if isinstance(event, Delta):
                tokens = event.tokens
            self.given += 1
            yield event

    def cancel(self) -> None:
        self.cancelled.set()


class FakeVectors:
    """Has its rows at once, or when `gate` is released, or fails with `error`."""

    model, model_version, platform = "fake-vectors", "v1", "local"
    routing: Routing | None = None

    def __init__(self, rows: list[list[float]], gate: threading.Semaphore | None, error: PortalError | None) -> None:
        self._rows = rows
        self._error = error
        self._gate = gate
        self.cancelled = threading.Event()

    def result(self) -> Embedded:
        while self._gate is not None and not self._gate.acquire(timeout=0.01):
            if self.cancelled.is_set():
                raise Cancelled
        if self._error is not None:
            raise self._error
        rows = tuple(array("f", row) for row in self._rows)
        return Embedded(rows, Usage(prompt_tokens=len(rows)), Timings(0.0, None, 0.1))

    def cancel(self) -> None:
        self.cancelled.set()


def answer(text: str, *, reasoning: str = "") -> list[GenerationEvent | PortalError]:
    """Events of an answer, a word a delta."""
    words = [word + " " for word in text.split(" ")]
    words[-1] = words[-1].rstrip()
    events: list[GenerationEvent | PortalError] = []
    if reasoning:
        events.append(Delta(reasoning=reasoning, tokens=1))
    start = len(events)
    events += [Delta(word, tokens=start + number + 1) for number, word in enumerate(words)]
    tokens = len(events)
    events.append(Finished(FinishReason.STOP, Usage(5, tokens, 2), Timings(0.01, 0.1, 0.5, tokens / 0.4)))
    return events


class FakeReader:
    """Reads every document but those called a scan."""

    def text(self, name: str, content: bytes, person: str = "", on_queue_position: OnQueuePosition | None = None) -> str:
        if on_queue_position:
            on_queue_position(2)
        if name.startswith("scan"):
            raise InvalidInput("{name} may be a scan.", name=name)
        return f"The text of {name}"


def served(model: LoadedModel) -> ServedModel:
    return ServedModel(
        name=model.name, kind=model.file.kind, version=model.version, platform=model.platform, context=model.context,
        thinking=model.file.thinking, adapters=model.adapters, default=model.default, guide=model.guide, isolated=model.isolated,
        stuck_s=model.stuck_s, vision=model.vision,
    )  # fmt: skip


@dataclass
class FakeRouter:
    """Answers every request with `next_answers` in turn, else with `always`. `hold()` makes answers wait for `release(n)`."""

    always: Sequence[GenerationEvent | PortalError] = field(default_factory=lambda: answer("Hello from the fake model"))
    next_answers: queue.SimpleQueue[Sequence[GenerationEvent | PortalError]] = field(default_factory=queue.SimpleQueue)
    requests: list[GenerationRequest] = field(default_factory=list)
    generations: list[FakeGeneration] = field(default_factory=list)
    vector_requests: list[EmbeddingRequest | RerankRequest] = field(default_factory=list)
    vectors: list[FakeVectors] = field(default_factory=list)
    rows: list[list[float]] | None = None
    """What the next vectors hold; None: it follows from their request."""
    vector_error: PortalError | None = None
    """What the next vectors fail with, once they are begun."""
    ignored: tuple[str, ...] = ()
    """What the next answers do not follow of their schemas."""
    refuse: list[PortalError] = field(default_factory=list)
    """Raised by the next calls of start, embed and rerank, one each."""
    full: Busy | None = None
    """Raised by check_room, again and again."""
    gate: threading.Semaphore | None = None
    available: list[LoadedModel] = field(default_factory=lambda: [MODEL])

    def hold(self) -> None:
        self.gate = threading.Semaphore(0)

    def release(self, events: int = 1_000) -> None:
        assert self.gate is not None
        for _ in range(events):
            self.gate.release()

    def start(self, request: GenerationRequest) -> FakeGeneration:
        self.requests.append(request)
        if self.refuse:
            raise self.refuse.pop(0)
        if not self.available:
            raise Unavailable("No model is loaded. An admin can load one on the Models page.")
        if request.model not in (None, *(name for model in self.available for name in model.names)):
            raise NotFound("There is no model named {name}.", name=request.model)
        try:
            events = self.next_answers.get_nowait()
        except queue.Empty:
            events = self.always
        generation = FakeGeneration(events, self.gate)
        generation.ignored = self.ignored
        self.generations.append(generation)
        return generation

    def check_room(self, user_id: str, *, batch: bool = False) -> None:
        if self.full is not None:
            raise self.full

    def prompt_tokens(self, request: GenerationRequest) -> PromptTokens:
        """Return a token for each character."""
        self.requests.append(request)
        if self.refuse:
            raise self.refuse.pop(0)
        if isinstance(request.prompt, tuple):
            return PromptTokens("fake", request.prompt, 4096)
        text = request.prompt if request.prompt is not None else "".join(one.content for one in request.messages)
        return PromptTokens("fake", tuple(map(ord, text)), 4096)

    def pieces(self, model: str | None, tokens: Sequence[int]) -> PromptTokens:
        if self.refuse:
            raise self.refuse.pop(0)
        if any(not 0 <= token < 0x11_0000 for token in tokens):
            raise InvalidInput("A token of this model is a number from 0 to {most}.", most=0x10_FFFF)
        return PromptTokens("fake", tuple(tokens), 4096, tuple(chr(token).encode("utf-8", "replace") for token in tokens))

    def embed(self, request: EmbeddingRequest) -> FakeVectors:
        """Return, for each input, its number of letters or tokens, and 1."""
        return self._vectors(request, [[float(len(one)), 1.0] for one in request.inputs])

    def embedder(self, request: EmbeddingRequest) -> Embedder | None:
        return Embedder(model=FakeVectors.model, version=FakeVectors.model_version, platform=FakeVectors.platform)

    def rerank(self, request: RerankRequest) -> FakeVectors:
        """Rank longer documents higher."""
        return self._vectors(request, [[1 - 1 / (1 + len(one))] for one in request.documents])

    def _vectors(self, request: EmbeddingRequest | RerankRequest, rows: list[list[float]]) -> FakeVectors:
        self.vector_requests.append(request)
        if self.refuse:
            raise self.refuse.pop(0)
        self.vectors.append(FakeVectors(self.rows or rows, self.gate, self.vector_error))
        return self.vectors[-1]

    def targets(self, request: GenerationRequest) -> Sequence[str]:
        return ()

    def models(self) -> Sequence[ServedModel]:
        return [served(model) for model in self.available]


@dataclass
class FakePool:
    """A pool that loads at once and remembers what it was asked."""

    models: list[LoadedModel] = field(default_factory=lambda: [MODEL])
    on_disk: list[ModelFile] = field(default_factory=lambda: [FILE])
    asked: list[tuple[str, object]] = field(default_factory=list)
    refuse: list[PortalError] = field(default_factory=list)
    gpus: int = 0
    adapters_on_disk: list[AdapterFile] = field(default_factory=list)
    settings: list[LoadSettings] = field(default_factory=list)
    """The settings of the loads, the latest at the end."""
    memory_budget: DeviceMemory | None = None
    defaults: list[bool] = field(default_factory=list)
    """Whether each load was to become the default."""

    def loaded(self) -> Sequence[LoadedModel]:
        return self.models

    def files(self) -> Sequence[ModelFile]:
        return self.on_disk

    def adapters(self) -> Sequence[AdapterFile]:
        return self.adapters_on_disk

    def read_file(self, path: Path) -> ModelFile:
        for file in self.on_disk:
            if file.path == path:
                return file
        raise NotFound("The file {path} does not exist.", path=path)

    def plan(self, file: ModelFile, settings: LoadSettings) -> MemoryPlan:
        slots, context = settings.slots or 4, settings.context or min(4096, file.context)
        return MemoryPlan("CPU", file.size_bytes, slots * context * 40, 1000, 8_000_000_000, 16_000_000_000, context, slots, gpus=self.gpus)

    def remembered(self, path: Path) -> LoadSettings | None:
        return self.settings[-1] if self.settings else None

    def load(self, path: Path, settings: LoadSettings, *, default: bool = False, name: str | None = None) -> LoadedModel:
        self.asked.append(("load", path))
        if self.refuse:
            raise self.refuse.pop(0)
        self.settings.append(settings)
        self.defaults.append(default)
        return MODEL

    def metrics(self) -> dict[str, object]:
        return {}

    def memory(self) -> Sequence[DeviceMemory]:
        return [DeviceMemory("host", 6_000_000_000, 16_000_000_000)]

    def budget(self) -> DeviceMemory | None:
        return self.memory_budget

    def reside(self, name: str, residency: Residency) -> None:
        if residency != Residency():
            self.asked.append(("reside", residency))

    def make_default(self, name: str) -> None:
        self.asked.append(("make_default", name))

    def unload(self, name: str) -> None:
        self.asked.append(("unload", name))
        if not self.models:
            raise NotFound("There is no model {model}.", model=name)
