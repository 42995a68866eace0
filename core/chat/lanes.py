"""Follow the separate histories of models that answer side by side. Each model of such a question has a lane."""

from __future__ import annotations

from collections.abc import Sequence

from core.chat.records import Author, Message
from core.review.records import Comparison
from core.unit_of_work import UnitOfWork


def own_thread(work: UnitOfWork, messages: Sequence[Message], shown: Sequence[Message], lane: int) -> list[Message]:
    """Return the shown messages with this lane's answers, back to where the separate histories began.

    messages: all messages of the conversation.
    """
    known = {message.id: message for message in messages}
    thread = list(shown)
    for at in range(len(thread) - 1, -1, -1):
        if thread[at].author is not Author.ASSISTANT:
            continue
        round_ = _round(work, thread[at])
        if round_ is None or lane >= len(round_.lanes):
            break
        thread[at] = known.get(round_.lanes[lane].answer_id, thread[at])
    return thread


def rounds(work: UnitOfWork, messages: Sequence[Message], last: Comparison) -> list[Comparison]:
    """Return the rounds of separate histories that end with `last`, oldest first; only `last` if its models share a history."""
    found = [last]
    known = {message.id: message for message in messages}
    while found[0].separate:
        question = known.get(found[0].question_id)
        answer = known.get(question.parent_id or "") if question else None
        before = _round(work, answer) if answer else None
        if before is None or [lane.model for lane in before.lanes] != [lane.model for lane in last.lanes]:
            break
        found.insert(0, before)
    return found


def _round(work: UnitOfWork, answer: Message) -> Comparison | None:
    found = work.comparisons.of_question(answer.parent_id) if answer.parent_id else None
    return found if found is not None and found.separate and found.vote is None else None
