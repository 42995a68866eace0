"""Answers with different adapters in one engine, on the fake model, which refuses to mix them."""

from __future__ import annotations

import pytest

from core.inference.requests import Finished
from models.engine.batching import adapter_turns
from models.engine.batching.adapter_turns import TURN_S, AdapterTurns
from models.engine.engine import Engine
from tests.unit.models.engine.fake_model import FakeModel, ask, collect, run


def test_an_adapter_alone_keeps_its_turn() -> None:
    turns = AdapterTurns()
    assert [turns.choose({-3}, now) for now in (0.0, 1.0, 50.0)] == [-3, -3, -3]


def test_a_turn_lasts_a_while_because_a_change_costs_time() -> None:
    turns = AdapterTurns()
    first = turns.choose({-1, -2}, 10.0)
    assert turns.choose({-1, -2}, 10.0 + TURN_S / 2) == first
    assert turns.choose({-1, -2}, 10.0 + 1.5 * TURN_S) != first


def test_who_waited_longest_is_next() -> None:
    turns = AdapterTurns()
    served = [turns.choose({0, -1, -2, -3}, 2 * TURN_S * number) for number in range(1, 13)]
    assert all(sorted(served[begin : begin + 4]) == [-3, -2, -1, 0] for begin in range(9))


def test_one_that_comes_and_goes_does_not_jump_the_queue() -> None:
    turns = AdapterTurns()
    served = []
    for number in range(1, 41):
        there = {-1, -2} if number % 2 else {-1, -2, -3}
        served.append(turns.choose(there, 2 * TURN_S * number))
    assert min(served.count(adapter) for adapter in (-1, -2, -3)) >= 9


def text_of(first: int, step: int, length: int) -> str:
    """Return what the fake answers, greedy, after `first`."""
    said, last = [], first
    for _ in range(length):
        last = (last + step - 1) % 250 + 1
        said.append(last)
    return bytes(said).decode("utf-8", "replace")


@pytest.fixture
def quick_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step is a turn."""
    monkeypatch.setattr(adapter_turns, "TURN_S", 0.0)


@pytest.mark.usefixtures("quick_turns")
def test_each_answer_is_what_its_own_adapter_says_in_a_crowd_of_others() -> None:
    model = FakeModel(slots=9)
    engine = Engine(model, "fake")
    asked = [ask(engine, [number] * 20, user=str(number), tokens=12, adapter=-(number % 3)) for number in range(1, 19)]
    run(engine, *asked)
    for number, sequence in enumerate(asked, start=1):
        assert collect(sequence)[0] == text_of(number, number % 3 + 1, 12)
    assert engine.metrics().failures == 0


@pytest.mark.usefixtures("quick_turns")
def test_no_adapter_starves_beside_a_crowd_with_another() -> None:
    model = FakeModel(slots=8, context=1000)
    engine = Engine(model, "fake")
    crowd = [ask(engine, [number], user=str(number), tokens=500) for number in range(1, 8)]
    lonely = ask(engine, [40], user="x", tokens=10, adapter=-1)
    for _ in range(24):
        engine.step()
    assert isinstance(collect(lonely)[1], Finished)
    assert all(sequence.generated >= 11 for sequence in crowd), "and the crowd has had its turns"


def test_the_adapter_changes_once_a_turn_and_not_once_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter_turns, "TURN_S", 600.0)
    model = FakeModel(slots=4, context=1000)
    changes = []
    use = model.use_adapter
    model.use_adapter = lambda adapter: (changes.append(adapter), use(adapter))[1]  # type: ignore[method-assign]
    engine = Engine(model, "fake")
    run(engine, *[ask(engine, [9], user=str(number), tokens=100, adapter=-number) for number in (1, 2)])
    assert changes == [-1, -2], "the first answer ends within its turn"


def test_what_one_adapter_has_read_is_no_beginning_for_another() -> None:
    model = FakeModel(slots=3)
    engine = Engine(model, "fake")
    cached = []
    for adapter in (0, -1, -2, -1, 0):
        sequence = ask(engine, [7] * 40, tokens=3, adapter=adapter)
        run(engine, sequence)
        cached.append(sequence.cached)
    assert cached == [0, 0, 0, 39, 39]


def test_a_busy_slot_with_another_adapter_is_not_copied() -> None:
    engine = Engine(FakeModel(slots=3), "fake")
    ask(engine, [7] * 40, tokens=50, adapter=-1)
    engine.step()
    other = ask(engine, [7] * 40, user="b", tokens=3)
    same = ask(engine, [7] * 40, user="c", tokens=3, adapter=-1)
    run(engine, other, same)
    assert (other.cached, same.cached) == (0, 39)


def test_offloaded_conversations_come_back_only_for_their_own_adapter() -> None:
    model = FakeModel(slots=1)
    model.offload_bytes = 10_000
    engine = Engine(model, "fake")
    for adapter in (0, -1, -2):
        run(engine, ask(engine, [7] * 80, tokens=5, adapter=adapter))
    assert engine.metrics().offloaded == 2
    cached = []
    for adapter in (-1, 0, -3):
        sequence = ask(engine, [7] * 90, tokens=2, adapter=adapter)
        run(engine, sequence)
        cached.append(sequence.cached)
        assert model.memory[0][:90] == [7] * 90
    assert cached == [80, 80, 0]
