"""Store accepted answers, whose questions are replayed on a new version of the model before it serves."""

from __future__ import annotations

from core.chat.conversations import own_message
from core.chat.records import Author, Message, MessageStatus
from core.errors import InvalidInput, NotFound
from core.models.swaps.records import ReplayQuestion
from core.models.swaps.swaps import Swaps
from core.people.permissions import Permission, require
from core.people.records import User
from core.review.feedback import FeedbackQueue
from core.unit_of_work import UnitOfWorkFactory


class AcceptedAnswers:
    """Stores accepted answers as replay questions."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, swaps: Swaps, feedback: FeedbackQueue) -> None:
        self._unit_of_work = unit_of_work
        self._swaps = swaps
        self._feedback = feedback

    def accept(self, user: User, message_id: str) -> ReplayQuestion:
        """Store one of the person's own answers and its question for the replay step. Raises NotFound, InvalidInput, Conflict."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            answer = own_message(work, user, message_id)
            question = work.messages.get(answer.parent_id) if answer.parent_id else None
        return self._keep(user, question, answer)

    def accept_case(self, user: User, feedback_id: str) -> ReplayQuestion:
        """Store the answer of a review case and its question for the replay step. Raises NotFound, InvalidInput, Conflict."""
        require(user, Permission.RUN_MODELS)
        branch = self._feedback.open(user, feedback_id).branch
        if len(branch) < 2:
            raise NotFound("This answer does not exist. It may have been deleted.")
        return self._keep(user, branch[-2], branch[-1])

    def _keep(self, user: User, question: Message | None, answer: Message) -> ReplayQuestion:
        if question is None or answer.author is not Author.ASSISTANT or answer.generation is None:
            raise NotFound("This answer does not exist. It may have been deleted.")
        if answer.status is not MessageStatus.DONE or not answer.text.strip():
            raise InvalidInput("Only a complete answer can be accepted.")
        if question.files:
            raise InvalidInput("The question has files, which a replay cannot send. Accept the answer to a question without files.")
        model = answer.generation.model.partition(":")[0]  # Drop the adapter, which the request chooses: a swap replaces only the model.
        return self._swaps.add_replay(user, model, question.text, answer.text)
