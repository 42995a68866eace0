"""The thread of one turn: ask the model, follow its events, write the end."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from core.access.limits import LimitReached
from core.characters import one_line
from core.chat.conversations import path
from core.chat.records import Author, Message, MessageStatus, Turn
from core.chat.records import TurnOptions as TurnOptions
from core.chat.running_turn import RunningTurn
from core.chat.titles import better_title, title_of
from core.chat.written_titles import ask_for_title
from core.errors import BeingReplaced, InvalidInput, PortalError, PromptTooLong, StoredError, Unavailable
from core.inference.gateway import Answer, Gateway
from core.inference.records import FinishReason, Source
from core.inference.requests import ChatMessage, ChatRole, Delta, Finished, GenerationRequest, ImageInput, Queued
from core.inference.vision import MOST_IMAGES
from core.knowledge.attachment import text_of, with_files
from core.knowledge.records import StoredFile
from core.operations.log_context import add_to_log_context
from core.people.records import User
from core.tasks.jobs import Jobs
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)
_IMAGES = (b"\x89PNG", b"\xff\xd8\xff")
"""How stored images begin."""

CHECKPOINT_EVERY_S = 1.0
TITLES_COMPARED = 100
"""A new title differs from those of so many of the person's newest conversations, where that can be."""
SAVE_AGAIN_S, MOST_SAVE_AGAIN_S = 0.5, 5.0
"""The end of a turn is written again after 0.5, 1, 2, 4, 5, 5 ... s while the store cannot write."""
LONGEST_REPLACEMENT_S, LOOK_AGAIN_S = 900.0, 0.2
"""A question waits so long while its model is replaced, and tries again so often."""
UNSAVED_AFTER = 3
"""Tries after which whoever watches is told that the answer is complete and not saved yet."""
LIMIT_LOOK_S, LIMIT_PATIENCE_S = 1.0, 120.0
"""A chat over a limit that waits looks once a second, for two minutes."""
UNEXPECTED = "The answer stopped because of an error in the portal. The text so far is kept. Try again; the log has the details."
UNSAVED = "The answer could not be saved. Copy it now; the log has the details."


@dataclass(frozen=True, slots=True)
class _End:
    """How a turn ended. answer: None if no model began."""

    reason: FinishReason
    answer: Answer | None = None
    error: StoredError | None = None


