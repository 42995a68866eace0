"""Allow or refuse a step that waits for the person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core.chat.conversations import own_message, own_to_change
from core.chat.running_turn import RunningTurn
from core.chat.tools.records import Decision, ToolStep
from core.clock import Clock
from core.errors import Conflict
from core.people.audit_events import record
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory

ENDED = "This step does not wait any more: it was decided before, or its answer has ended."


class StepDecisions:
    """Stores what people decide about the steps of their own answers."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, find: Callable[[User, str], RunningTurn | None]) -> None:
        """find: returns the person's turn with this id if it runs in this process."""
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._find = find

    def decide(self, user: User, answer_id: str, step_id: str, decision: Decision) -> None:
        """Decide about a step, wherever its answer runs. Raises NotFound, and Conflict if the step does not wait any more."""
        with self._unit_of_work() as work:
            answer = own_message(work, user, answer_id)
            conversation = own_to_change(work, user, answer.conversation_id)
            turn = work.turns.answering(conversation.id, answer_id)
            running = self._find(user, turn.id) if turn is not None else None
            step = waiting_step(running.snapshot().steps if running is not None else answer.steps, step_id)
            if turn is None or not work.turns.decide(turn.id, step_id, decision):
                raise Conflict(ENDED)
            if decision is Decision.ALLOW_IN_CHAT:
                allowed = tuple(sorted({*conversation.tools_allowed, step.name}))
                work.conversations.save(replace(conversation, tools_allowed=allowed))
            action, scope = audited(decision)
            record(work, self._clock(), user.id, action, step.name, conversation=conversation.id, **scope)
            work.commit()
        if running is not None:
            running.decide(step_id, decision)


def waiting_step(steps: tuple[ToolStep, ...], step_id: str) -> ToolStep:
    """Return the step with this id. Raises Conflict unless it waits."""
    found = next((each for each in steps if each.id == step_id and each.waits), None)
    if found is None:
        raise Conflict(ENDED)
    return found


def audited(decision: Decision) -> tuple[str, dict[str, str]]:
    """Return the action and the details of a decision for the audit log."""
    if decision is Decision.REFUSE:
        return "tool.refuse", {}
    return "tool.allow", {"scope": "chat" if decision is Decision.ALLOW_IN_CHAT else "step"}
