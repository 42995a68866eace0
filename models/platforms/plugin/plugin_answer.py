"""Read an answer of a plugin's platform: deltas for core, deadlines of the platforms file, and timings at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from core.inference.records import FinishReason, Usage
from core.inference.requests import ChatRole, Delta, Finished, GenerationRequest
from core.platforms.records import Platform, RemoteModel
from core.plugins.platform_records import OpenedPlatform, PlatformMessage, PlatformPiece, PlatformQuestion
from models.platforms.plugin.pump import Pump, Silent
from models.platforms.remote.failures import PlatformFailure, timed_out
from models.platforms.remote.remote_answer import Count, Watch
from models.platforms.remote.wires.counting import estimate, estimate_prompt
from models.prompting.reasoning import ReasoningParser

_TAKEN = frozenset({"max_tokens", "temperature", "top_p", "seed", "stop"})
_SENT = ("top_k", "min_p", "repeat_penalty", "typical_p", "presence_penalty", "frequency_penalty", "logit_bias", "stop_tokens", "logprobs",
         "grammar", "json_schema", "thinking_budget")  # fmt: skip
"""Parameters that plugins are not given."""
Failure = Callable[[Exception], PlatformFailure]


class PluginAnswer:
    """Like RemoteAnswer: raises PlatformFailure, so that another platform can be asked."""

    def __init__(
        self, platform: Platform, opened: Callable[[], OpenedPlatform], request: GenerationRequest, model: RemoteModel, count: Count,
        failure: Failure, left: Callable[[threading.Thread], None],
    ) -> None:  # fmt: skip
        """opened: returns the plugin's platform. failure: notes an error of the plugin and returns the error for people. left: takes the
        thread of an answer that did not end in time.
        """
        params = request.params
        self.dropped = tuple(name for name in _SENT if getattr(params, name) not in (None, ()))
        self.dropped += ("tools",) if request.tools else ()
        self._platform = platform
        self._opened = opened
        self._request = request
        self._model = model
        self._count = count
        self._failure = failure
        self._left = left
        self._cancelled = threading.Event()
        self._read = ""
        self.queue_s = 0.0
        self.estimated = False

    def cancel(self) -> None:
        self._cancelled.set()

    def events(self) -> Iterator[Delta | Finished]:
        """Yield deltas, then Finished. Raises PlatformFailure. Abandoning the iterator cancels the answer."""
        watch = Watch()
        pump = Pump(self._begin, self._cancelled.is_set, self._platform.name)
        pump.start()
        try:
            yield from self._events(pump, watch)
        except GeneratorExit:
            self.cancel()
            raise
        finally:
            pump.leave()
            if pump.thread.is_alive():
                self._left(pump.thread)

    def _begin(self) -> Iterator[PlatformPiece]:
        params = self._request.params
        question = PlatformQuestion(
            model=self._model.id,
            messages=tuple(PlatformMessage(each.role.value, each.content) for each in self._request.messages if each.role in _ROLES),
            stopped=self._cancelled.is_set,
            **{name: getattr(params, name) for name in _TAKEN},
        )
        return self._opened().answer(question)

    def _events(self, pump: Pump, watch: Watch) -> Iterator[Delta | Finished]:
        limits, parser = self._platform.limits, ReasoningParser(inside=False)
        end, tokens, cut = watch.began + limits.timeout_s, 0, False
        prompt_tokens: int | None = None
        completion_tokens: int | None = None
        while True:
            within = min(limits.first_token_s if watch.first is None else limits.idle_s, end - time.monotonic())
            try:
                piece = pump.take(within) if within > 0 else _none()
                if piece is not None:
                    _check(piece)
            except Silent:
                raise timed_out(self._platform.name, within) from None
            except Exception as problem:
                raise self._failure(problem) from problem
            if piece is None:
                break
            cut = cut or piece.cut
            prompt_tokens = piece.prompt_tokens if piece.prompt_tokens is not None else prompt_tokens
            completion_tokens = piece.completion_tokens if piece.completion_tokens is not None else completion_tokens
            if piece.text or piece.reasoning:
                tokens += 1
                self._read += piece.reasoning + piece.text
                reasoning, text = parser.feed(piece.text) if piece.text else ("", "")
                watch.piece(text=bool(text))
                if text or reasoning or piece.reasoning:
                    yield Delta(text=text, reasoning=piece.reasoning + reasoning, tokens=tokens)
        reasoning, text = parser.finish()
        if reasoning or text:
            yield Delta(text=text, reasoning=reasoning, tokens=tokens)
        reason = FinishReason.CANCELLED if self._cancelled.is_set() else FinishReason.LENGTH if cut else FinishReason.STOP
        usage = self._usage(prompt_tokens, completion_tokens)
        yield Finished(finish_reason=reason, usage=usage, timings=watch.timings(self.queue_s, usage.completion_tokens))

    def _usage(self, prompt_tokens: int | None, completion_tokens: int | None) -> Usage:
        if prompt_tokens is not None and completion_tokens is not None:
            return Usage(prompt_tokens, completion_tokens)
        self.estimated = True
        counted = self._count(self._model.name, self._read) if self._read else 0
        return Usage(estimate_prompt(self._request), estimate(self._read) if counted is None else counted)


_ROLES = (ChatRole.SYSTEM, ChatRole.USER, ChatRole.ASSISTANT)


def _none() -> PlatformPiece:
    raise Silent


def _check(piece: object) -> None:
    """Raise TypeError for something that is not a piece of an answer."""
    if not isinstance(piece, PlatformPiece) or not isinstance(piece.text, str) or not isinstance(piece.reasoning, str):
        raise TypeError(f"answer must yield PlatformPiece, not {type(piece).__name__}")
    for count in (piece.prompt_tokens, piece.completion_tokens):
        if count is not None and (not isinstance(count, int) or not 0 <= count < 2**31):
            raise TypeError("counts of tokens must be whole numbers")
