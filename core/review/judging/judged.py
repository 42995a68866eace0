"""Tell what a reviewer may see of a case's judgements, and may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.review.cases.records import Judging
from core.review.judging.records import Answers, Compared, JudgedCase, Judgement, QuestionSet, Seat

Seats = Mapping[Seat, Judgement]


def judged_case(
    user_id: str, judgements: Sequence[Judgement], questions: QuestionSet, *, second: bool, own_rating: bool
) -> JudgedCase:
    """Return the judgements as this reviewer may see them. questions: those of the first judgement, or else the newest.

    Until the second judgement is in, a case with two reviewers shows each only their own: the second one judges blind.
    """
    seats = {each.seat: each for each in judgements}
    own = next((each for each in judgements if each.user_id == user_id), None)
    blind = second and Seat.SECOND not in seats
    shown = tuple(each for each in judgements if not blind or each is own)
    compared = compare(seats, questions)
    return JudgedCase(
        questions=questions, second=second, seat=None if own_rating else _seat(seats, own, compared, second=second),
        own_rating=own_rating, own=own, shown=shown, hidden=len(shown) < len(judgements), compared=compared,
        result={} if blind else result(seats, compared),
    )  # fmt: skip


def judging_of(judgements: Sequence[Judgement], questions: QuestionSet, *, second: bool) -> Judging:
    """Return what a case's judgement waits for."""
    seats = {each.seat: each for each in judgements}
    if Seat.FIRST not in seats:
        return Judging.OPEN
    if second and Seat.SECOND not in seats:
        return Judging.SECOND
    differ = any(not each.agree for each in compare(seats, questions))
    return Judging.DECISION if differ and Seat.DECISION not in seats else Judging.DONE


def compare(seats: Seats, questions: QuestionSet) -> tuple[Compared, ...]:
    """Return the questions whose answers can agree, with those of both reviewers; empty without a second judgement."""
    first, second, decision = (seats.get(each) for each in (Seat.FIRST, Seat.SECOND, Seat.DECISION))
    if first is None or second is None:
        return ()
    return tuple(
        Compared(
            question=each, first=first.answers.get(each.id, ""), second=second.answers.get(each.id, ""),
            decided=decision.answers.get(each.id) if decision else None,
        )
        for each in questions.questions if each.is_compared
    )  # fmt: skip


def result(seats: Seats, compared: Sequence[Compared]) -> Answers:
    """Return the case's judgement: what the first reviewer said, with what the third decided; empty while that is missing."""
    first = seats.get(Seat.FIRST)
    if first is None or any(not each.agree and each.decided is None for each in compared):
        return {}
    decided = {each.question.id: each.decided for each in compared if each.decided is not None}
    return {**first.answers, **decided}


def _seat(seats: Seats, own: Judgement | None, compared: Sequence[Compared], *, second: bool) -> Seat | None:
    """Return the judgement that the owner of `own` may give or change. Nobody judges twice, and nobody decides about their own."""
    if Seat.FIRST not in seats:
        return Seat.FIRST
    if Seat.SECOND not in seats:
        if own is not None:
            return Seat.FIRST
        return Seat.SECOND if second else None
    differ = any(not each.agree for each in compared)
    return Seat.DECISION if differ and (own is None or own.seat is Seat.DECISION) and Seat.DECISION not in seats else None
