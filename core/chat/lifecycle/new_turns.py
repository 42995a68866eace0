"""Store a question and the turns that answer it, in the transaction of the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from core.chat.conversations import branch_to, own_message, own_to_change
from core.chat.lifecycle.leases import LEASE
from core.chat.questions import check_question
from core.chat.records import Author, Conversation, Message, MessageStatus, NewQuestion, Turn, TurnOptions
from core.chat.titling.titles import title_of
from core.chat.tools.records import ToolStep
from core.clock import Clock
from core.documents.access import seen
from core.documents.records import MAX_CHOSEN
from core.errors import Conflict, InvalidInput, NotFound
from core.inference.gateway import Gateway
from core.inference.records import FinishReason, ServedModel
from core.knowledge.files import attachable
from core.knowledge.records import StoredFile
from core.operations.disk import DiskSpace
from core.people.records import User
from core.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class StartedTurn:
    """Stored turns that have not started yet. text, steps: what the answer begins with."""

    turns: Sequence[Turn]
    text: str = ""
    steps: Sequence[ToolStep] = ()
    chosen: Sequence[ServedModel | None] = ()
    """The model that each turn would ask, if it was looked up."""


def is_cut_off(answer: Message) -> bool:
    """Tell whether an answer was cut off: by the length limit, by a person, or by a failure."""
    if answer.status in (MessageStatus.STOPPED, MessageStatus.INTERRUPTED, MessageStatus.FAILED):
        return True
    return answer.generation is not None and answer.generation.finish_reason is FinishReason.LENGTH


def lane_request_id(request_id: str, lane: int) -> str:
    """Return the request id of a lane. The first lane has the id of the request itself."""
    return f"{request_id} {lane}" if lane else request_id


def check_collections(work: UnitOfWork, user: User, options: Sequence[TurnOptions]) -> None:
    """Raise NotFound if a question names a collection that the person may not read, and InvalidInput if it names too many."""
    ids = {id for each in options for id in each.collections}
    if len(ids) > MAX_CHOSEN:
        raise InvalidInput("Choose 1 to {most} collections.", most=MAX_CHOSEN)
    for id in ids:
        seen(work, user, id)


class NewTurns:
    """Stores new turns. Each method commits.

    Methods raise NotFound, InvalidInput, DiskFull, and Conflict while another answer runs in the conversation.
    """

    def __init__(self, gateway: Gateway, clock: Clock, disk: DiskSpace, *, max_chars: int, max_file_bytes: int) -> None:
        self._gateway = gateway
        self._clock = clock
        self._disk = disk
        self._max_chars = max_chars
        self._max_file_bytes = max_file_bytes

    def ask(self, work: UnitOfWork, user: User, new: NewQuestion) -> StartedTurn:
        """Store a question, and one turn for each of its options."""
        # Before the conversation is locked, since on SQLite no one else can write while it is.
        chosen = [self._gateway.chat_model(user, each.model) for each in new.options]
        check_collections(work, user, new.options)
        conversation = own_to_change(work, user, new.conversation_id)
        parent_id, file_ids = conversation.head_id, list(new.files)
        if new.replaces is not None:
            before = _message(work, conversation, new.replaces, Author.USER)
            parent_id, file_ids = before.parent_id, [*(file.id for file in before.files), *new.files]
        attached = attachable(work, user, conversation.id, file_ids, self._max_file_bytes)
        text = self._gateway.privacy.check_in(work, user, check_question(new.text, self._max_chars, files=bool(attached))).text
        if any(each is not None and each.guide for each in chosen) and (attached or work.files.any_in(conversation.id)):
            earlier = branch_to(work.messages.of_conversation(conversation.id), parent_id)
            _check_no_files([*attached, *(file for message in earlier for file in message.files)])
        question = Message(
            id=uuid4().hex,
            conversation_id=conversation.id,
            parent_id=parent_id,
            author=Author.USER,
            text=text,
            status=MessageStatus.DONE,
            created_at=self._clock(),
            files=attached,
        )
        turns = self._store(work, user, conversation, question, new.request_id, new_question=True, lanes=len(new.options))
        return StartedTurn(turns=turns, chosen=chosen)

    def answer_again(self, work: UnitOfWork, user: User, answer_id: str, options: TurnOptions, request_id: str) -> StartedTurn:
        """Store another turn for the question of an answer."""
        conversation, answer = self._answer(work, user, answer_id)
        return StartedTurn(turns=self._answer_question_of(work, user, conversation, answer, options, request_id))

    def continue_answer(self, work: UnitOfWork, user: User, answer_id: str, options: TurnOptions, request_id: str) -> StartedTurn:
        """Store another turn whose answer begins with the text of one that was cut off."""
        conversation, answer = self._answer(work, user, answer_id)
        text, steps = answer.text.rstrip(), [each for each in answer.steps if each.seconds is not None]
        if not (text and is_cut_off(answer)):
            raise InvalidInput("Only an answer that was cut off can be continued. Regenerate it instead.")
        turns = self._answer_question_of(work, user, conversation, answer, options, request_id)
        return StartedTurn(turns=turns, text=text, steps=steps)

    def _answer(self, work: UnitOfWork, user: User, answer_id: str) -> tuple[Conversation, Message]:
        conversation = own_to_change(work, user, own_message(work, user, answer_id).conversation_id)
        return conversation, _message(work, conversation, answer_id, Author.ASSISTANT)

    def _answer_question_of(
        self, work: UnitOfWork, user: User, conversation: Conversation, answer: Message, options: TurnOptions, request_id: str
    ) -> Sequence[Turn]:
        check_collections(work, user, [options])
        question = _message(work, conversation, answer.parent_id or "", Author.USER)
        if question.files and self._asks_guide(user, options):
            _check_no_files(question.files)
        return self._store(work, user, conversation, question, request_id, new_question=False)

    def _asks_guide(self, user: User, options: TurnOptions) -> bool:
        chosen = self._gateway.chat_model(user, options.model)
        return chosen is not None and chosen.guide

    def _store(
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
        self._disk.check()
        if work.turns.streaming_in(conversation.id):
            raise Conflict("An answer is still running in this conversation. Wait for it or stop it.")
        now = self._clock()
        if new_question:
            work.messages.add(question)
            work.files.attach(question.id, conversation.id, [file.id for file in question.files])
        turns = [_turn(user, conversation, question, request_id, now, lane) for lane in range(lanes)]
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


def _check_no_files(files: Sequence[StoredFile]) -> None:
    """Raise InvalidInput if there are files, for the built-in guide, which cannot read them."""
    if any(each.tables for each in files):
        raise InvalidInput(
            "The built-in guide cannot answer from tables. Click the size of the table to query it yourself, or choose another model."
        )
    if files:
        raise InvalidInput(
            "The built-in guide cannot read files: it only knows this portal. Choose another model, or ask an admin to load one."
        )


def _message(work: UnitOfWork, conversation: Conversation, message_id: str, author: Author) -> Message:
    found = work.messages.get(message_id)
    if found is None or found.conversation_id != conversation.id or found.author is not author:
        raise NotFound("This message is not in this conversation.")
    return found


def _turn(user: User, conversation: Conversation, question: Message, request_id: str, now: datetime, lane: int) -> Turn:
    return Turn(
        id=uuid4().hex,
        user_id=user.id,
        request_id=lane_request_id(request_id, lane),
        conversation_id=conversation.id,
        question_id=question.id,
        answer_id=uuid4().hex,
        status=MessageStatus.STREAMING,
        created_at=now,
        lease_until=now + LEASE,
        lane=lane,
    )
