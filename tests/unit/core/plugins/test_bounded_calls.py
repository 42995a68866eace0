"""Calls with a time limit."""

from __future__ import annotations

import threading

import pytest

from core.plugins.bounded_calls import MAX_STUCK, BoundedCalls, TookTooLong


def test_a_call_returns_or_raises_what_its_function_does() -> None:
    calls = BoundedCalls()
    assert calls.call("one", 30, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        calls.call("one", 30, lambda: 1 // 0)


def test_a_plugin_whose_calls_are_stuck_is_not_called_until_one_returns() -> None:
    calls, gate, returned = BoundedCalls(), threading.Event(), threading.Semaphore(0)

    def stuck() -> None:
        gate.wait()
        returned.release()

    for _ in range(MAX_STUCK):
        with pytest.raises(TookTooLong, match="more than"):
            calls.call("one", 0.01, stuck)
    with pytest.raises(TookTooLong, match="have not returned"):
        calls.call("one", 30, lambda: 7)
    assert calls.call("two", 30, lambda: 7) == 7
    gate.set()
    for _ in range(MAX_STUCK):
        assert returned.acquire(timeout=60)
    for _ in range(3000):
        try:
            assert calls.call("one", 30, lambda: 7) == 7
            break
        except TookTooLong:
            threading.Event().wait(0.01)
    else:
        pytest.fail("the calls have returned, and still none is let in")
