"""Run one turn on its thread: ask the model, follow its events, store the result."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from dataclasses import dataclass, replace

from core.access.limits import LimitReached
from core.characters import one_line
from core.chat.context.assembly import Assembly
from core.chat.context.reading import Asking, texts_of
from core.chat.context.summaries.background import BackgroundSummaries
from core.chat.context.summaries.summaries import Stopped
from core.chat.conversations import branch_to
from core.chat.lanes import own_thread
from core.chat.memory.proposals import MemoryProposals
from core.chat.records import MessageStatus
from core.chat.records import TurnOptions as TurnOptions
from core.chat.running_turn import RunningTurn
from core.chat.titling.titles import better_title, title_of
from core.chat.titling.written_titles import ask_for_title
from core.chat.tools.chat_tools import ChatTools
from core.chat.tools.prompt import Prompt, prompt_of
from core.errors import BeingReplaced, InvalidInput, PortalError, PromptTooLong, StoredError, Unavailable
from core.inference.gateway import Gateway
from core.inference.records import FinishReason, Source
from core.inference.requests import Delta, Finished, Queued, ToolCall
from core.inference.running.answer import Answer
from core.notices.giving import answer_ready
from core.operations.log_context import add_to_log_context, error_code
from core.people.records import User
from core.tasks.jobs import Jobs
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

CHECKPOINT_EVERY_S = 1.0
TITLES_COMPARED = 100
"""How many of the person's newest conversations a new title should differ from."""
SAVE_AGAIN_S, MAX_SAVE_AGAIN_S = 0.5, 5.0
"""Storing the result is retried after 0.5, 1, 2, 4, 5, 5 ... s while the database cannot write."""
MAX_REPLACEMENT_S, REPLACEMENT_POLL_S = 900.0, 0.2
"""How long a question waits while its model is replaced, and the interval between its tries, in seconds."""
UNSAVED_AFTER = 3
"""Number of tries after which watchers see that the answer is complete but not saved yet."""
LIMIT_LOOK_S, LIMIT_PATIENCE_S = 1.0, 120.0
"""Seconds between checks, and longest wait, of a chat that is over a limit and waits."""
UNEXPECTED = (
    "The answer stopped because of an error in the portal. The text so far is kept. "
    "Try again. If it happens again, give an admin the code {code}: the log has the reason under it."
)
GUIDE_READS_NO_DOCUMENTS = (
    "The built-in guide cannot read documents: it only knows this portal. Read the passages below yourself, or choose another model."
)
UNSAVED = "The answer could not be saved. Copy it now; the log has the details."


@dataclass(frozen=True, slots=True)
class _End:
    """How a turn ended. answer: None if no model started."""

    reason: FinishReason
    answer: Answer | None = None
    error: StoredError | None = None


