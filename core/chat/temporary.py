"""Hold chats that are never stored. They stay in memory until the person leaves them; only their generation rows are kept."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from uuid import uuid4

from core.chat.context.assembly import Assembly
from core.chat.context.reading import Asking
from core.chat.context.summaries.summaries import Stopped, SummaryWriter
from core.chat.context.summaries.summary_store import PassingSummaries
from core.chat.conversations import Shown
from core.chat.questions import check_question
from core.chat.records import Author, Message, MessageStatus, Turn
from core.chat.running_turn import RunningTurn
from core.chat.tools.chat_tools import ChatTools
from core.chat.tools.decisions import audited, waiting_step
from core.chat.tools.prompt import Prompt, prompt_of
from core.chat.tools.records import Decision
from core.chat.turn_runner import UNEXPECTED, TurnOptions
from core.clock import Clock
from core.errors import Conflict, NotAllowed, NotFound, PortalError, PromptTooLong, StoredError, Unavailable
from core.inference.gateway import Gateway
from core.inference.records import FinishReason, Source
from core.inference.requests import Delta, Finished, Queued, ToolCall
from core.inference.running.answer import Answer
from core.operations.log_context import error_code
from core.people.active_account import ActiveAccount
from core.people.audit_events import record_alone
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

IDLE_S = 30 * 60.0
"""Seconds without a question or a view after which a chat is removed."""
MAX_EACH = 5
"""Most temporary chats of one person at once. A further chat replaces the oldest one."""
GONE = "This temporary chat is gone. Start a new one."


@dataclass(slots=True)
class _Chat:
    id: str
    user_id: str
    messages: list[Message] = field(default_factory=list)
    running: RunningTurn | None = None
    timer: threading.Timer | None = None
    allowed: set[str] = field(default_factory=set)
    """The tools that may change something without asking each time."""


class TemporaryChats:
    """Runs temporary chats. The rights and limits of every question apply; files cannot be attached."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, gateway: Gateway, clock: Clock, max_question_chars: int, *, on: bool = True,
        tools: ChatTools | None = None,
    ) -> None:  # fmt: skip
        """on: whether people may have temporary chats. tools: what the model may call."""
        self._tools = tools
        self._unit_of_work = unit_of_work
        self._gateway = gateway
        self._summaries = PassingSummaries()
        self._assembly = Assembly(unit_of_work, gateway, SummaryWriter(unit_of_work, clock, self._summaries))
        self._clock = clock
        self._max_chars = max_question_chars
        self._on = on
        self._chats: dict[str, _Chat] = {}
        self._lock = threading.RLock()
        self._closed = False

    def offered(self, user: User) -> bool:
        """Tell whether this person may begin a temporary chat: not if an admin switched them off, and not under a legal hold."""
        require(user, Permission.CHAT)
        if not self._on:
            return False
        with self._unit_of_work() as work:
            return not work.retention.is_held(user.id)

    def ask(self, user: User, chat_id: str | None, text: str, options: TurnOptions, request_id: str) -> str:
        """Ask in a temporary chat, or in a new one; returns the chat's id. Repeating a `request_id` asks nothing new.

        Raises InvalidInput, NotAllowed, NotFound if the person left the chat, and Conflict while an answer is running in it.
        """
        if not self.offered(user):
            raise NotAllowed("Temporary chats are not available to you. Ask an admin.")
        words = check_question(text, self._max_chars)
        with self._lock:
            if self._closed:
                raise Unavailable("The portal is stopping. Try again in a minute.")
            repeated = next((each for each in self._of(user) if each.running and each.running.turn.request_id == request_id), None)
            if repeated is not None:
                return repeated.id
            chat = self._begin(user) if chat_id is None else self._own(user, chat_id)
            if chat.running is not None and chat.running.snapshot().running:
                raise Conflict("An answer is still running in this conversation. Wait for it or stop it.")
            now, before = self._clock(), chat.messages[-1].id if chat.messages else None
            question = Message(
                id=uuid4().hex, conversation_id=chat.id, parent_id=before, author=Author.USER, text=words, status=MessageStatus.DONE,
                created_at=now,
            )  # fmt: skip
            answer = Message(
                id=uuid4().hex, conversation_id=chat.id, parent_id=question.id, author=Author.ASSISTANT, text="",
                status=MessageStatus.STREAMING, created_at=now,
            )  # fmt: skip
            turn = Turn(
                id=uuid4().hex, user_id=user.id, request_id=request_id, conversation_id=chat.id, question_id=question.id,
                answer_id=answer.id, status=MessageStatus.STREAMING, created_at=now, lease_until=now,
            )  # fmt: skip
            chat.messages += [question, answer]
            chat.running = running = RunningTurn(turn)
            branch = tuple(chat.messages[:-1])
        work = (self._run, user, chat, running, branch, options)
        threading.Thread(target=copy_context().run, args=work, name=f"temporary-{turn.id[:8]}", daemon=True).start()
        return chat.id

    def transcript(self, user: User, chat_id: str) -> Sequence[Shown]:
        """Return the messages, first to last. Raises NotFound once the person has left the chat."""
        with self._lock:
            return [Shown(message, 1, (message.id,)) for message in self._own(user, chat_id).messages]

    def running(self, user: User, chat_id: str) -> RunningTurn | None:
        """Return the running answer, or None. Raises NotFound once the person has left the chat."""
        with self._lock:
            running = self._own(user, chat_id).running
        return running if running is not None and running.snapshot().running else None

    def find(self, user: User, turn_id: str) -> RunningTurn | None:
        """Return the person's running answer with this turn id, or None."""
        with self._lock:
            running = (each.running for each in self._of(user))
            return next((each for each in running if each is not None and each.turn.id == turn_id and each.snapshot().running), None)

    def stop(self, user: User, chat_id: str) -> bool:
        """Stop the running answer; its text is kept. Returns False if none was running."""
        running = self.running(user, chat_id)
        if running is not None:
            running.stop()
        return running is not None

    def decide(self, user: User, chat_id: str, step_id: str, decision: Decision) -> None:
        """Allow or refuse a step that waits. Raises NotFound, and Conflict if it does not wait any more."""
        running = self.running(user, chat_id)
        step = waiting_step(running.snapshot().steps if running is not None else (), step_id)
        action, scope = audited(decision)
        record_alone(self._unit_of_work, self._clock(), user.id, action, step.name, conversation="", **scope)
        with self._lock:
            chat = self._own(user, chat_id)
            if decision is Decision.ALLOW_IN_CHAT:
                chat.allowed.add(step.name)
        if running is not None:
            running.decide(step_id, decision)

    def leave(self, user: User, chat_id: str) -> None:
        """Remove a chat and stop its answer. Has no effect if the chat is gone."""
        with self._lock:
            found = self._chats.get(chat_id)
            if found is not None and found.user_id == user.id:
                self._forget(found)

    def count(self) -> int:
        """Count the answers that are being written."""
        with self._lock:
            return sum(each.running is not None and each.running.snapshot().running for each in self._chats.values())

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for each in list(self._chats.values()):
                self._forget(each)

    def _of(self, user: User) -> list[_Chat]:
        return [each for each in self._chats.values() if each.user_id == user.id]

    def _own(self, user: User, chat_id: str) -> _Chat:
        require(user, Permission.CHAT)
        found = self._chats.get(chat_id)
        if found is None or found.user_id != user.id:
            raise NotFound(GONE)
        self._keep(found)
        return found

    def _begin(self, user: User) -> _Chat:
        for oldest in self._of(user)[: 1 - MAX_EACH or None]:
            self._forget(oldest)
        chat = _Chat(id=uuid4().hex, user_id=user.id)
        self._chats[chat.id] = chat
        self._summaries.begin(chat.id)
        self._keep(chat)
        return chat

    def _keep(self, chat: _Chat) -> None:
        """Restart the timer after which the chat is removed."""
        if chat.timer is not None:
            chat.timer.cancel()
        chat.timer = timer = threading.Timer(IDLE_S, lambda: self._idle(chat, timer))
        timer.daemon = True
        timer.start()

    def _idle(self, chat: _Chat, timer: threading.Timer) -> None:
        with self._lock:
            if chat.timer is timer:  # Otherwise the chat was used while this waited for the lock.
                self._forget(chat)

    def _forget(self, chat: _Chat) -> None:
        if chat.timer is not None:
            chat.timer.cancel()
        self._chats.pop(chat.id, None)
        self._summaries.forget(chat.id)
        if chat.running is not None:
            chat.running.stop()
        chat.messages.clear()

    def _run(self, user: User, chat: _Chat, running: RunningTurn, branch: tuple[Message, ...], options: TurnOptions) -> None:
        answer: Answer | None = None
        error, reason = None, FinishReason.CANCELLED
        account = ActiveAccount(self._unit_of_work, user.id)
        try:
            prompt = self._assembled(user, chat, running, branch, options)
            while prompt is not None and (asked := self._ask(user, running, options, prompt)) is not None:
                if answer is not None:
                    self._gateway.record(answer.row(source=Source.TOOL))
                answer = asked
                end, calls = _follow(running, answer, account)
                if prompt.loop is None or not calls or end.finish_reason is not FinishReason.STOP:
                    reason = end.finish_reason
                    break
                running.next_call()
                prompt.loop.run(calls, prompt.assembled.head)
        except PortalError as problem:
            error = StoredError.of(problem)
        except Exception:
            log.exception("the turn %s of a temporary chat failed", running.turn.id)
            error = StoredError(UNEXPECTED, {"code": error_code(running.turn.id)})
            if answer is not None:
                answer.cancel()
                answer.failed(error)
        now = running.snapshot()
        row = None if answer is None else answer.row(thinking_s=now.thinking_s)
        if row is not None:
            self._gateway.record(row)
        status = MessageStatus.FAILED if error else running.status_after(reason)
        with self._lock:
            if chat.messages:
                ended = replace(
                    chat.messages[-1], text=now.text, reasoning=now.reasoning, status=status, error=error, generation=row,
                    context=running.context, steps=now.steps,
                )  # fmt: skip
                chat.messages[-1] = ended
        running.finish(status, answer.finished if answer else None, error)

    def _assembled(
        self, user: User, chat: _Chat, running: RunningTurn, branch: tuple[Message, ...], options: TurnOptions
    ) -> Prompt | None:  # fmt: skip
        asking = Asking(
            user=user, branch=branch, model=options.model, params=options.params, thinking=options.thinking,
            instructed=options.instructions, conversation_id=running.turn.conversation_id,
        )  # fmt: skip
        try:
            return prompt_of(self._assembly, self._gateway, self._tools, asking, running, options.tools_off, allowed=chat.allowed)
        except Stopped:
            return None

    def _ask(self, user: User, running: RunningTurn, options: TurnOptions, prompt: Prompt) -> Answer | None:
        while not running.stop_requested:
            running.context = prompt.assembled.context
            try:
                answer = self._gateway.answer(user, prompt.request(running, options), Source.CHAT)
            except PromptTooLong as problem:
                prompt.shorten(problem)
                continue
            running.attach(answer)
            return answer
        return None


def _follow(running: RunningTurn, answer: Answer, account: ActiveAccount) -> tuple[Finished, list[ToolCall]]:
    calls: list[ToolCall] = []
    for event in answer.events():
        if account.was_disabled():
            running.stop()
        match event:
            case Queued():
                running.queued(event)
            case Delta():
                running.delta(event)
                calls += event.tool_calls
            case Finished():
                return event, calls
    raise AssertionError("the gateway ends every answer with Finished or an error")
