from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.chat.records import MessageStatus, Turn
from core.chat.running_turn import RunningTurn
from core.chat.tools.records import Approval, Decision, ToolStep
from core.inference.requests import Delta, Queued

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TURN = Turn("t", "ana", "r", "c", "q", "a", MessageStatus.STREAMING, NOW, NOW)

class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_expected_wait_runs_down_until_nobody_knows_any_more() -> None:
    clock = Clock()
    running = RunningTurn(TURN, clock)
    clock.now += 5
    running.queued(Queued(2, 4.0))
    seen = []
    for _ in range(3):
        seen.append(running.snapshot().wait_s)
        clock.now += 2.5
    assert seen == [4.0, 1.5, None]
    assert running.snapshot().position == 2
    running.queued(Queued(1, 3.0))
    assert (running.snapshot().position, running.snapshot().wait_s) == (1, 3.0)


def test_who_has_a_slot_is_no_longer_in_line() -> None:
    running = RunningTurn(TURN, Clock())
    running.queued(Queued(1, 4.0))
    running.queued(Queued(0, None))
    assert (running.snapshot().position, running.snapshot().wait_s) == (None, None)


@pytest.mark.parametrize("wait_s", [None, 4.0])
def test_who_is_being_answered_waits_no_more(wait_s: float | None) -> None:
    running = RunningTurn(TURN, Clock())
    running.queued(Queued(1, wait_s))
    assert running.snapshot().wait_s == wait_s
    running.delta(Delta("Hello", tokens=1))
    assert (running.snapshot().position, running.snapshot().wait_s) == (None, None)


@pytest.mark.parametrize(
    ("decision", "approval"),
    [(Decision.ALLOW, Approval.ALLOWED), (Decision.ALLOW_IN_CHAT, Approval.ALLOWED), (Decision.REFUSE, Approval.REFUSED)],
)
def test_a_step_waits_no_more_once_its_decision_is_passed_on(decision: Decision, approval: Approval) -> None:
    running = RunningTurn(TURN, Clock())
    first, second = (
        ToolStep(
            id=id, name="book", title="Book", arguments="{}", round=1, text_at=0, reasoning_at=0, started_at=NOW, approval=Approval.WAITING
        )
        for id in ("1", "2")
    )
    running.put_step(first)
    running.put_step(second)
    running.decide("1", decision)
    assert [step.approval for step in running.snapshot().steps] == [approval, Approval.WAITING]
    running.decide("1", Decision.ALLOW if decision is Decision.REFUSE else Decision.REFUSE)
    assert running.snapshot().steps[0].approval is approval, "the first decision counts"
