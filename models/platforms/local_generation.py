"""Read a running answer of a model in this process: turn the engine's events into core's, and watch for repetition. All of this runs on
the reader's thread, so that the decode thread only decodes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from importlib.metadata import version as version_of
from typing import Protocol

from core.errors import PortalError
from core.inference.records import FinishReason, Routing, Usage
from core.inference.requests import ChatMessage, Delta, Finished, GenerationEvent, Pause, Queued
from models.engine.sampling.sampler import Resolved
from models.engine.sequence import Event, Sequence, TokenDelta
from models.gguf.adapters import ChosenAdapter
from models.platforms.degeneration import EVERY, Repetition, SymbolRun, repetition
from models.prompting.answer_reader import AnswerReader
from models.prompting.reasoning import CLOSE

_UNENDED = "the engine ends every sequence with Finished or an error"
REPEATED = "The answer began to repeat itself and was stopped."
ENGINE = f"llama-cpp-python {version_of('llama-cpp-python')}"
RESUMED = "The answer began to repeat itself and was continued with safer sampling."
EMPTY = "The model thought but did not answer."
NUDGED = "At first the model thought but did not answer; it was asked again with safer sampling."
_Gathered = list[Delta] | Queued | Finished | PortalError | Pause


class Submitting(Protocol):
    """The methods of its platform that an answer needs; LocalPlatform has them."""

    def submit(
        self, tokens: list[int], params: Resolved, user_id: str, *, batch: bool = False, adapter: int = 0, label: str = ""
    ) -> Sequence: ...
    def cancel(self, sequence: Sequence) -> None: ...
    def tokenize(self, text: str) -> list[int]: ...


class LocalGeneration:
    """Fulfils core's RunningGeneration. An answer that repeats itself is resumed once, from before the repetition."""

    def __init__(
        self,
        platform: Submitting,
        sequence: Sequence,
        params: Resolved,
        reader: AnswerReader,
        *,
        name: str,
        version: str,
        device: str,
        guard: bool = True,
        adapter: ChosenAdapter | None = None,
        ended: Callable[[ChatMessage, Sequence], None] | None = None,
        ignored: tuple[str, ...] = (),
    ) -> None:
        """name, version, device: of the model, for the generation row. ignored: see RunningGeneration.

        ended: called with an answer that a question may follow, and the sequence that wrote its end.
        """
        self.model = name + (f":{adapter.name}" if adapter else "")
        self.model_version = version + (f"+{adapter.version}" if adapter else "")
        self.platform = device
        self.engine = ENGINE
        self.prompt_tokens = sequence.prompt_length
        self.ignored = ignored
        self.routing: Routing | None = None
        self._platform = platform
        self._params = params
        self._reader = reader
        self._guard = guard
        self._ended = ended
        self._first = self.sequence = sequence
        self._lock = threading.Lock()
        self._wake: Callable[[], None] | None = None
        self._cancelled = False
        self._looked_at = 0
        self._ids: list[int] = []
        """The tokens of the answer that the engine has reported."""
        self._repeats: Repetition | None = None
        self._run = SymbolRun()

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            self._platform.cancel(self.sequence)

    def poll(self, wake: Callable[[], None]) -> bool:
        self._wake = self.sequence.events.wake = wake
        return True

    def _block(self) -> Iterator[Pause]:
        """Wait for events from here on; yield Pause first if poll() was called."""
        if self._wake is not None:
            self._wake = self.sequence.events.wake = None
            yield Pause.BLOCKING

    def events(self) -> Iterator[GenerationEvent]:
        """See RunningGeneration. Abandoning the iterator cancels the answer."""
        ended = False
        try:
            finished = yield from self._follow()
            wrong = self._wrong(finished)
            if wrong is not None and self._resume():
                finished = yield from self._follow()
                wrong = self._wrong(finished) or (RESUMED if wrong is REPEATED else NUDGED)
                finished = self._together(finished)
            ended = True
            # The request after a tool call comes at once: there is no time to prefetch.
            if self._ended is not None and not self._reader.called:
                self._ended(self._reader.answer, self.sequence)
            yield replace(finished, note=wrong) if wrong else finished
        except PortalError:
            ended = True
            raise
        finally:
            if not ended:
                self.cancel()

    def _follow(self) -> Generator[GenerationEvent, None, Finished]:
        """Yield the deltas of the sequence; return its end. Text that may be part of a repetition is held back."""
        held: list[Delta] = []
        events = self._gathered()
        for event in events:
            match event:
                case PortalError():
                    raise event
                case Queued() | Pause():
                    yield event
                case list():
                    held += event
                    for delta in event:
                        self._run.add(delta.text, delta.tokens)
                    if self._looks_well(held[-1].tokens):
                        yield from self._read(held)
                        held = []
                    elif self._repeats is not None and self._repeats.broken:
                        good = self._repeats.start + self._repeats.unit
                        yield from self._read([delta for delta in held if delta.tokens <= good])
                        yield from self._block()
                        return self._stopped(events)
                case Finished():
                    yield from self._read(held)
                    cut = event.finish_reason is FinishReason.LENGTH
                    last = self._reader.finish(self._before + self.sequence.generated, cut=cut)
                    if last is not None:
                        yield last
                    self._repeats = self._unseen(event)
                    return event
        raise AssertionError(_UNENDED)

    def _read(self, deltas: list[Delta]) -> Iterator[Delta]:
        """Join deltas into one; keep them apart where log probabilities go with them."""
        if self._params.logprobs is None and len(deltas) > 1:
            deltas = [Delta("".join(delta.text for delta in deltas), tokens=deltas[-1].tokens)]
        for delta in deltas:
            found = self._reader.feed(replace(delta, tokens=self._before + delta.tokens))
            if found is not None:
                yield found

    @property
    def _before(self) -> int:
        """Return the tokens of the first attempt."""
        return 0 if self.sequence is self._first else self._first.generated

    def _looks_well(self, tokens: int) -> bool:
        """Tell whether the answer's first `tokens` end without a repetition; checked every few tokens."""
        if self._guard and tokens - self._looked_at >= EVERY:
            self._looked_at = tokens
            self._repeats = repetition(self._ids, 0, tokens) or self._run.repetition(0)
        return self._repeats is None

    def _unseen(self, finished: Finished) -> Repetition | None:
        """Return the repetition of an answer that reached its limit unnoticed: tokens without text are not reported while they come."""
        if not self._guard or finished.finish_reason is not FinishReason.LENGTH:
            return None
        answer = self.sequence.tokens[self.sequence.prompt_length :]
        found = repetition(answer, 0, len(answer))
        return found if found is not None and found.broken else None

    def _stopped(self, events: Iterator[_Gathered]) -> Finished:
        """End the sequence, so that its slot serves the next attempt; its further events are dropped."""
        self._platform.cancel(self.sequence)
        for event in events:
            if isinstance(event, PortalError):
                raise event
            if isinstance(event, Finished):
                return event if self._cancelled else replace(event, finish_reason=FinishReason.STOP)
        raise AssertionError(_UNENDED)

    def _wrong(self, finished: Finished) -> str | None:
        if self._cancelled or not self._guard:
            return None
        if self._repeats is not None:
            return REPEATED
        if finished.finish_reason is not FinishReason.STOP:
            return None
        silent = self._reader.has_reasoning and not self._reader.has_text and not self.sequence.detokenizer.stopped
        return EMPTY if silent else None

    def _resume(self) -> bool:
        """Resume after the tokens before the repetition, with safer sampling; returns False where that is not possible."""
        room = (self._params.max_tokens or 0) - self.sequence.generated
        if self._params.grammar is not None or room < 1:
            return False  # a grammar could only start over
        tokens = self._good_tokens()
        tags = self._params.tags and replace(self._params.tags, inside=True) if self._reader.thinking else None
        params = replace(safer(self._params), max_tokens=room, tags=tags)
        with self._lock:
            if self._cancelled:
                return False
            try:
                first = self._first
                self.sequence = self._platform.submit(
                    tokens, params, first.user_id, batch=first.batch, adapter=first.adapter, label=first.label
                )
            except PortalError:
                return False
        self._looked_at, self._ids, self._repeats, self._run = 0, [], None, SymbolRun()
        return True

    def _good_tokens(self) -> list[int]:
        """Return the prompt of the next attempt: one round of the repetition is kept; after tokens without text, a line break is added."""
        tokens = self.sequence.tokens
        if self._repeats is not None:
            return tokens[: self.sequence.prompt_length + self._repeats.start + self._repeats.unit]
        nudge = "\n"
        if self._reader.thinking:
            nudge = CLOSE + "\n"
            self._reader.feed(Delta(nudge, tokens=self.sequence.generated))
        return [*tokens, *self._platform.tokenize(nudge)]

    def _together(self, last: Finished) -> Finished:
        """Return the end of both attempts as that of one answer to one prompt."""
        first = self._first.finished(last.finish_reason)
        completed = first.usage.completion_tokens + last.usage.completion_tokens
        usage = Usage(first.usage.prompt_tokens, completed, first.usage.cached_tokens)
        timings = replace(
            last.timings,
            queue_s=first.timings.queue_s,
            ttft_s=first.timings.ttft_s,
            duration_s=first.timings.duration_s,
            steps=first.timings.steps + last.timings.steps,
            prefill_tokens=first.timings.prefill_tokens,
            prefill_s=first.timings.prefill_s,
            draft_tokens=first.timings.draft_tokens + last.timings.draft_tokens,
            accepted_tokens=first.timings.accepted_tokens + last.timings.accepted_tokens,
            retries=1,
            device_s=(first.timings.device_s or 0.0) + (last.timings.device_s or 0.0),
        )
        return replace(last, usage=usage, timings=timings)

    def _gathered(self) -> Iterator[_Gathered]:
        """Yield the sequence's events to the last; deltas that arrived together stay together."""
        while True:
            if self._wake is not None and self.sequence.events.empty():
                yield Pause.WAITING
                continue
            event: Event | None = self.sequence.events.get()
            deltas: list[Delta] = []
            while isinstance(event, TokenDelta):
                self._ids += event.ids
                deltas.append(event)
                event = None if self.sequence.events.empty() else self.sequence.events.get()
            if deltas:
                yield deltas
            if isinstance(event, Finished | PortalError):
                yield from self._block()
            if event is not None:
                yield event
            if isinstance(event, Finished | PortalError):
                return


def safer(params: Resolved) -> Resolved:
    """Return a lower temperature with a repeat penalty. Greedy sampling stays greedy."""
    return replace(
        params,
        temperature=min(params.temperature or 0.0, 0.7),
        top_p=min(params.top_p or 1.0, 0.9),
        min_p=max(params.min_p or 0.0, 0.02),
        repeat_penalty=max(params.repeat_penalty or 1.0, 1.1),
    )
