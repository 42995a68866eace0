from __future__ import annotations

import pytest

from core.inference.records import FinishReason
from core.inference.requests import SamplingParams
from models.engine.delivery import GATHER_S, Outbox
from models.engine.sequence import Event, Sequence, TokenDelta


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(clock: Clock) -> Outbox:
    outbox = Outbox(clock)
    outbox.flush()
    return outbox


@pytest.fixture
def sequence() -> Sequence:
    return Sequence(1, [1], SamplingParams(), 9, "ann")


def received(sequence: Sequence) -> list[Event]:
    events = []
    while not sequence.events.empty():
        events.append(sequence.events.get())
    return events


def test_the_first_text_does_not_wait_and_what_follows_is_gathered(outbox: Outbox, sequence: Sequence, clock: Clock) -> None:
    first, second, third = (TokenDelta(text, tokens=number) for number, text in enumerate("abc", start=1))
    outbox.put(sequence, first)
    assert received(sequence) == []
    outbox.before_decode(long=False)
    assert received(sequence) == [first]
    for delta in (second, third):
        outbox.put(sequence, delta)
        outbox.before_decode(long=False)
    assert received(sequence) == []
    clock.now += GATHER_S
    outbox.before_decode(long=False)
    assert received(sequence) == [second, third]


@pytest.mark.parametrize("why", ["it ended", "another began", "a long step follows"])
def test_text_does_not_wait_where(why: str, outbox: Outbox, sequence: Sequence) -> None:
    sequence.text_sent = True
    outbox.put(sequence, TokenDelta("b", tokens=2))
    if why == "it ended":
        outbox.put(sequence, sequence.finished(FinishReason.STOP))
    elif why == "another began":
        outbox.put(Sequence(1, [1], SamplingParams(), 9, "bob"), TokenDelta("a", tokens=1))
    outbox.before_decode(long=why == "a long step follows")
    assert received(sequence)[0] == TokenDelta("b", tokens=2)
