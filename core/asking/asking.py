"""Ask a question in one call, in an open conversation or a new one: what a page does when a person sends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.chat.conversations import Conversations
from core.chat.follow_ups.service import FollowUps
from core.chat.questions import check_question, check_request_id
from core.chat.records import NewQuestion, TurnOptions
from core.chat.turns import Turns
from core.operations.disk import DiskSpace
from core.people.records import User
from core.privacy.filter import Checked, PrivacyFilter
from core.review.side_by_side import SideBySide
from core.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question as it was sent, with the options of each answer: one, or several side by side."""

    text: str
    options: Sequence[TurnOptions]
    request_id: str
    files: Sequence[str] = ()
    """Ids of own files that were uploaded for it."""
    folder_id: str | None = None
    """Where a new conversation begins."""
    uses_instructions: bool = True
    """Set in a new conversation."""
    uses_memory: bool = True
    """Set in a new conversation."""
    tools_off: Sequence[str] = ()
    """Set in a new conversation."""


@dataclass(frozen=True, slots=True)
class Asked:
    conversation_id: str
    queued: bool = False
    """Whether an answer is running there, so that the question waits for its end."""
    checked: Checked | None = None
    """A note to its author on personal data in it."""


class Asking:
    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        conversations: Conversations,
        turns: Turns,
        follow_ups: FollowUps,
        side_by_side: SideBySide,
        privacy: PrivacyFilter,
        disk: DiskSpace,
        max_question_chars: int,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._conversations = conversations
        self._turns = turns
        self._follow_ups = follow_ups
        self._side_by_side = side_by_side
        self._privacy = privacy
        self._disk = disk
        self._max_chars = max_question_chars

    def ask(self, user: User, conversation_id: str | None, question: Question) -> Asked:
        """Ask in an own conversation, or in a new one (None). The same `request_id` again asks nothing new.

        While an answer is running there, the question is queued. A question that is refused leaves no new conversation behind.
        Raises what Turns.start, FollowUps.put and PrivacyFilter.check raise.
        """
        check_request_id(question.request_id)
        self._disk.check()
        with self._unit_of_work() as work:
            before = work.turns.by_request(user.id, question.request_id)
        if before is not None:
            self._begin(user, before.conversation_id, question)
            return Asked(before.conversation_id)
        if conversation_id is not None and self._turns.running(user, conversation_id):
            self._follow_ups.put(user, conversation_id, question.text, question.options[0], question.files)
            return Asked(conversation_id, queued=True)
        checked = self._privacy.check(user, check_question(question.text, self._max_chars, files=bool(question.files)))
        if conversation_id is not None:
            self._begin(user, conversation_id, question)
            return Asked(conversation_id, checked=checked)
        new = self._conversations.new(
            user, folder_id=question.folder_id, uses_instructions=question.uses_instructions, uses_memory=question.uses_memory,
            tools_off=question.tools_off,
        )  # fmt: skip
        try:
            self._begin(user, new.id, question)
        except BaseException:
            self._conversations.discard(new)
            raise
        return Asked(new.id, checked=checked)

    def _begin(self, user: User, conversation_id: str, question: Question) -> None:
        if len(question.options) > 1:
            new = NewQuestion(
                conversation_id=conversation_id, text=question.text, options=question.options, request_id=question.request_id,
                files=question.files,
            )  # fmt: skip
            self._side_by_side.ask(user, new)
        else:
            self._turns.start(user, conversation_id, question.text, question.options[0], question.request_id, files=question.files)
