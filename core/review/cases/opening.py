"""Open a case for each rating, in the transaction of the rating."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from uuid import uuid4

from core.review.cases.records import MAX_TAGS, STATE_OF, CaseEvent, CaseEventKind, CaseState, Priority, ReviewCase
from core.review.records import Feedback
from core.unit_of_work import UnitOfWork


def put_rating(work: UnitOfWork, feedback: Feedback) -> None:
    """Store a rating and open its case. A changed rating opens a closed case again."""
    before = work.feedback.of_message(feedback.user_id, feedback.message_id)
    work.feedback.put(feedback)
    stored = work.feedback.of_message(feedback.user_id, feedback.message_id)
    assert stored is not None, "it was stored in this transaction"
    known = work.cases.of_feedback(stored.id)
    if known is None:
        open_case(work, stored)
    elif before is not None and (before.rating, before.comment, before.details) != (stored.rating, stored.comment, stored.details):
        _rated_again(work, known, before, feedback.updated_at)


def open_case(work: UnitOfWork, feedback: Feedback) -> None:
    """Open the case of a rating that has none."""
    complaint = is_complaint(feedback)
    state = STATE_OF[feedback.state]
    case = ReviewCase(
        id=uuid4().hex, number=0, feedback=feedback, state=state, priority=Priority.NORMAL if feedback.rating < 0 else Priority.LOW,
        complaint=complaint, opened_at=feedback.created_at, updated_at=feedback.updated_at, question_key=question_key(feedback.question),
        closed_at=None if state.is_open else feedback.updated_at, tags=with_reasons((), feedback.details.reasons),
    )  # fmt: skip
    work.cases.add(case)
    if case.tags:
        work.cases.save(case)
    work.cases.record(CaseEvent(case_id=case.id, at=feedback.created_at, kind=CaseEventKind.OPENED))


def is_complaint(feedback: Feedback) -> bool:
    return feedback.rating < 0 or bool(feedback.comment or feedback.details.better_answer)


def with_reasons(tags: Sequence[str], reasons: Sequence[str], before: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the tags of a case with a rater's reasons. before: the reasons that they replace."""
    old = {each.casefold() for each in before}
    kept = [each for each in tags if each.casefold() not in old]
    known = {each.casefold() for each in kept}
    return tuple(sorted([*kept, *(each for each in reasons if each.casefold() not in known)][:MAX_TAGS], key=str.casefold))


def question_key(question: str | None) -> str | None:
    """Return a key that is equal for questions that differ only in case, spaces and final punctuation; None for none."""
    words = " ".join((question or "").casefold().split()).rstrip(" .?!。？！")
    return sha256(words.encode("utf-8", "replace")).hexdigest() if words else None


def _rated_again(work: UnitOfWork, known: ReviewCase, before: Feedback, at: datetime) -> None:
    case = work.cases.for_change(known.number)
    if case is None:
        return
    stored = case.feedback
    complaint = is_complaint(stored)
    state = case.state if case.state.is_open else CaseState.NEW
    changed = replace(
        case, complaint=complaint, state=state, updated_at=at, version=case.version + 1, closed_at=None,
        priority=Priority.NORMAL if stored.rating < 0 and case.priority is Priority.LOW else case.priority,
        tags=with_reasons(case.tags, stored.details.reasons, before.details.reasons),
    )  # fmt: skip
    work.cases.save(changed)
    kind = CaseEventKind.RATED_AGAIN
    work.cases.record(CaseEvent(case_id=case.id, at=at, kind=kind, before=str(before.rating), after=str(stored.rating)))
    if state is not case.state:
        work.cases.record(CaseEvent(case_id=case.id, at=at, kind=CaseEventKind.STATE, before=case.state, after=state))
        work.feedback.review(stored.id, state.rated_as, stored.note, None, at)
