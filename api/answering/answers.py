"""Collect the running answers to one request for every dialect: the deltas since the last read, merged."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from api.answering.answer_thread import ANSWERS
from api.answering.streams import KEEP_ALIVE_S, Failed, Feed, Write, pump
from core.errors import PortalError, Unavailable
from core.inference.gateway import Gateway
from core.inference.requests import Delta, Finished, GenerationRequest, Pause, Queued
from core.inference.running.answer import Answer

Item = tuple[int, Queued | Delta | Finished]
"""An event of the answer with this number."""


class RunningAnswers:
    """Reads answers into one feed. `leave()` frees the engine if they have not ended. The first of several answers starts alone; the others
    start once its prompt is prefilled, and reuse that prefix.
    """

    def __init__(self, gateway: Gateway, first: Answer, start_another: Callable[[int], Answer], count: int = 1) -> None:
        self.first = first
        self.count = count
        self._gateway = gateway
        self._start_another = start_another
        self._lock = threading.Lock()
        self._running = [first]
        self._prompt_read = threading.Event()
        self._ended = 0
        self._left = False
        self._feed: Feed[Item | Failed | None] = Feed()
        polled = ANSWERS.source(self._feed, f"completion-{first.id[:8]}-0")
        can_be_polled = first.poll(polled.wake)
        if can_be_polled:
            polled.start(self._source(0))
        for number in range(1 if can_be_polled else 0, count):
            pump(self._read(number), self._feed, f"completion-{first.id[:8]}-{number}")

    @staticmethod
    def one(gateway: Gateway, answer: Answer) -> RunningAnswers:
        """Return a single answer."""
        return RunningAnswers(gateway, answer, lambda _number: answer)

    def _read(self, number: int) -> Iterator[Item]:
        """Yield the events of answer `number`, waiting for them."""
        return (item for item in self._source(number) if not isinstance(item, Pause))

    def _source(self, number: int) -> Iterator[Item | Pause]:
        completion = self.first
        if number:
            self._prompt_read.wait()
            if self._gone():
                return
            completion = self._start_another(number)
            with self._lock:
                self._running.append(completion)
            if self._gone():
                completion.cancel()
        try:
            for event in self._gateway.recorded(completion):
                if isinstance(event, Delta):
                    self._prompt_read.set()
                yield event if isinstance(event, Pause) else (number, event)
        except PortalError:
            self.leave()  # if one of the answers is refused, the others would be too
            raise
        finally:
            self._prompt_read.set()

    def _gone(self) -> bool:
        with self._lock:
            return self._left

    @property
    def _finished(self) -> bool:
        return self._ended >= self.count

    def leave(self) -> None:
        if self._finished:
            return
        with self._lock:
            self._left = True
            running = list(self._running)
        for completion in running:
            completion.cancel()
        self._prompt_read.set()

    async def deltas(self) -> AsyncIterator[Item | None]:
        """Yield the deltas since the last ones, merged; None if there are none for a while. Raises the errors of the generations."""
        while not self._finished:
            items = await self._feed.take(KEEP_ALIVE_S)
            if not items:
                yield None
            for number, event in _without_repeats([item for item in items if isinstance(item, tuple)]):
                yield number, event
            for item in items:
                if isinstance(item, Failed):
                    self.leave()
                    self._ended = self.count
                    raise item.error
                self._ended += item is None

    def send_by(self, encode: Callable[[Item], bytes | None], write: Write) -> None:
        """Write an event at once when `deltas` waits for it, in place of yielding it. encode: returns None for what is to be yielded.

        For a stream, waking the coroutine that sends it costs more than encoding and sending a piece of text.
        """

        def sent(items: Sequence[Item | Failed | None]) -> bool:
            if len(items) != 1 or not isinstance(items[0], tuple):
                return False
            block = encode(items[0])
            return block is not None and write(block)

        self._feed.shortcut = sent

    def whole(self, items: Sequence[Item | None]) -> list[tuple[Delta, Finished]]:
        """Return each answer and its end, from all items of `deltas`. Raises Unavailable if an end is missing."""
        answers = []
        for number in range(self.count):
            mine = [item[1] for item in items if item is not None and item[0] == number]
            end = next((event for event in mine if isinstance(event, Finished)), None)
            if end is None:
                raise Unavailable("The model stopped before the answer was complete. Try again.")
            answers.append((merged([event for event in mine if isinstance(event, Delta)]), end))
        return answers


def another(request: GenerationRequest, number: int) -> GenerationRequest:
    """Return the request for answer `number` of several, with its own seed, derived from the given one."""
    seed = request.params.seed
    return request if seed is None else replace(request, params=replace(request.params, seed=(seed + number) & 0xFFFFFFFF))


def merged(deltas: Sequence[Delta]) -> Delta:
    return Delta(
        text="".join(each.text for each in deltas),
        reasoning="".join(each.reasoning for each in deltas),
        tokens=deltas[-1].tokens if deltas else 0,
        tool_calls=tuple(call for each in deltas for call in each.tool_calls),
        logprobs=tuple(one for each in deltas for one in each.logprobs),
    )


def _without_repeats(items: Sequence[Item]) -> Iterator[Item]:
    """Yield the items with consecutive deltas of one kind (reasoning, text or calls) merged, answer by answer. A queue position is
    dropped if text followed.
    """
    if len(items) == 1:  # the usual case, if the reader keeps up
        yield items[0]
        return
    for number in sorted({number for number, _ in items}):
        mine = [event for of, event in items if of == number]
        deltas = [event for event in mine if isinstance(event, Delta)]
        for _, run in groupby(deltas, lambda each: (bool(each.reasoning), bool(each.text), bool(each.tool_calls))):
            yield number, merged(list(run))
        for event in mine:
            if isinstance(event, Finished) or (isinstance(event, Queued) and not deltas):
                yield number, event