class TurnRunner:
    """Runs turns on their own threads. `closing` is set when the portal stops: then nothing is tried for long."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, gateway: Gateway, closing: threading.Event, jobs: Jobs | None) -> None:
        """jobs: has the model write titles; None: they are made from the question alone."""
        self._jobs = jobs
        self._unit_of_work = unit_of_work
        self._gateway = gateway
        self._closing = closing

    def run(self, user: User, running: RunningTurn, options: TurnOptions, source: Source) -> None:
        """Answer to the end, whatever happens; then `running` is finished and its row written."""
        end = self._answer(user, running, options, source)
        status = MessageStatus.FAILED if end.error else running.status_after(end.reason)
        unsaved = self._save(running, end, status)
        if not unsaved and (text := running.snapshot().text):
            self._name(user, running.turn, text, options.model)
        log.info("turn %s ended: %s", running.turn.id, status.value)
        running.finish(MessageStatus.FAILED if unsaved else status, end.answer.finished if end.answer else None, unsaved or end.error)

    def _answer(self, user: User, running: RunningTurn, options: TurnOptions, source: Source) -> _End:
        answer: Answer | None = None
        try:
            answer = self._start(user, running, options, source)
            if answer is None:
                return _End(FinishReason.CANCELLED)
            return _End(self._follow(running, answer).finish_reason, answer)
        except PortalError as problem:
            log.warning("turn %s failed: %s", running.turn.id, problem)
            return _End(FinishReason.ERROR, answer, StoredError.of(problem))
        except Exception:
            log.exception("turn %s failed", running.turn.id)
            error = StoredError(UNEXPECTED)
            if answer is not None:
                answer.cancel()
                answer.failed(error)
            return _End(FinishReason.ERROR, answer, error)

    def _start(self, user: User, running: RunningTurn, options: TurnOptions, source: Source) -> Answer | None:
        """Start the model on as much of the conversation as it can read: the oldest turns give way first."""
        turn = running.turn
        with self._unit_of_work() as work:
            way = path(work.messages.of_conversation(turn.conversation_id), turn.question_id)
            read = {file.id: _read(work, file) for message in way for file in message.files}
        prompt = with_newest_images(prompt_of(way, read), MOST_IMAGES)
        if running.begun:
            prompt.append(ChatMessage(ChatRole.ASSISTANT, running.begun))
        waits_for_model = time.monotonic() + LONGEST_REPLACEMENT_S
        patience = time.monotonic() + LIMIT_PATIENCE_S
        while not running.stop_requested:
            request = GenerationRequest(
                messages=tuple(prompt),
                user_id=user.id,
                model=options.model,
                params=options.params,
                thinking=options.thinking,
                conversation_id=turn.conversation_id,
                id=turn.id,
                continued=bool(running.begun),
            )
            try:
                answer = self._gateway.answer(user, request, source)
            except BeingReplaced:
                if time.monotonic() > waits_for_model or self._closing.wait(LOOK_AGAIN_S):
                    raise
                continue
            except PromptTooLong as problem:
                if len(prompt) < (4 if running.begun else 3):
                    raise
                prompt = shorter(prompt, problem.limit / problem.tokens)
                continue
            except LimitReached as problem:
                if not problem.waits or time.monotonic() > patience or self._closing.wait(LIMIT_LOOK_S):
                    raise
                continue
            add_to_log_context(model=answer.model)
            running.attach(answer)
            return answer
        return None

    def _follow(self, running: RunningTurn, answer: Answer) -> Finished:
        written = time.monotonic()
        for event in answer.events():
            match event:
                case Queued():
                    running.queued(event)
                case Delta():
                    running.delta(event)
                    if time.monotonic() - written >= CHECKPOINT_EVERY_S:
                        self._checkpoint(running)
                        written = time.monotonic()
                case Finished():
                    return event
        raise AssertionError("the gateway ends every answer with Finished or an error")

    def _checkpoint(self, running: RunningTurn) -> None:
        snapshot = running.snapshot()
        try:
            with self._unit_of_work() as work:
                work.messages.checkpoint(snapshot.answer_id, snapshot.text, snapshot.reasoning)
                work.commit()
        except Unavailable as problem:
            # The end of the turn writes everything again; a missed checkpoint costs nothing but a crash's last second.
            log.warning("checkpoint of turn %s failed: %s", running.turn.id, problem)

    def _name(self, user: User, turn: Turn, answer: str, model: str | None) -> None:
        """Once the first question is answered, give the conversation a better title if there is one, unless somebody chose its title.

        The model is asked for one in the background.
        """
        try:
            with self._unit_of_work() as work:
                question, conversation = work.messages.get(turn.question_id), work.conversations.for_change(turn.conversation_id)
                if question is None or conversation is None or question.parent_id is not None or not question.text:
                    return
                title = title_of(question.text)
                if conversation.title != title:
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
        """Write the end of the turn in one transaction, however long the store takes to be able to; returns why it never was, if so."""
        turn, snapshot = running.turn, running.snapshot()
        row = None
        if end.answer is not None:
            row = end.answer.row(conversation_id=turn.conversation_id, message_id=turn.answer_id, thinking_s=snapshot.thinking_s)
        for attempt in itertools.count(1):
            try:
                with self._unit_of_work() as work:
                    # The conversation first: whoever moves one locks it before its messages.
                    work.conversations.set_unread(turn.conversation_id, True)
                    if row is not None:
                        work.generations.add(row)
                    work.turns.finish(turn.id, status)
                    work.messages.finish(turn.answer_id, status, snapshot.text, snapshot.reasoning, end.error)
                    work.commit()
                return None
            except Unavailable as problem:
                log.error("turn %s could not be saved (try %d): %s", turn.id, attempt, problem)
                if attempt == UNSAVED_AFTER:
                    running.not_saved_yet(StoredError.of(problem))
                if self._closing.wait(min(SAVE_AGAIN_S * 2 ** (attempt - 1), MOST_SAVE_AGAIN_S)):
                    return StoredError(UNSAVED)
            except Exception:
                log.exception("turn %s could not be saved", turn.id)
                return StoredError(UNSAVED)
        return StoredError(UNSAVED)


def _read(work: UnitOfWork, file: StoredFile) -> str | ImageInput:
    """What the model reads of a file, or sees; nothing of one that was deleted at this moment."""
    if file.is_image and (content := work.files.content(file.id)).startswith(_IMAGES):
        return ImageInput(content, file.name)
    extracted = work.files.text(file.id)
    if extracted is not None:
        return extracted
    content = work.files.content(file.id)
    return text_of(file.name, content, file.encoding) if content else ""


def prompt_of(way: Sequence[Message], read: Mapping[str, str | ImageInput]) -> list[ChatMessage]:
    """What the model reads: questions with their answers, and last the open question. Unanswered questions are left out.

    read: by file id, its text or its image.
    """
    prompt: list[ChatMessage] = []
    if not way:
        raise InvalidInput("There is no question to answer.")
    for question, answer in pairwise(way):
        if question.author is Author.USER and answer.text:
            prompt += [_asked(question, read), ChatMessage(role=ChatRole.ASSISTANT, content=answer.text, reasoning=answer.reasoning)]
    return [*prompt, _asked(way[-1], read)]


def _asked(question: Message, read: Mapping[str, str | ImageInput]) -> ChatMessage:
    found = [(file.name, read[file.id]) for file in question.files]
    texts = [(name, text) for name, text in found if isinstance(text, str)]
    images = tuple(image for _, image in found if isinstance(image, ImageInput))
    return ChatMessage(ChatRole.USER, with_files(question.text, texts), images=images)


def with_newest_images(prompt: Sequence[ChatMessage], most: int) -> list[ChatMessage]:
    """Return the prompt with at most so many images: those of the oldest questions give way."""
    kept: list[ChatMessage] = []
    for message in reversed(prompt):
        kept.append(replace(message, images=message.images[-most:] if most else ()) if message.images else message)
        most -= len(kept[-1].images)
    return kept[::-1]


def shorter(prompt: list[ChatMessage], share: float) -> list[ChatMessage]:
    """Without its oldest turn; without more of them where it is so much too long that counting its tokens for each would be waste."""
    characters = [len(message.content) + len(message.reasoning) for message in prompt]
    most, first = sum(characters) * share, 2
    # Tokens differ in length: what looks too long by half as much again surely is.
    while first + 2 < len(prompt) and sum(characters[first:]) > 1.5 * most:
        first += 2
    return prompt[first:]

