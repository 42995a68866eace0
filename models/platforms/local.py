"""A model in this process: from messages to prompt, from prompt to tokens, from tokens to events."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from core.errors import PortalError, PromptTooLong
from core.generation import ChatMessage, Delta, Finished, GenerationEvent, GenerationRequest, SamplingParams
from models.chat_template import ChatTemplate, Prompt
from models.engine.engine import Engine
from models.engine.llama_backend import LlamaBackend
from models.engine.metrics import EngineMetrics
from models.engine.sampler import recommended, resolve
from models.engine.sequence import Event, Sequence
from models.model_facts import ModelFacts
from models.reasoning import ReasoningParser

DEFAULT_MAX_TOKENS = 4096
"""Where nobody asks for more, so that an answer that does not end cannot hold a slot for ever."""
_GATHER_S = 0.015
"""Deltas closer than this are handed over as one: every wake-up of a reader costs the decode thread time."""
_SEAM = "\ufdd0"
"""A noncharacter that marks where to cut the prompt; it never occurs in text that people exchange."""


class LocalPlatform:
    """One loaded model. Safe from any thread."""

    platform = "local"

    def __init__(self, facts: ModelFacts, version: str, backend: LlamaBackend, template: ChatTemplate) -> None:
        self.facts = facts
        self.version = version
        self._backend = backend
        self._template = template
        self._engine = Engine(backend, facts.file.name, why=backend.last_error)
        self._defaults = recommended(facts.file.architecture, f"{facts.file.name} {facts.title}")
        markers = sorted(backend.control_markers(), key=len, reverse=True)
        self._markers = re.compile("|".join(map(re.escape, markers))) if markers else None
        self._engine.start()

    def start(self, request: GenerationRequest) -> LocalGeneration:
        """Render, tokenize and queue. Raises PromptTooLong, InvalidInput, Busy, Unavailable."""
        messages = [self._defused(message) for message in request.messages]
        prompt = self._template.render(messages, thinking=request.thinking)
        tokens = self._tokenize(prompt)
        room = self._backend.context - len(tokens)
        if room < 1:
            raise PromptTooLong(len(tokens), self._backend.context - 1)
        max_tokens = min(request.params.max_tokens or DEFAULT_MAX_TOKENS, room)
        params = resolve(request.params, self._defaults, max_tokens)
        sequence = self._engine.submit(tokens, params, max_tokens, request.user_id)
        return LocalGeneration(self, sequence, ReasoningParser(inside=prompt.inside_thinking))

    @property
    def defaults(self) -> SamplingParams:
        """What the model's family recommends."""
        return self._defaults

    @property
    def idle(self) -> bool:
        return self._engine.idle

    def metrics(self) -> EngineMetrics:
        return self._engine.metrics()

    def cancel(self, sequence: Sequence) -> None:
        self._engine.cancel(sequence)

    def close(self, timeout: float = 30.0) -> bool:
        """Fail what still runs and free the memory; True if it is free."""
        self._template.close()
        return self._engine.close(timeout)

    def _defused(self, message: ChatMessage) -> ChatMessage:
        """Whoever types <|system|> means the characters: cut the marker in two, so that it never becomes the token."""
        return ChatMessage(message.role, self._plain(message.content), self._plain(message.reasoning))

    def _plain(self, text: str) -> str:
        text = text.replace(_SEAM, "").encode("utf-8", "replace").decode()  # half a surrogate pair has no bytes
        return self._markers.sub(lambda found: found[0][0] + _SEAM + found[0][1:], text) if self._markers else text

    def _tokenize(self, prompt: Prompt) -> list[int]:
        return [token for piece in prompt.text.split(_SEAM) if piece for token in self._backend.tokenize(piece)]


class LocalGeneration:
    """One running answer; fulfils core's RunningGeneration."""

    def __init__(self, platform: LocalPlatform, sequence: Sequence, reasoning: ReasoningParser) -> None:
        self.model = platform.facts.file.name
        self.model_version = platform.version
        self.platform = platform.platform
        self._platform = platform
        self._sequence = sequence
        self._reasoning = reasoning
        self._handed_over = 0.0

    def cancel(self) -> None:
        self._platform.cancel(self._sequence)

    def events(self) -> Iterator[GenerationEvent]:
        """See RunningGeneration. Abandoning the iterator cancels the answer."""
        ended = False
        try:
            for event in self._gathered():
                if isinstance(event, PortalError):
                    ended = True
                    raise event
                if isinstance(event, Delta):
                    reasoning, text = self._reasoning.feed(event.text)
                    if reasoning or text:
                        yield Delta(text, reasoning, event.tokens)
                    continue
                ended = isinstance(event, Finished)
                if ended:
                    reasoning, text = self._reasoning.finish()
                    if reasoning or text:
                        yield Delta(text, reasoning, self._sequence.generated)
                yield event
        finally:
            if not ended:
                self.cancel()

    def _gathered(self) -> Iterator[Event]:
        """The sequence's events to the last, with deltas that come in quick succession joined."""
        following: Event | None = None
        while True:
            event = following or self._sequence.events.get()
            following = None
            if isinstance(event, Delta):
                event, following = self._joined(event)
            yield event
            if isinstance(event, Finished | PortalError):
                return

    def _joined(self, first: Delta) -> tuple[Delta, Event | None]:
        """`first` with the deltas that came since, and the event of another kind that ended them."""
        time.sleep(max(0.0, self._handed_over + _GATHER_S - time.perf_counter()))
        texts, tokens = [first.text], first.tokens
        following: Event | None = None
        while following is None and not self._sequence.events.empty():
            event = self._sequence.events.get()
            if isinstance(event, Delta):
                texts.append(event.text)
                tokens = event.tokens
            else:
                following = event
        self._handed_over = time.perf_counter()
        return Delta("".join(texts), tokens=tokens), following