class TurnRunner:
    """Runs turns on their own threads. `closing` is set when the portal stops; long retries then end."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        gateway: Gateway,
        closing: threading.Event,
        jobs: Jobs | None,
        assembly: Assembly | None = None,
        summaries: BackgroundSummaries | None = None,
        memories: MemoryProposals | None = None,
        tools: ChatTools | None = None,
    ) -> None:
        """jobs: has the model write titles; None takes titles from the question alone. assembly: None uses one without summaries.

        summaries: writes summaries in advance. memories: has the model propose memories. tools: what the model may call.
        """
        self._tools = tools
        self._memories = memories
        self._summaries = summaries
        self._jobs = jobs
        self._unit_of_work = unit_of_work
        self._gateway = gateway
        self._closing = closing
        self._assembly = assembly or Assembly(unit_of_work, gateway)

    def run(self, user: User, running: RunningTurn, options: TurnOptions, source: Source) -> None:
        """Run a turn to its end. `running` is then finished and the turn stored, even after an error."""
        end = self._answer(user, running, options, source)
        status = MessageStatus.FAILED if end.error else running.status_after(end.reason)
        unsaved = self._save(running, end, status)
        if not unsaved and (text := running.snapshot().text):
            self._name(user, running, text, options.model)
            if self._summaries is not None and running.chosen is not None and end.answer is not None and end.answer.finished is not None:
                usage = end.answer.finished.usage
                self._summaries.after_answer(user, running.turn.conversation_id, options.model, running.chosen, usage)
            if self._memories is not None and status is MessageStatus.DONE:
                self._memories.after_answer(user, running.turn.conversation_id, running.turn.answer_id, options.model)
        log.info("turn %s ended: %s", running.turn.id, status.value)
        running.finish(MessageStatus.FAILED if unsaved else status, end.answer.finished if end.answer else None, unsaved or end.error)

    def _answer(self, user: User, running: RunningTurn, options: TurnOptions, source: Source) -> _End:
        """Ask the model, and ask it again with the results as long as it calls tools."""
        answer: Answer | None = None
        try:
            prompt = self._assembled(user, running, options)
            while prompt is not None and (asked := self._ask(user, running, options, source, prompt)) is not None:
                if answer is not None:
                    self._gateway.record(answer.row(conversation_id=running.turn.conversation_id, source=Source.TOOL))
                answer = asked
                end, calls = self._follow(running, answer)
                if prompt.loop is None or not calls or end.finish_reason is not FinishReason.STOP:
                    return _End(end.finish_reason, answer)
                running.next_call()
                prompt.loop.run(calls, prompt.assembled.head)
            return _End(FinishReason.CANCELLED, answer)
        except PortalError as problem:
            log.warning("turn %s failed: %s", running.turn.id, problem)
            return _End(FinishReason.ERROR, answer, StoredError.of(problem))
        except Exception:
            log.exception("turn %s failed", running.turn.id)
            error = StoredError(UNEXPECTED, {"code": error_code(running.turn.id)})
            if answer is not None:
                answer.cancel()
                answer.failed(error)
            return _End(FinishReason.ERROR, answer, error)

    def _assembled(self, user: User, running: RunningTurn, options: TurnOptions) -> Prompt | None:
        """Return as much of the conversation as fits; None if the turn was stopped meanwhile."""
        turn = running.turn
        if running.chosen is None:
            running.chosen = self._gateway.chat_model(user, options.model)
        with self._unit_of_work() as work:
            messages = work.messages.of_conversation(turn.conversation_id)
            branch = branch_to(messages, turn.question_id)
            if options.own_thread:
                branch = own_thread(work, messages, branch, turn.lane)
            queries = self._tools is not None and self._tools.queries_tables(running.chosen)
            read = texts_of(work, branch, queries=queries)
            conversation = work.conversations.get(turn.conversation_id)
        running.question = next((each for each in messages if each.id == turn.question_id), None)
        instructed = options.instructions and (conversation is None or conversation.uses_instructions)
        remembered = conversation is not None and conversation.uses_memory
        asking = Asking(
            user=user, branch=branch, read=read, model=options.model, chosen=running.chosen, params=options.params,
            thinking=options.thinking,
            instructed=instructed, remembered=remembered, conversation_id=turn.conversation_id, begun=running.begun,
            begun_steps=running.snapshot().steps, collections=options.collections,
        )  # fmt: skip
        off = (*options.tools_off, *(conversation.tools_off if conversation is not None else ()))
        # A repeated question asks for a new answer, not for the cached one.
        running.fresh = sum(each.parent_id == turn.question_id for each in messages) > 1
        try:
            prompt = prompt_of(
                self._assembly, self._gateway, self._tools, asking, running, off, keep=lambda: self._checkpoint(running)
            )  # fmt: skip
        except Stopped:
            return None
        if running.chosen is not None and running.chosen.guide and options.collections:
            running.context = prompt.assembled.context
            raise InvalidInput(GUIDE_READS_NO_DOCUMENTS)
        return prompt

    def _ask(self, user: User, running: RunningTurn, options: TurnOptions, source: Source, prompt: Prompt) -> Answer | None:
        """Start the model, leaving out the oldest turns if the prompt is too long for it. Returns None if the turn is stopped."""
        waits_for_model = time.monotonic() + MAX_REPLACEMENT_S
        patience = time.monotonic() + LIMIT_PATIENCE_S
        while not running.stop_requested:
            running.context = prompt.assembled.context
            request = prompt.request(running, options, conversation_id=running.turn.conversation_id, fresh=running.fresh)
            try:
                answer = self._gateway.answer(user, request, source)
            except BeingReplaced:
                if time.monotonic() > waits_for_model or self._closing.wait(REPLACEMENT_POLL_S):
                    raise
                continue
            except PromptTooLong as problem:
                prompt.shorten(problem)
                continue
            except LimitReached as problem:
                if not problem.waits or time.monotonic() > patience or self._closing.wait(LIMIT_LOOK_S):
                    raise
                continue
            add_to_log_context(model=answer.model)
            running.attach(answer)
            return answer
        return None

    def _follow(self, running: RunningTurn, answer: Answer) -> tuple[Finished, list[ToolCall]]:
        """Publish and store what the model writes. Returns the end, and the tools that it called."""
        calls: list[ToolCall] = []
        written = time.monotonic()
        for event in answer.events():
            match event:
                case Queued():
                    running.queued(event)
                case Delta():
                    running.delta(event)
                    calls += event.tool_calls
                    if time.monotonic() - written >= CHECKPOINT_EVERY_S:
                        self._checkpoint(running)
                        written = time.monotonic()
                case Finished():
                    return event, calls
        raise AssertionError("the gateway ends every answer with Finished or an error")

    def _checkpoint(self, running: RunningTurn) -> None:
        snapshot = running.snapshot()
        try:
            with self._unit_of_work() as work:
                work.messages.checkpoint(snapshot.answer_id, snapshot.text, snapshot.reasoning, snapshot.steps)
                work.commit()
        except Unavailable as problem:
            # The end of the turn stores the whole text. A missed checkpoint matters only in a crash, which then loses one more second.
            log.warning("checkpoint of turn %s failed: %s", running.turn.id, problem)

    def _name(self, user: User, running: RunningTurn, answer: str, model: str | None) -> None:
        """Give the conversation a better title after its first answer, unless the person has chosen one.

        A background job also has the model write a title.
        """
        question, turn = running.question, running.turn
        if question is None or question.parent_id is not None or not question.text:
            return
        title = title_of(question.text)
        try:
            with self._unit_of_work() as work:
                conversation = work.conversations.for_change(turn.conversation_id)
                if conversation is None or conversation.title != title:
                    return
                others = [each.title for each in work.conversations.of_user(user.id, TITLES_COMPARED) if each.id != conversation.id]
                if (better := one_line(better_title(title, question.text, answer, others))) not in ("", title):
                    conversation = replace(conversation, title=better)
                    work.conversations.save(conversation)
                if self._jobs is not None:
                    ask_for_title(work, self._jobs, user, conversation, model)
                work.commit()
            if self._jobs is not None:
                self._jobs.wake()
        except PortalError as problem:
            log.warning("the conversation of turn %s keeps its first title: %s", turn.id, problem)

    def _save(self, running: RunningTurn, end: _End, status: MessageStatus) -> StoredError | None:
        """Store the result of the turn in one transaction, retrying until the database can write; returns the error if it never could."""
        turn, snapshot = running.turn, running.snapshot()
        row = None
        if end.answer is not None:
            row = end.answer.row(conversation_id=turn.conversation_id, message_id=turn.answer_id, thinking_s=snapshot.thinking_s)
        for attempt in itertools.count(1):
            try:
                with self._unit_of_work() as work:
                    # Lock the conversation before its messages, in the same order as a move does.
                    work.conversations.set_unread(turn.conversation_id, True)
                    if row is not None:
                        work.generations.add(row)
                    work.turns.finish(turn.id, status)
                    work.messages.finish(
                        turn.answer_id, status, snapshot.text, snapshot.reasoning, end.error, running.context, snapshot.steps
                    )
                    if status is MessageStatus.DONE:
                        answer_ready(work, self._gateway.now(), turn.user_id, turn.conversation_id)
                    work.commit()
                return None
            except Unavailable as problem:
                log.error("turn %s could not be saved (try %d): %s", turn.id, attempt, problem)
                if attempt == UNSAVED_AFTER:
                    running.not_saved_yet(StoredError.of(problem))
                if self._closing.wait(min(SAVE_AGAIN_S * 2 ** (attempt - 1), MAX_SAVE_AGAIN_S)):
                    return StoredError(UNSAVED)
            except Exception:
                log.exception("turn %s could not be saved", turn.id)
                return StoredError(UNSAVED)
        return StoredError(UNSAVED)

