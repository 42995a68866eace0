from __future__ import annotations

import time

import pytest

from core.inference.records import FinishReason
from core.inference.requests import Delta, SamplingParams
from models.engine.delivery import GATHER_S, Outbox
from models.engine.sequence import Event, Sequence


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def sequence() -> Sequence:
    return Sequence(1, [1], SamplingParams(), 9, "ann")


def heard(sequence: Sequence) -> list[Event]:
    found = []
    while not sequence.events.empty():
        found.append(sequence.events.get())
    return found


def test_the_first_text_does_not_wait_and_what_follows_is_gathered(outbox: Outbox, sequence: Sequence) -> None:
    first, second, third = Delta("a", tokens=1), Delta("b", tokens=2), Delta("c", tokens=3)
    outbox.tell(sequence, first)
    assert heard(sequence) == []
    outbox.before_decode(long=False)
    assert heard(sequence) == [first]
    outbox._handed_over = time.perf_counter() + 60
    for delta in (second, third):
        outbox.tell(sequence, delta)
        outbox.before_decode(long=False)
    assert heard(sequence) == []
    outbox._handed_over = time.perf_counter() - GATHER_S
    outbox.before_decode(long=False)
    assert heard(sequence) == [second, third]


@pytest.mark.parametrize("why", ["it ended", "another began", "a long step follows"])
def test_text_does_not_wait_where(why: str, outbox: Outbox, sequence: Sequence) -> None:
    sequence.heard = True
    outbox._handed_over = time.perf_counter() + 60
    outbox.tell(sequence, Delta("b", tokens=2))
    if why == "it ended":
        outbox.tell(sequence, sequence.finished(FinishReason.STOP))
    elif why == "another began":
        outbox.tell(Sequence(1, [1], SamplingParams(), 9, "bob"), Delta("a", tokens=1))
    outbox.before_decode(long=why == "a long step follows")
    assert heard(sequence)[0] == Delta("b", tokens=2)
