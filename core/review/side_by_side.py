"""Ask several models the same question, and store which answer the person prefers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from uuid import uuid4

from core.chat.conversations import own, own_message, own_to_change
from core.chat.lanes import rounds
from core.chat.records import NewQuestion, Turn
from core.chat.turns import Turns
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.inference.records import Source
from core.people.permissions import Permission, require
from core.people.records import User
from core.review.feedback import FeedbackQueue
from core.review.records import Comparison, Lane, Vote
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory


class SideBySide:
    """Has two to four models answer one question. The answers are versions of one another; the chat continues with the preferred one."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, turns: Turns, feedback: FeedbackQueue) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._turns = turns
        self._feedback = feedback

    def ask(self, user: User, new: NewQuestion, *, source: Source = Source.CHAT) -> Comparison:
        """Store the question and begin its answers. Repeating a `request_id` returns the same comparison.

        Raises as `Turns.start` does, and InvalidInput for fewer than two or more than four options, or if separate histories continue
        with different models.
        """
        separate = any(each.own_thread for each in new.options)
        if separate:
            self._check_same_models(user, new)
        turns = self._turns.start_lanes(user, new, source=source)
        made = Comparison(
            id=uuid4().hex,
            user_id=user.id,
            group=user.group,
            conversation_id=new.conversation_id,
            question_id=turns[0].question_id,
            lanes=tuple(Lane(turn.id, turn.answer_id, each.model or "") for turn, each in zip(turns, new.options, strict=False)),
            created_at=self._clock(),
            separate=separate,
        )
        with self._unit_of_work() as work:
            work.comparisons.add(made)
            work.commit()
            return work.comparisons.of_question(made.question_id) or made

    def open(self, user: User, conversation_id: str) -> Comparison | None:
        """Return the comparison at the end of the conversation if it has no vote yet, else None. Raises NotFound."""
        with self._unit_of_work() as work:
            conversation = own(work, user, conversation_id)
            found = work.comparisons.of_answer(conversation.head_id) if conversation.head_id else None
        if found is None or found.vote is not None or all(lane.answer_id != conversation.head_id for lane in found.lanes):
            return None
        return found

    def rounds(self, user: User, conversation_id: str) -> Sequence[Comparison]:
        """Return the open comparison preceded by the earlier rounds of its separate histories; empty if none is open. Raises NotFound."""
        last = self.open(user, conversation_id)
        if last is None:
            return []
        with self._unit_of_work() as work:
            return rounds(work, work.messages.of_conversation(conversation_id), last)

    def _check_same_models(self, user: User, new: NewQuestion) -> None:
        going_on = self.open(user, new.conversation_id)
        if going_on is None or not going_on.separate or any(turn.request_id == new.request_id for turn in self._turns_of(going_on)):
            return
        if [lane.model for lane in going_on.lanes] != [each.model or "" for each in new.options]:
            raise InvalidInput("Each model keeps its own thread here. Ask the same models, or vote first.")

    def _turns_of(self, comparison: Comparison) -> Sequence[Turn]:
        with self._unit_of_work() as work:
            found = [work.turns.get(lane.turn_id) for lane in comparison.lanes]
        return [turn for turn in found if turn is not None]

    def vote(self, user: User, question_id: str, vote: Vote, preferred_id: str | None = None) -> Comparison:
        """Vote for the best answer, for a tie, or for all being poor. A new vote replaces the old one.

        The preferred answer is rated good, and the conversation continues with it; if histories are separate, with its own history. If
        all answers are poor, they are rated poor.
        Raises NotFound, InvalidInput, and Conflict while an answer is running.
        """
        require(user, Permission.RATE)
        now = self._clock()
        with self._unit_of_work() as work:
            own_message(work, user, question_id, Permission.RATE)
            found = work.comparisons.of_question(question_id)
            if found is None:
                raise NotFound("This question has no side-by-side answers.")
            conversation = own_to_change(work, user, found.conversation_id)
            ids = [lane.answer_id for lane in found.lanes]
            if (vote is Vote.ONE) is not (preferred_id in ids):
                raise InvalidInput("Name one of the answers, or vote that they are alike or poor.")
            if work.turns.streaming_in(conversation.id):
                raise Conflict("An answer is still running in this conversation. Wait for it or stop it.")
            if preferred_id is not None and found.separate:
                self._join(work, found, ids.index(preferred_id))
            work.comparisons.vote(found.id, vote, preferred_id, now)
            if preferred_id is not None and conversation.head_id in ids:
                work.conversations.save(replace(conversation, head_id=preferred_id))
            work.commit()
        ratings = {each: {Vote.ONE: int(each == preferred_id), Vote.ALIKE: 0, Vote.POOR: -1}[vote] for each in ids}
        for answer_id, rating in ratings.items():
            self._feedback.rate(user, answer_id, rating)
        return replace(found, vote=vote, preferred_id=preferred_id, voted_at=now)

    @staticmethod
    def _join(work: UnitOfWork, last: Comparison, lane: int) -> None:
        """Make the questions of separate histories follow the answers of the preferred lane."""
        found = rounds(work, work.messages.of_conversation(last.conversation_id), last)
        for before, after in pairwise(found):
            work.messages.move_below(after.question_id, before.lanes[lane].answer_id)
