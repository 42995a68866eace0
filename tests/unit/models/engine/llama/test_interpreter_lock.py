from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest

from models.engine.llama.interpreter_lock import LONGEST_S, SHORTEST_S, USUAL_S, LockReleased


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def test_the_lock_changes_hands_soon_only_while_it_is_lent() -> None:
    lock_released = LockReleased()
    with lock_released:
        assert sys.getswitchinterval() == pytest.approx(SHORTEST_S)
        time.sleep(0.02)
    assert sys.getswitchinterval() == pytest.approx(USUAL_S)
    with lock_released:
        assert SHORTEST_S < sys.getswitchinterval() < LONGEST_S, "the longer the engine is away, the longer it may wait"
        time.sleep(0.15)
    with lock_released:
        assert sys.getswitchinterval() == pytest.approx(LONGEST_S)


def test_what_fails_meanwhile_leaves_the_usual_interval() -> None:
    with pytest.raises(ValueError), LockReleased():
        raise ValueError
    assert sys.getswitchinterval() == pytest.approx(USUAL_S)
