"""Read an answer of another server while it streams: deltas for core, deadlines, and timings at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from core.inference.records import FinishReason, Timings, Usage
from core.inference.requests import Delta, Finished, GenerationRequest
from core.platforms.records import Platform, RemoteModel
from models.platforms.remote.connection import Connections, Response
from models.platforms.remote.failures import Fault, PlatformFailure
from models.platforms.remote.guarded_socket import Call
from models.platforms.remote.wires.counting import estimate, estimate_prompt
from models.platforms.remote.wires.ollama_wire import OllamaWire
from models.platforms.remote.wires.openai_wire import OpenAIWire, check_status
from models.platforms.remote.wires.pieces import CallParts, Piece
from models.prompting.reasoning import ReasoningParser

LAST_WORDS_S = 2.0
"""How long to wait for token counts after the end of an answer."""
Wire = OpenAIWire | OllamaWire
Count = Callable[[str, str], int | None]
"""Count tokens of a text with the tokenizer closest to a model; None where there is none."""


@dataclass(slots=True)
class Watch:
    """The times of an answer."""

    began: float = field(default_factory=time.monotonic)
    first: float | None = None
    answered: float | None = None
    """When the first text after the reasoning came."""
    moments: list[float] = field(default_factory=list)

    def piece(self, *, text: bool) -> None:
        now = time.monotonic()
        self.first = now if self.first is None else self.first
        self.answered = now if text and self.answered is None else self.answered
        self.moments.append(now)

    def timings(self, queue_s: float, tokens: int) -> Timings:
        now = time.monotonic()
        gaps = sorted(after - before for before, after in zip(self.moments, self.moments[1:], strict=False))
        writing = now - self.first if self.first is not None else 0.0
        return Timings(
            queue_s=queue_s,
            ttft_s=queue_s + self.first - self.began if self.first is not None else None,
            duration_s=queue_s + now - self.began,
            tokens_per_second=(tokens - 1) / writing if tokens > 1 and writing > 0 else None,
            inter_token_p50_s=gaps[len(gaps) // 2] if gaps else None,
            inter_token_p95_s=gaps[min(len(gaps) - 1, len(gaps) * 95 // 100)] if gaps else None,
        )


class RemoteAnswer:
    """Like core's RunningGeneration, but raises PlatformFailure, so that another platform can be asked."""

    def __init__(
        self, platform: Platform, connections: Connections, wire: Wire, request: GenerationRequest, model: RemoteModel, count: Count
    ) -> None:
        self._body, self.dropped = wire.chat(request, model, platform)
        self._platform = platform
        self._connections = connections
        self._wire = wire
        self._request = request
        self._model = model
        self._count = count
        self._call = Call()
        self._read = ""
        """All text and reasoning so far, to be counted if the server does not count."""
        self.queue_s = 0.0
        self.estimated = False
        """Whether the tokens are estimates, because the server did not count them."""

    def cancel(self) -> None:
        self._call.cancel()

    def events(self) -> Iterator[Delta | Finished]:
        """Yield deltas, then Finished. Raises PlatformFailure. Abandoning the iterator cancels the answer."""
        watch = Watch()
        end = watch.began + self._platform.limits.timeout_s
        try:
            yield from self._events(watch, end)
        except PlatformFailure as problem:
            if self._call.cancelled:
                yield self._finished(FinishReason.CANCELLED, None, watch)
            elif problem.fault is Fault.TIMED_OUT and time.monotonic() >= end:
                raise PlatformFailure(
                    Fault.TIMED_OUT, "{platform} did not finish within {seconds} s.", platform=self._platform.name,
                    seconds=round(self._platform.limits.timeout_s, 1),
                ) from problem  # fmt: skip
            else:
                raise
        except GeneratorExit:
            self.cancel()
            raise

    def _events(self, watch: Watch, end: float) -> Iterator[Delta | Finished]:
        limits, name = self._platform.limits, self._platform.name
        body = json.dumps(self._body, ensure_ascii=False).encode("utf-8", "replace")
        response = self._connections.send(
            self._call, "POST", self._wire.chat_path, body, first_s=limits.first_token_s, end=end, accept=self._wire.accept
        )
        parser, calls = ReasoningParser(inside=False), CallParts()
        finish: FinishReason | None = None
        usage: Usage | None = None
        tokens = 0
        try:
            check_status(name, response)
            for piece in self._pieces(response):
                if not piece.empty:
                    tokens += 1
                    delta = self._delta(piece, parser, tokens)
                    watch.piece(text=bool(delta.text))
                    response.within(limits.idle_s, end)
                    for part in piece.calls:
                        calls.add(part)
                    if delta.text or delta.reasoning or delta.logprobs:
                        yield delta
                usage = piece.usage or usage
                if piece.finish is not None and finish is None:
                    finish = piece.finish
                    response.within(min(LAST_WORDS_S, limits.idle_s), end)
        finally:
            response.close()
        reasoning, text = parser.finish()
        whole = calls.whole()
        if reasoning or text or whole:
            yield Delta(text=text, reasoning=reasoning, tokens=tokens, tool_calls=whole)
        yield self._finished(finish or FinishReason.STOP, usage, watch)

    def _pieces(self, response: Response) -> Iterator[Piece]:
        """Yield the pieces; a failure after the end is ignored."""
        ended = False
        try:
            for piece in self._wire.pieces(self._platform.name, response):
                ended = ended or piece.finish is not None
                yield piece
        except PlatformFailure:
            if not ended or self._call.cancelled:
                raise

    def _delta(self, piece: Piece, parser: ReasoningParser, tokens: int) -> Delta:
        self._read += piece.reasoning + piece.text + "".join(part.arguments for part in piece.calls)
        reasoning, text = parser.feed(piece.text) if piece.text else ("", "")
        return Delta(text=text, reasoning=piece.reasoning + reasoning, tokens=tokens, logprobs=piece.logprobs)

    def _finished(self, finish: FinishReason, usage: Usage | None, watch: Watch) -> Finished:
        if usage is None:
            self.estimated = True
            completion = self._count(self._model.name, self._read) if self._read else 0
            usage = Usage(estimate_prompt(self._request), estimate(self._read) if completion is None else completion)
        return Finished(finish_reason=finish, usage=usage, timings=watch.timings(self.queue_s, usage.completion_tokens))
