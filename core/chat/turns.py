"""Start, watch and stop chat turns: from a question to a stored answer.

Each turn has a thread that answers it (turn_runner.py); pages only watch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from core.bounds import within
from core.chat.context.assembly import Assembly
from core.chat.context.summaries.background import BackgroundSummaries
from core.chat.elsewhere.turns_elsewhere import TurnsElsewhere
from core.chat.lifecycle.leases import TurnLeases
from core.chat.lifecycle.new_turns import NewTurns, StartedTurn, lane_request_id
from core.chat.lifecycle.running_here import RunningHere
from core.chat.memory.proposals import MemoryProposals
from core.chat.questions import check_question, check_request_id
from core.chat.records import MessageStatus, NewQuestion, Turn
from core.chat.records import TurnOptions as TurnOptions
from core.chat.running_turn import LiveTurn, RunningTurn
from core.chat.tools.chat_tools import ChatTools
from core.chat.tools.decisions import StepDecisions
from core.chat.tools.records import Decision
from core.chat.turn_runner import TurnRunner
from core.clock import Clock
from core.errors import Conflict, Unavailable
from core.inference.gateway import Gateway
from core.inference.records import Source
from core.operations.disk import ENDLESS, DiskSpace
from core.operations.log_context import log_context
from core.people.permissions import Permission, require
from core.people.records import User
from core.tasks.jobs import Jobs
from core.tasks.leadership import ALONE, Leadership
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

STOPPING = "The portal is stopping. Try again in a minute."
MAX_LANES = 4
"""Most answers side by side to one question."""


class Turns:
    """Starts, finds, stops and recovers turns."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        gateway: Gateway,
        clock: Clock,
        max_question_chars: int,
        max_file_bytes: int,
        disk: DiskSpace = ENDLESS,
        jobs: Jobs | None = None,
        leadership: Leadership = ALONE,
        *,
        shared: bool = False,
        assembly: Assembly | None = None,
        summaries: BackgroundSummaries | None = None,
        memories: MemoryProposals | None = None,
        tools: ChatTools | None = None,
    ) -> None:
        """max_file_bytes: the total size of a question's files. disk: refuses turns when the disk is nearly full. jobs: has the model write
        titles. leadership: decides which process recovers the turns of dead processes. shared: whether other processes use this
        database. assembly, summaries, memories and tools: see TurnRunner.
        """
        self._unit_of_work = unit_of_work
        self._gateway = gateway
        self._max_chars = max_question_chars
        self._new = NewTurns(gateway, clock, disk, max_chars=max_question_chars, max_file_bytes=max_file_bytes)
        self._here = RunningHere()
        self._decisions = StepDecisions(unit_of_work, clock, self._here.find)
        self._elsewhere = TurnsElsewhere(unit_of_work, clock) if shared else None
        self._ended: list[Callable[[Turn, MessageStatus], None]] = []
        self._draining = threading.Event()
        self._closing = threading.Event()
        self._runner = TurnRunner(unit_of_work, gateway, self._closing, jobs, assembly, summaries, memories, tools)
        self._leases = TurnLeases(unit_of_work, clock, self._here, leadership, self._closing, shared=shared)
        self._leases.start()

    def when_ended(self, act: Callable[[Turn, MessageStatus], None]) -> None:
        """Call `act` after each turn of this process has ended, on the turn's own thread."""
        self._ended.append(act)

    # Starting

    def start(
        self,
        user: User,
        conversation_id: str,
        text: str,
        options: TurnOptions,
        request_id: str,
        *,
        files: Sequence[str] = (),
        replaces: str | None = None,
        source: Source = Source.CHAT,
    ) -> Turn:
        """Store the question and begin its answer. Repeating a `request_id` returns the same turn.

        files: ids of the person's files that were uploaded for this question. replaces: id of the question of which this is a new version;
        the new version keeps its files. Raises InvalidInput, NotFound, and Conflict while another answer is running in the conversation.
        """
        check_request_id(request_id)
        if not (files or replaces):
            check_question(text, self._max_chars)
        new = NewQuestion(
            conversation_id=conversation_id, text=text, options=[options], request_id=request_id, files=files, replaces=replaces
        )
        return self._once(user, request_id, lambda work: self._new.ask(work, user, new), [options], source)

    def start_lanes(self, user: User, new: NewQuestion, *, source: Source = Source.CHAT) -> Sequence[Turn]:
        """Start one answer for each of the options at the same time. The answers are versions of one another; the first is shown."""
        check_request_id(new.request_id)
        within("models", len(new.options), 2, MAX_LANES)
        if not new.files:
            check_question(new.text, self._max_chars)
        first = self._once(user, new.request_id, lambda work: self._new.ask(work, user, new), new.options, source)
        with self._unit_of_work() as work:
            others = [work.turns.by_request(user.id, lane_request_id(new.request_id, lane)) for lane in range(1, MAX_LANES)]
        return [first, *(each for each in others if each is not None)]

    def regenerate(self, user: User, answer_id: str, options: TurnOptions, request_id: str, *, source: Source = Source.CHAT) -> Turn:
        """Answer the question of `answer_id` again. The old answer stays as a version."""
        require(user, Permission.CHAT)
        check_request_id(request_id)
        return self._once(
            user, request_id, lambda work: self._new.answer_again(work, user, answer_id, options, request_id), [options], source
        )

    def go_on(self, user: User, answer_id: str, options: TurnOptions, request_id: str, *, source: Source = Source.CHAT) -> Turn:
        """Continue a cut-off answer in a new version that begins with its text. Raises InvalidInput if it is complete or empty."""
        require(user, Permission.CHAT)
        check_request_id(request_id)
        return self._once(
            user, request_id, lambda work: self._new.continue_answer(work, user, answer_id, options, request_id), [options], source
        )

    def _once(
        self, user: User, request_id: str, begin: Callable[[UnitOfWork], StartedTurn], options: Sequence[TurnOptions], source: Source
    ) -> Turn:
        """Return the first turn of this request, new or already begun. Two simultaneous calls begin only one turn."""
        with self._unit_of_work() as work:
            if earlier := work.turns.by_request(user.id, request_id):
                return earlier
        self._gateway.limits.check(user)
        if self._closing.is_set() or self._draining.is_set():
            raise Unavailable(STOPPING)
        try:
            with self._unit_of_work() as work:
                begun = begin(work)
        except Conflict:
            with self._unit_of_work() as work:
                if earlier := work.turns.by_request(user.id, request_id):
                    return earlier
            raise
        chosen = begun.chosen or [None] * len(begun.turns)
        for turn, each, model in zip(begun.turns, options, chosen, strict=True):
            self._launch(user, RunningTurn(turn, begun=begun.text, steps=begun.steps, chosen=model), each, source)
        return begun.turns[0]

    def _launch(self, user: User, running: RunningTurn, options: TurnOptions, source: Source) -> None:
        def run() -> None:
            with log_context(user_id=user.id, turn_id=running.turn.id):
                self._runner.run(user, running, options, source)

        def ended() -> None:
            if not self._closing.is_set():
                for act in self._ended:
                    act(running.turn, running.snapshot().status)

        self._here.start(running, run, ended)

    # Watching and stopping

    def running(self, user: User, conversation_id: str) -> LiveTurn | None:
        """Return the running turn of the person's own conversation, on any replica."""
        here = self._here.in_conversation(user, conversation_id)
        if here or self._elsewhere is None:
            return here[0] if here else None
        turn = next((each for each in self._elsewhere.of(user) if each.conversation_id == conversation_id), None)
        if turn is None:
            return None
        # The turn may have begun in this process in the meantime.
        return self._here.find(user, turn.id) or self._elsewhere.follow(turn)

    def running_conversations(self, user: User) -> set[str]:
        if self._elsewhere is not None:
            return {each.conversation_id for each in self._elsewhere.of(user)}
        return {each.turn.conversation_id for each in self._here.of(user)}

    def find(self, user: User, turn_id: str) -> LiveTurn | None:
        """Return one of the person's own turns while it runs, on any replica."""
        here = self._here.find(user, turn_id)
        if here is not None or self._elsewhere is None:
            return here
        turn = self._elsewhere.streaming(user, turn_id)
        return None if turn is None else self._here.find(user, turn_id) or self._elsewhere.follow(turn)

    def stop(self, user: User, conversation_id: str) -> bool:
        """Stop the running answers of the person's own conversation and keep their text. Returns False if none was running."""
        here = self._here.in_conversation(user, conversation_id)
        for each in here:
            each.stop()
        if here or self._elsewhere is None:
            return bool(here)
        asked = [self._elsewhere.stop(each) for each in self._elsewhere.of(user) if each.conversation_id == conversation_id]
        return any(asked)

    def decide(self, user: User, answer_id: str, step_id: str, decision: Decision) -> None:
        """Allow or refuse a step of the person's own answer that waits, on any replica; see `StepDecisions.decide`."""
        self._decisions.decide(user, answer_id, step_id, decision)

    def count(self) -> int:
        """Return how many answers run in this process."""
        return self._here.count()

    def people_waiting(self) -> int:
        """Count the people whose questions wait in this process for a model."""
        waiting = (each.turn.user_id for each in self._here.all().values() if each.snapshot().position is not None)
        return len(set(waiting))

    # Start and end of the process

    def recover(self, *, everything: bool) -> int:
        """Mark the turns of dead processes as interrupted; see `TurnLeases.recover`."""
        return self._leases.recover(everything=everything)

    def drain(self) -> None:
        """Begin no more answers, but let running ones finish."""
        self._draining.set()

    def close(self, timeout: float = 5.0) -> None:
        """Interrupt every running turn, keep its text, and wait until each is stored. timeout: longest wait in seconds."""
        self._closing.set()
        if self._elsewhere is not None:
            self._elsewhere.close()
        deadline = time.monotonic() + timeout
        self._here.interrupt(deadline)
        self._leases.join(max(0.1, deadline - time.monotonic()))
