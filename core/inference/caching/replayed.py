"""Record answers while they stream, and replay cached ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.inference.caching.records import CachedResult
from core.inference.ports import RunningGeneration
from core.inference.records import Routing, Timings, Usage
from core.inference.requests import Delta, Finished, GenerationEvent, Pause


class Replayed:
    """Implements RunningGeneration by replaying a cached answer."""

    routing: Routing | None = None

    def __init__(self, kept: CachedResult) -> None:
        self._kept = kept
        self._polled = False
        self.model, self.model_version, self.platform = kept.model, kept.model_version, kept.platform
        self.engine, self.prompt_tokens, self.ignored = kept.engine, kept.prompt_tokens, kept.ignored

    def events(self) -> Iterator[GenerationEvent]:
        kept, tokens = self._kept, self._kept.completion_tokens
        if self._polled:
            yield Pause.BLOCKING  # The end is written to the store.
        if kept.reasoning:
            yield Delta(reasoning=kept.reasoning, tokens=tokens)
        if kept.text:
            yield Delta(text=kept.text, tokens=tokens)
        if kept.tool_calls:
            yield Delta(tool_calls=kept.tool_calls, tokens=tokens)
        usage = Usage(prompt_tokens=kept.prompt_tokens, completion_tokens=tokens, cached_tokens=kept.prompt_tokens)
        yield Finished(finish_reason=kept.finish_reason, usage=usage, timings=Timings(), stop=kept.stop)

    def poll(self, wake: Callable[[], None]) -> bool:
        self._polled = True
        return True

    def cancel(self) -> None:
        """Do nothing: no model is running."""


class Recorded:
    """Implements RunningGeneration around another one, and passes its answer to `keep` if it ends without an error."""

    def __init__(self, running: RunningGeneration, keep: Callable[[RunningGeneration, list[Delta], Finished], None]) -> None:
        self._running = running
        self._keep = keep

    @property
    def model(self) -> str:
        return self._running.model

    @property
    def model_version(self) -> str:
        return self._running.model_version

    @property
    def platform(self) -> str:
        return self._running.platform

    @property
    def engine(self) -> str:
        return self._running.engine

    @property
    def prompt_tokens(self) -> int:
        return self._running.prompt_tokens

    @property
    def ignored(self) -> tuple[str, ...]:
        return self._running.ignored

    @property
    def routing(self) -> Routing | None:
        return self._running.routing

    def events(self) -> Iterator[GenerationEvent]:
        deltas: list[Delta] = []
        for event in self._running.events():
            if isinstance(event, Delta):
                deltas.append(event)
            elif isinstance(event, Finished):
                self._keep(self._running, deltas, event)
            yield event

    def poll(self, wake: Callable[[], None]) -> bool:
        return self._running.poll(wake)

    def cancel(self) -> None:
        self._running.cancel()
