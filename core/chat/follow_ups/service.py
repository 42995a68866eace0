"""Queue a question while an answer runs, take it back, and send it when the answer ends."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import uuid4

from core.chat.conversations import own, own_to_change
from core.chat.follow_ups.records import FollowUp
from core.chat.lifecycle.new_turns import check_collections
from core.chat.questions import check_question
from core.chat.records import MessageStatus, Turn
from core.chat.turn_runner import TurnOptions
from core.chat.turns import Turns
from core.clock import Clock
from core.errors import Conflict, NotFound, PortalError, StoredError
from core.knowledge.files import own_file
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

NOT_QUEUED = "No question is queued in this conversation."
ENDS_WELL = frozenset({MessageStatus.DONE, MessageStatus.STOPPED})
"""Final statuses of an answer after which the next question is sent. After a failure its author decides."""


class FollowUps:
    """Queues one question per conversation. The question is stored, so it survives a restart."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, turns: Turns, max_question_chars: int) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._turns = turns
        self._max_chars = max_question_chars
        turns.when_ended(self._after)

    def put(self, user: User, conversation_id: str, text: str, options: TurnOptions, files: Sequence[str] = ()) -> FollowUp:
        """Queue the next question of the person's own conversation, or send it at once if no answer is running.

        Raises InvalidInput, NotFound, and Conflict if a question is already queued.
        """
        follow_up = FollowUp(
            id=uuid4().hex,
            conversation_id=conversation_id,
            user_id=user.id,
            text=check_question(text, self._max_chars, files=bool(files)),
            options=options,
            files=tuple(files),
            created_at=self._clock(),
        )
        with self._unit_of_work() as work:
            own_to_change(work, user, conversation_id)
            for file_id in files:
                own_file(work, user, file_id)
            check_collections(work, user, [options])
            if not work.follow_ups.add(follow_up):
                raise Conflict("A question is queued in this conversation already. Take it back first.")
            work.commit()
        self.send(user, conversation_id)
        return follow_up

    def get(self, user: User, conversation_id: str) -> FollowUp | None:
        """Return the queued question of the person's own conversation, or None. Raises NotFound."""
        with self._unit_of_work() as work:
            own(work, user, conversation_id)
            return work.follow_ups.of_conversation(conversation_id)

    def take_back(self, user: User, conversation_id: str) -> FollowUp:
        """Remove the queued question and return it. Raises NotFound if there is none or it has been sent."""
        with self._unit_of_work() as work:
            own_to_change(work, user, conversation_id)
            found = work.follow_ups.of_conversation(conversation_id)
            if found is None or not work.follow_ups.remove(found.id):
                raise NotFound(NOT_QUEUED)
            work.commit()
        return found

    def send(self, user: User, conversation_id: str) -> Turn | None:
        """Send the queued question unless an answer is running. A failure is stored with the question. Raises NotFound."""
        with self._unit_of_work() as work:
            own(work, user, conversation_id)
            found = work.follow_ups.of_conversation(conversation_id)
            if found is None or work.turns.streaming_in(conversation_id):
                return None
        try:
            # With this request id, sending the same question twice returns the same turn.
            turn = self._turns.start(user, conversation_id, found.text, found.options, f"follow-up-{found.id}", files=found.files)
        except PortalError as problem:
            with self._unit_of_work() as work:
                if not work.turns.streaming_in(conversation_id):
                    work.follow_ups.failed(found.id, StoredError.of(problem))
                    work.commit()
            return None
        with self._unit_of_work() as work:
            work.follow_ups.remove(found.id)
            work.commit()
        return turn

    def _after(self, turn: Turn, status: MessageStatus) -> None:
        """Send the question that waited for this answer, with its author's current rights."""
        if status not in ENDS_WELL:
            return
        try:
            with self._unit_of_work() as work:
                waits = work.follow_ups.of_conversation(turn.conversation_id)
                author = work.users.get(turn.user_id) if waits is not None else None
            if author is not None and author.active:
                self.send(author, turn.conversation_id)
        except PortalError as problem:
            log.warning("the question queued after turn %s waits: %s", turn.id, problem)
