"""Run the tools that the model calls for one answer, within bounds. Each call fails alone: its error goes to the model and is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from core.characters import cut, one_line, without_controls
from core.chat.context.window import Window
from core.chat.running_turn import RunningTurn
from core.chat.tools.approval import Approver, Decisions
from core.chat.tools.chat_tools import ChatTools, definition
from core.chat.tools.records import ToolStep
from core.chat.tools.writing import written
from core.errors import PortalError, StoredError
from core.inference.requests import ChatMessage, Tool, ToolCall, ToolChoice
from core.people.records import User
from core.plugins.bounded_calls import NotWanted
from core.plugins.offered_tool import OfferedTool, ToolFailed

MAX_ROUNDS = 5
"""How often the model may call tools before it has to answer."""
MAX_CALLS = 4
"""Most calls that are carried out in one round."""
MAX_NOTED = 16
"""Most calls of one round that are noted at all."""
MAX_RESULT_LENGTH = 16_000
"""Characters of a result that the model reads."""
MAX_MASKED = 200
"""Characters beyond a result's bound that are searched for personal data, so that none is cut in half."""
RESULT_SHARE = 0.25
"""Share of the prompt limit that one result may take."""
MIN_ROOM = 128
"""Tokens that must be left in the prompt for a result."""
MAX_NAME_LENGTH = 80
STOPPED = StoredError("The answer was stopped before the tool returned.")
NO_ROOM = StoredError("There is no room left in the model's context for a result.")
TOO_MANY = StoredError("Only {most} tools are called at once. Call this one again.", {"most": MAX_CALLS})
PERSONAL = StoredError("The result contains personal data, which your group may not send to a model.")
EMPTY = "(The result is empty.)"


class ToolLoop:
    """The calls of one answer."""

    def __init__(
        self, chat_tools: ChatTools, tools: Sequence[OfferedTool], user: User, running: RunningTurn, window: Window | None,
        conversation_id: str, keep: Callable[[], None], decisions: Decisions,
    ) -> None:  # fmt: skip
        """window: measures what fits into the context. conversation_id: empty in a temporary chat. keep: stores the steps so far.

        decisions: what the person allowed in this chat.
        """
        self._chat_tools = chat_tools
        self._tools = {each.name: each for each in tools}
        self._user = user
        self._running = running
        self._window = window
        self._conversation_id = conversation_id
        self._keep = keep
        self._approver = Approver(
            decisions, running, keep, lambda tool: chat_tools.note_timeout(user, tool, conversation_id)
        )  # fmt: skip
        self._round = max((each.round for each in running.snapshot().steps), default=0)
        self._most_rounds = self._round + MAX_ROUNDS
        self._full = False

    @property
    def definitions(self) -> tuple[Tool, ...]:
        return tuple(map(definition, self._tools.values()))

    @property
    def choice(self) -> ToolChoice:
        """Return NONE once the model has to answer."""
        return ToolChoice.NONE if self._full or self._round >= self._most_rounds else ToolChoice.AUTO

    @property
    def rounds(self) -> int:
        """Return how many rounds of calls there have been."""
        return self._round

    def messages(self, head: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
        """Return the prompt of the next call of the model. head: everything before the answer."""
        now = self._running.snapshot()
        return (*head, *(written(now.text, now.reasoning, now.steps) if now.steps else ()))

    def run(self, calls: Sequence[ToolCall], head: Sequence[ChatMessage]) -> None:
        """Carry out what the model called. head: everything before the answer. A stop ends the wait for a tool."""
        self._round += 1
        for index, call in enumerate(calls[:MAX_NOTED]):
            if self._running.stop_requested:
                return
            step = self._begun(call)
            if index >= MAX_CALLS:
                step = replace(step, error=TOO_MANY, seconds=0.0)
            else:
                self._running.put_step(step)
                self._keep()
                step = self._carried_out(step, head)
            self._running.put_step(step)
        self._keep()

    def _begun(self, call: ToolCall) -> ToolStep:
        now = self._running.snapshot()
        known = self._tools.get(call.name)
        name = cut(one_line(call.name), MAX_NAME_LENGTH)
        taken = {each.id for each in now.steps}
        return ToolStep(
            id=call.id if call.id and call.id not in taken else f"call_{len(taken) + 1}",
            name=name, title=known.tool.title if known else name,
            arguments=call.arguments, round=self._round, text_at=len(now.text), reasoning_at=len(now.reasoning),
            started_at=self._chat_tools.now(),
        )  # fmt: skip

    def _carried_out(self, step: ToolStep, head: Sequence[ChatMessage]) -> ToolStep:
        """Return the step with its result or error. The wait for the person does not count as its time."""
        room, tool = self._room(head), self._tools.get(step.name)
        if room < MIN_ROOM:
            self._full = True
            return replace(step, error=NO_ROOM, seconds=0.0)
        if tool is None:
            return replace(step, error=StoredError("There is no tool {name}.", {"name": step.name}), seconds=0.0)
        if tool.tool.changes:
            try:
                tool.read(step.arguments)
            except ToolFailed as failure:
                return replace(step, error=self._checked_error(failure.error), seconds=0.0)
            step = self._approver.approved(step)
            if step.error is not None:
                return replace(step, seconds=0.0)
        began = time.monotonic()
        step = self._called(tool, step, room)
        return replace(step, seconds=round(time.monotonic() - began, 3))

    def _called(self, tool: OfferedTool, step: ToolStep, room: int) -> ToolStep:
        context = self._chat_tools.context(self._user, self._conversation_id, lambda: self._running.stop_requested)
        try:
            made = tool.call(step.arguments, context)
        except ToolFailed as failure:
            return replace(step, error=self._checked_error(failure.error))
        except NotWanted:
            return replace(step, error=STOPPED)
        finally:
            if tool.tool.changes:
                self._chat_tools.record_call(self._user, tool, self._conversation_id)
        whole = without_controls(made).replace("\r\n", "\n").replace("\r", "\n").strip()
        # Masked before it is cut to what fits: half a number is not recognized any more.
        result = cut(whole, MAX_RESULT_LENGTH + MAX_MASKED)
        try:
            result, was_cut = self._fitted(self._chat_tools.checked(self._user)(result), room)
        except PortalError:
            return replace(step, error=PERSONAL)
        return replace(step, result=result or EMPTY, cut=was_cut or len(whole) > MAX_RESULT_LENGTH + MAX_MASKED)

    def _checked_error(self, error: StoredError) -> StoredError:
        """Return the error as the policy of the group lets the model and the person read it."""
        try:
            checked = self._chat_tools.checked(self._user)(str(error))
        except PortalError:
            return PERSONAL
        return error if checked == str(error) else StoredError.of_text(checked)

    def _room(self, head: Sequence[ChatMessage]) -> int:
        """Return how many tokens the next result may take."""
        if self._window is None:
            return MAX_RESULT_LENGTH
        left = self._window.limit - self._window.count([*self.messages(head)])
        return min(left, int(self._window.limit * RESULT_SHARE))

    def _fitted(self, result: str, room: int) -> tuple[str, bool]:
        """Return as much of a result as there is room for, and whether it was cut."""
        fitted = cut(result, MAX_RESULT_LENGTH)
        for _ in range(4):
            if self._window is None or len(fitted.encode("utf-8", "replace")) <= room or (n := self._window.count_text(fitted)) <= room:
                break
            fitted = cut(fitted, max(1, int(len(fitted) * room / n * 0.95)))
        return fitted, len(fitted) < len(result)
