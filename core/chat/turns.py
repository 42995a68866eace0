"""Chat turns: from a question to a stored answer. A thread per turn generates (turn_runner.py); pages only watch."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from core.bounds import within
from core.chat.context.assembly import Assembly
from core.chat.context.background import BackgroundSummaries
from core.chat.conversations import own_to_change, path
from core.chat.elsewhere.turns_elsewhere import TurnsElsewhere
from core.chat.memory.proposals import MemoryProposals
from core.chat.questions import check_question, check_request_id
from core.chat.records import Author, Conversation, Message, MessageStatus, Turn
from core.chat.running_turn import LiveTurn, RunningTurn
from core.chat.titles import title_of
from core.chat.turn_runner import TurnOptions, TurnRunner
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound, Unavailable
from core.inference.gateway import Gateway
from core.inference.records import FinishReason, Source
from core.knowledge.files import attachable
from core.knowledge.records import StoredFile
from core.operations.disk import ENDLESS, DiskSpace
from core.operations.log_context import log_context
from core.people.permissions import Permission, require
from core.people.records import User
from core.tasks.jobs import Jobs
from core.tasks.leadership import ALONE, Leadership
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)

STOPPING = "The portal is stopping. Try again in a minute."
LEASE = timedelta(seconds=20)
KEEP_EVERY_S = 5.0
LOOK_EVERY_S = 2.0
"""From one look at who was disabled to the next."""
STOP_LOOK_EVERY_S = 0.5
"""From one look at what was asked to stop on another replica to the next."""
MOST_LANES = 4
"""Answers side by side to one question."""


def is_cut_off(answer: Message) -> bool:
    """Tell whether an answer ended before the model was done: at the length limit, by a person, or by a failure."""
    if answer.status in (MessageStatus.STOPPED, MessageStatus.INTERRUPTED, MessageStatus.FAILED):
        return True
    return answer.generation is not None and answer.generation.finish_reason is FinishReason.LENGTH


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
    ) -> None:
        """max_file_bytes: of all files of a question together. disk: with too little left, no turn begins. jobs: has the model write
        titles. leadership: who marks the turns of processes that died. shared: whether other processes use this database.
        assembly, summaries and memories: see TurnRunner.
        """
        self._leadership = leadership
        self._elsewhere = TurnsElsewhere(unit_of_work, clock) if shared else None
        self._draining = threading.Event()
        self._disk = disk
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._max_chars = max_question_chars
        self._max_file_bytes = max_file_bytes
        self._running: dict[str, RunningTurn] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()
        self._ended: list[Callable[[Turn, MessageStatus], None]] = []
        self._closing = threading.Event()
        self._gateway = gateway
        self._runner = TurnRunner(unit_of_work, gateway, self._closing, jobs, assembly, summaries, memories)
        self._keeper = threading.Thread(target=self._keep_leases, name="turn-leases", daemon=True)
        self._keeper.start()

    def when_ended(self, act: Callable[[Turn, MessageStatus], None]) -> None:
        """Have this called, on the turn's own thread, after each turn of this process has ended and no longer runs."""
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
        """Store the question and begin its answer. The same `request_id` again gives the same turn.

        files: ids of own files that were uploaded for it. replaces: id of an own question of which this is a new version; it keeps
        that one's files. Raises InvalidInput, NotFound, and Conflict while another answer is running in the conversation.
        """
        check_request_id(request_id)
        if not (files or replaces):
            check_question(text, self._max_chars)

        def begin(work: UnitOfWork) -> Sequence[Turn]:
            return self._ask(work, user, conversation_id, text, [options], request_id, files, replaces)

        return self._once(user, request_id, begin, [options], source)

    def start_lanes(
        self,
        user: User,
        conversation_id: str,
        text: str,
        options: Sequence[TurnOptions],
        request_id: str,
        *,
        files: Sequence[str] = (),
        source: Source = Source.CHAT,
    ) -> Sequence[Turn]:
        """As `start`, with an answer for each of the options at the same time. They are versions of one another; the first is shown."""
        check_request_id(request_id)
        within("models", len(options), 2, MOST_LANES)
        if not files:
            check_question(text, self._max_chars)

        def begin(work: UnitOfWork) -> Sequence[Turn]:
            return self._ask(work, user, conversation_id, text, options, request_id, files, None)

        first = self._once(user, request_id, begin, options, source)
        with self._unit_of_work() as work:
            others = [work.turns.by_request(user.id, _of_lane(request_id, lane)) for lane in range(1, MOST_LANES)]
        return [first, *(each for each in others if each is not None)]

    def _ask(
        self,
        work: UnitOfWork,
        user: User,
        conversation_id: str,
        text: str,
        options: Sequence[TurnOptions],
        request_id: str,
        files: Sequence[str],
        replaces: str | None,
    ) -> Sequence[Turn]:
        conversation = own_to_change(work, user, conversation_id)
        parent_id, wanted = conversation.head_id, list(files)
        if replaces is not None:
            before = self._message(work, conversation, replaces, Author.USER)
            parent_id, wanted = before.parent_id, [*(file.id for file in before.files), *files]
        attached = attachable(work, user, conversation.id, wanted, self._max_file_bytes)
        words = self._gateway.privacy.check(user, check_question(text, self._max_chars, files=bool(attached))).text
        for each in options:
            self._check_reads_files(user, attached, each)
        if any(self._asks_guide(user, each) for each in options):
            earlier = path(work.messages.of_conversation(conversation.id), parent_id)
            before_files = [file for message in earlier for file in message.files]
            for each in options:
                self._check_reads_files(user, before_files, each)
        question = Message(
            id=uuid4().hex,
            conversation_id=conversation.id,
            parent_id=parent_id,
            author=Author.USER,
            text=words,
            status=MessageStatus.DONE,
            created_at=self._clock(),
            files=attached,
        )
        return self._begin(work, user, conversation, question, request_id, new_question=True, lanes=len(options))

    def regenerate(self, user: User, answer_id: str, options: TurnOptions, request_id: str, *, source: Source = Source.CHAT) -> Turn:
        """Answer the question of `answer_id` again; the old answer stays as a version."""
        require(user, Permission.CHAT)
        check_request_id(request_id)

        def begin(work: UnitOfWork) -> Sequence[Turn]:
            found = work.messages.get(answer_id)
            if found is None:
                raise NotFound("This answer does not exist. It may have been deleted.")
            conversation = own_to_change(work, user, found.conversation_id)
            answer = self._message(work, conversation, answer_id, Author.ASSISTANT)
            question = self._message(work, conversation, answer.parent_id or "", Author.USER)
            self._check_reads_files(user, question.files, options)
            return self._begin(work, user, conversation, question, request_id, new_question=False)

        return self._once(user, request_id, begin, [options], source)

    def go_on(self, user: User, answer_id: str, options: TurnOptions, request_id: str, *, source: Source = Source.CHAT) -> Turn:
        """Continue an answer that was cut off, as a new version that begins with its text. Raises InvalidInput if it is whole or empty."""
        require(user, Permission.CHAT)
        check_request_id(request_id)
        with self._unit_of_work() as work:
            cut = work.messages.get(answer_id)
        begun = cut.text.rstrip() if cut else ""

        def begin(work: UnitOfWork) -> Sequence[Turn]:
            found = work.messages.get(answer_id)
            if found is None:
                raise NotFound("This answer does not exist. It may have been deleted.")
            conversation = own_to_change(work, user, found.conversation_id)
            answer = self._message(work, conversation, answer_id, Author.ASSISTANT)
            if not (begun and is_cut_off(answer)):
                raise InvalidInput("Only an answer that was cut off can be continued. Regenerate it instead.")
            question = self._message(work, conversation, answer.parent_id or "", Author.USER)
            self._check_reads_files(user, question.files, options)
            return self._begin(work, user, conversation, question, request_id, new_question=False)

        return self._once(user, request_id, begin, [options], source, begun)

    def _once(
        self,
        user: User,
        request_id: str,
        begin: Callable[[UnitOfWork], Sequence[Turn]],
        options: Sequence[TurnOptions],
        source: Source,
        begun: str = "",
    ) -> Turn:
        """The first turn of this request: the one begun before, or a new one. Two at the same moment still begin only one."""
        with self._unit_of_work() as work:
            if earlier := work.turns.by_request(user.id, request_id):
                return earlier
        self._gateway.limits.check(user)
        try:
            with self._unit_of_work() as work:
                turns = begin(work)
        except Conflict:
            with self._unit_of_work() as work:
                if earlier := work.turns.by_request(user.id, request_id):
                    return earlier
            raise
        for turn, each in zip(turns, options, strict=True):
            self._launch(user, turn, each, source, begun)
        return turns[0]

    def _check_reads_files(self, user: User, files: Sequence[StoredFile], options: TurnOptions) -> None:
        """Raise InvalidInput where the chosen model is the guide, which would only talk nonsense about a file."""
        if files and self._asks_guide(user, options):
            raise InvalidInput(
                "The built-in guide cannot read files: it only knows this portal. Choose another model, or ask an admin to load one."
            )

    def _asks_guide(self, user: User, options: TurnOptions) -> bool:
        chosen = self._gateway.chat_model(user, options.model)
        return chosen is not None and chosen.guide

    @staticmethod
    def _message(work: UnitOfWork, conversation: Conversation, message_id: str, author: Author) -> Message:
        found = work.messages.get(message_id)
        if found is None or found.conversation_id != conversation.id or found.author is not author:
            raise NotFound("This message is not in this conversation.")
        return found

    def _begin(
        self,
        work: UnitOfWork,
        user: User,
        conversation: Conversation,
        question: Message,
        request_id: str,
        *,
        new_question: bool,
        lanes: int = 1,
    ) -> Sequence[Turn]:
        if self._closing.is_set() or self._draining.is_set():
            raise Unavailable(STOPPING)
        self._disk.check()
        if work.turns.streaming_in(conversation.id):
            raise Conflict("An answer is still running in this conversation. Wait for it or stop it.")
        now = self._clock()
        if new_question:
            work.messages.add(question)
            work.files.attach(question.id, conversation.id, [file.id for file in question.files])
        turns = [_lane(user, conversation, question, request_id, now, lane) for lane in range(lanes)]
        for turn in turns:
            answer = Message(
                id=turn.answer_id,
                conversation_id=conversation.id,
                parent_id=question.id,
                author=Author.ASSISTANT,
                text="",
                status=MessageStatus.STREAMING,
                created_at=now,
            )
            work.messages.add(answer)
            work.turns.add(turn)
        title = conversation.title or title_of(question.text or question.files[0].name)
        work.conversations.save(replace(conversation, title=title, head_id=turns[0].answer_id, updated_at=now, archived_at=None))
        work.commit()
        return turns

    def _launch(self, user: User, turn: Turn, options: TurnOptions, source: Source, begun: str) -> None:
        running = RunningTurn(turn, begun=begun)
        work = (self._run, user, running, options, source)
        thread = threading.Thread(target=copy_context().run, args=work, name=f"turn-{turn.id[:8]}", daemon=True)
        with self._lock:
            self._running[turn.id] = running
            self._threads[turn.id] = thread
        thread.start()

    # Watching and stopping

    def running(self, user: User, conversation_id: str) -> LiveTurn | None:
        """Return the turn now being answered in an own conversation, on whichever replica."""
        here = self._here(user, conversation_id)
        if here or self._elsewhere is None:
            return here[0] if here else None
        turn = next((each for each in self._elsewhere.of(user) if each.conversation_id == conversation_id), None)
        if turn is None:
            return None
        # It may have begun here meanwhile.
        return self._found_here(user, turn.id) or self._elsewhere.follow(turn)

    def running_conversations(self, user: User) -> set[str]:
        if self._elsewhere is not None:
            return {each.conversation_id for each in self._elsewhere.of(user)}
        with self._lock:
            return {each.turn.conversation_id for each in self._running.values() if each.turn.user_id == user.id}

    def find(self, user: User, turn_id: str) -> LiveTurn | None:
        """Return an own turn while it is being answered, on whichever replica."""
        here = self._found_here(user, turn_id)
        if here is not None or self._elsewhere is None:
            return here
        turn = self._elsewhere.streaming(user, turn_id)
        return None if turn is None else self._found_here(user, turn_id) or self._elsewhere.follow(turn)

    def stop(self, user: User, conversation_id: str) -> bool:
        """Stop the running answers of an own conversation; their text is kept. False if none was running."""
        here = self._here(user, conversation_id)
        for each in here:
            each.stop()
        if here or self._elsewhere is None:
            return bool(here)
        asked = [self._elsewhere.stop(each) for each in self._elsewhere.of(user) if each.conversation_id == conversation_id]
        return any(asked)

    def drain(self) -> None:
        """Begin no more answers; those that run go on."""
        self._draining.set()

    def _here(self, user: User, conversation_id: str) -> list[RunningTurn]:
        with self._lock:
            mine = [each for each in self._running.values() if each.turn.user_id == user.id]
        return [each for each in mine if each.turn.conversation_id == conversation_id]

    def _found_here(self, user: User, turn_id: str) -> RunningTurn | None:
        with self._lock:
            found = self._running.get(turn_id)
        return found if found and found.turn.user_id == user.id else None

    def count(self) -> int:
        with self._lock:
            return len(self._running)

    def _run(self, user: User, running: RunningTurn, options: TurnOptions, source: Source) -> None:
        try:
            with log_context(user_id=user.id, turn_id=running.turn.id):
                self._runner.run(user, running, options, source)
        finally:
            with self._lock:
                self._running.pop(running.turn.id, None)
                self._threads.pop(running.turn.id, None)
        if not self._closing.is_set():
            for act in self._ended:
                act(running.turn, running.snapshot().status)

    # Leases: a crash leaves streaming rows behind, and whoever comes next marks them

    def recover(self, *, everything: bool) -> int:
        """Mark turns past their lease as interrupted, keeping their text; returns how many.

        everything: no other process uses this store, so every streaming turn that does not run here is a leftover.
        """
        before = self._clock() + (LEASE * 100 if everything else timedelta())
        with self._unit_of_work() as work:
            left = work.turns.streaming_past(before)
        with self._lock:
            left = [turn for turn in left if turn.id not in self._running]
        interrupted = 0
        for turn in left:
            with self._unit_of_work() as work:
                if not work.turns.interrupt(turn.id, before):
                    continue  # Its process wrote the end, or extended the lease, since it was listed.
                message = work.messages.get(turn.answer_id)
                if message is not None and message.status is MessageStatus.STREAMING:
                    work.messages.finish(turn.answer_id, MessageStatus.INTERRUPTED, message.text, message.reasoning)
                work.commit()
                interrupted += 1
        return interrupted

    def _keep_leases(self) -> None:
        kept = looked = time.monotonic()
        down = False
        while not self._closing.wait(LOOK_EVERY_S if self._elsewhere is None else STOP_LOOK_EVERY_S):
            try:
                self._stop_asked()
                if time.monotonic() - looked >= LOOK_EVERY_S or self._elsewhere is None:
                    looked = time.monotonic()
                    self._stop_disabled()
                if time.monotonic() - kept >= KEEP_EVERY_S:
                    kept = time.monotonic()
                    self._extend_leases()
                    if self._leadership.holds():
                        self.recover(everything=False)
                down = False
            except Exception:
                # The store may be away for a while; leases must go on as soon as it is back.
                if not down:
                    log.exception("turn leases could not be kept")
                down = True

    def _extend_leases(self) -> None:
        with self._lock:
            ids = list(self._running)
        if ids:
            with self._unit_of_work() as work:
                for turn_id in ids:
                    work.turns.extend_lease(turn_id, self._clock() + LEASE)
                work.commit()

    def _stop_asked(self) -> None:
        """Stop the answers that somebody asked on another replica to stop."""
        with self._lock:
            running = dict(self._running)
        if not running or self._elsewhere is None:
            return
        with self._unit_of_work() as work:
            asked = work.turns.asked_to_stop(list(running))
        for turn_id in asked:
            running[turn_id].stop()

    def _stop_disabled(self) -> None:
        """Stop the answers of people whose accounts were disabled, here or on another server; their text is kept."""
        with self._lock:
            running = list(self._running.values())
        if not running:
            return
        with self._unit_of_work() as work:
            gone = work.users.disabled({each.turn.user_id for each in running})
        for each in running:
            if each.turn.user_id in gone:
                each.stop()

    def close(self, timeout: float = 5.0) -> None:
        """Stop every running turn as interrupted, with its text, and wait until each is written."""
        self._closing.set()
        if self._elsewhere is not None:
            self._elsewhere.close()
        with self._lock:
            running, threads = list(self._running.values()), list(self._threads.values())
        for each in running:
            each.stop(MessageStatus.INTERRUPTED)
        deadline = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._keeper.join(max(0.1, deadline - time.monotonic()))


def _of_lane(request_id: str, lane: int) -> str:
    """Return the request id of a lane; the first has that of the request."""
    return f"{request_id} {lane}" if lane else request_id


def _lane(user: User, conversation: Conversation, question: Message, request_id: str, now: datetime, lane: int) -> Turn:
    return Turn(
        id=uuid4().hex,
        user_id=user.id,
        request_id=_of_lane(request_id, lane),
        conversation_id=conversation.id,
        question_id=question.id,
        answer_id=uuid4().hex,
        status=MessageStatus.STREAMING,
        created_at=now,
        lease_until=now + LEASE,
        lane=lane,
    )
