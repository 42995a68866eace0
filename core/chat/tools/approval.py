"""Ask the person before a tool changes something, and wait for the decision."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from core.chat.running_turn import RunningTurn
from core.chat.tools.records import Approval, Decision, ToolStep
from core.errors import PortalError, StoredError
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

PATIENCE_S = 15 * 60.0
"""How long a step waits. Then it counts as refused."""
POLL_S = 1.0
"""Seconds between reads of what the person decided on another replica, or at another step."""
REFUSED = StoredError("This step was refused. Nothing was changed.")
TIMED_OUT = StoredError("Nobody allowed this step within {minutes} minutes, so it was refused.", {"minutes": int(PATIENCE_S / 60)})
STOPPED_WAITING = StoredError("The answer was stopped before this step was allowed. Nothing was changed.")


class Decisions(Protocol):
    """What the person decided in one chat."""

    def allowed(self, tool: str) -> bool:
        """Tell whether a tool need not ask in this chat."""
        ...

    def of(self, step_id: str) -> Decision | None: ...
    def settle(self, step_id: str) -> Decision:
        """Refuse a step unless it was decided before; return the decision that counts."""
        ...


class StoredDecisions:
    """The decisions of a stored chat, which may be made on any replica."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, conversation_id: str, turn_id: str) -> None:
        self._unit_of_work = unit_of_work
        self._conversation_id = conversation_id
        self._turn_id = turn_id

    def allowed(self, tool: str) -> bool:
        with self._unit_of_work() as work:
            conversation = work.conversations.get(self._conversation_id)
        return conversation is not None and tool in conversation.tools_allowed

    def of(self, step_id: str) -> Decision | None:
        with self._unit_of_work() as work:
            return work.turns.decision(self._turn_id, step_id)

    def settle(self, step_id: str) -> Decision:
        with self._unit_of_work() as work:
            work.turns.decide(self._turn_id, step_id, Decision.REFUSE)
            work.commit()
        return self.of(step_id) or Decision.REFUSE


class PassingDecisions:
    """The decisions of a temporary chat, which are made in this process and never stored."""

    def __init__(self, running: RunningTurn, allowed: set[str]) -> None:
        """allowed: the tools that need not ask in this chat; others add to it."""
        self._running = running
        self._allowed = allowed

    def allowed(self, tool: str) -> bool:
        return tool in self._allowed

    def of(self, step_id: str) -> Decision | None:
        return self._running.wait_decision(step_id, 0.0)

    def settle(self, step_id: str) -> Decision:
        self._running.decide(step_id, Decision.REFUSE)
        return self.of(step_id) or Decision.REFUSE


class Approver:
    """Asks about the steps of one answer."""

    def __init__(
        self, decisions: Decisions, running: RunningTurn, keep: Callable[[], None], on_timeout: Callable[[str], None]
    ) -> None:
        """keep: stores the steps so far. on_timeout: receives the name of a tool that nobody allowed in time."""
        self._decisions = decisions
        self._running = running
        self._keep = keep
        self._on_timeout = on_timeout

    def approved(self, step: ToolStep) -> ToolStep:
        """Return the step as the person decided. One that may not run has an error."""
        if self._allowed(step.name):
            return replace(step, approval=Approval.ALLOWED)
        self._running.put_step(replace(step, approval=Approval.WAITING))
        self._keep()
        decision, why = self._decided(step)
        if decision is Decision.REFUSE:
            return replace(step, approval=Approval.REFUSED, error=why)
        step = replace(step, approval=Approval.ALLOWED)
        self._running.put_step(step)
        self._keep()
        return step

    def _decided(self, step: ToolStep) -> tuple[Decision, StoredError]:
        """Wait for the decision. Returns it, with the reason of a refusal."""
        until = time.monotonic() + PATIENCE_S
        while not self._running.stop_requested:
            left = until - time.monotonic()
            if left <= 0:
                return self._timed_out(step)
            decision = self._running.wait_decision(step.id, min(POLL_S, left)) or self._elsewhere(step)
            if decision is not None and not self._running.stop_requested:
                return decision, REFUSED
        return Decision.REFUSE, STOPPED_WAITING

    def _elsewhere(self, step: ToolStep) -> Decision | None:
        """Return what was decided on another replica, or for all further calls at another step."""
        try:
            return self._decisions.of(step.id) or (Decision.ALLOW if self._decisions.allowed(step.name) else None)
        except PortalError as problem:
            log.warning("the decision about a step could not be read: %s", problem)
            return None

    def _timed_out(self, step: ToolStep) -> tuple[Decision, StoredError]:
        try:
            decision = self._decisions.settle(step.id)
        except PortalError as problem:
            log.warning("the refusal of a step could not be stored: %s", problem)
            decision = Decision.REFUSE
        if decision is Decision.REFUSE:
            self._on_timeout(step.name)
        return decision, TIMED_OUT

    def _allowed(self, tool: str) -> bool:
        try:
            return self._decisions.allowed(tool)
        except PortalError as problem:
            log.warning("whether the tool %s may run without asking could not be read: %s", tool, problem)
            return False
