"""Judge cases, ask for a second judgement, and decide where two reviewers differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from uuid import uuid4

from core.clock import Clock
from core.errors import Conflict, NotFound
from core.people.audit_events import record
from core.people.permissions import Permission, require, reviewed_groups
from core.people.records import User
from core.review.cases.changes import check_free
from core.review.cases.records import CaseEvent, CaseEventKind, ReviewCase
from core.review.judging.checks import checked_answers
from core.review.judging.judged import judged_case, judging_of
from core.review.judging.questions import newest_questions, questions_of
from core.review.judging.records import Answers, JudgedCase, Judgement, QuestionSet, Seat
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

Given = Mapping[str, str | int | Sequence[str]]
"""Answers by the question's id: a choice's id, several ids, a number or a text."""
_OWN_RATING = "You gave this rating. Another reviewer judges it."
_GONE = "This case does not exist. The rating may have been withdrawn."


class ReviewJudgements:
    """Keeps what reviewers judge of each case: one judgement, or two made blind and a decision where they differ."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, second_percent: int) -> None:
        """second_percent: of how many in a hundred cases a second reviewer is asked, without anybody choosing them."""
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._second_percent = second_percent

    def of_case(self, user: User, number: int) -> JudgedCase:
        """Return the judgements of a case as this reviewer may see them. Raises NotFound."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            case = work.cases.get(number, reviewed_groups(user))
            if case is None:
                raise NotFound(_GONE)
            return _judged(work, user, case)

    def judge(self, user: User, number: int, given: Given) -> JudgedCase:
        """Store this reviewer's judgement: the first or the second, or the change of one that no second has followed.

        Raises NotFound, InvalidInput, and Conflict if this reviewer cannot judge the case now.
        """
        require(user, Permission.REVIEW_FEEDBACK)
        now = self._clock()
        with self._unit_of_work() as work:
            case, judged = self._open(work, user, number, now)
            if judged.seat not in (Seat.FIRST, Seat.SECOND):
                raise Conflict(_why_not(judged))
            changing = judged.own is not None
            if judged.seat is Seat.FIRST and not changing and sampled(case.id, self._second_percent):
                case = replace(case, second=True)
            answers = checked_answers(judged.questions.questions, given)
            self._put(work, user, case, judged, answers, now)
            result = self._close(work, user, case, CaseEventKind.JUDGED, now)
            record(work, now, user.id, "case.judge", str(number), seat=judged.seat.value)
            work.commit()
        return result

    def decide(self, user: User, number: int, given: Given) -> JudgedCase:
        """Decide the questions on which two reviewers differ. Raises NotFound, InvalidInput, and Conflict."""
        require(user, Permission.REVIEW_FEEDBACK)
        now = self._clock()
        with self._unit_of_work() as work:
            case, judged = self._open(work, user, number, now)
            if judged.seat is not Seat.DECISION:
                raise Conflict(_why_no_decision(judged))
            open_questions = [replace(each.question, required=True) for each in judged.compared if not each.agree]
            self._put(work, user, case, judged, checked_answers(open_questions, given), now)
            result = self._close(work, user, case, CaseEventKind.DECIDED, now)
            record(work, now, user.id, "case.decide", str(number))
            work.commit()
        return result

    def ask_second(self, user: User, number: int, *, asked: bool) -> JudgedCase:
        """Ask for a second judgement of a case, or no longer. Raises NotFound, and Conflict once it is in."""
        require(user, Permission.REVIEW_FEEDBACK)
        now = self._clock()
        with self._unit_of_work() as work:
            case, judged = self._open(work, user, number, now)
            if judged.compared:
                raise Conflict("Two reviewers have judged this case already.")
            if judged.hidden and not asked:
                raise Conflict("Only {name} can take this back: it would show a judgement to others.", name=_first_name(work, case))
            if case.second == asked:
                return judged
            result = self._close(work, user, replace(case, second=asked), CaseEventKind.SECOND, now)
            record(work, now, user.id, "case.second", str(number), asked=str(asked).lower())
            work.commit()
        return result

    def _open(self, work: UnitOfWork, user: User, number: int, now: datetime) -> tuple[ReviewCase, JudgedCase]:
        case = work.cases.for_change(number, reviewed_groups(user))
        if case is None:
            raise NotFound(_GONE)
        check_free(case, user, now)
        return case, _judged(work, user, case)

    def _put(self, work: UnitOfWork, user: User, case: ReviewCase, judged: JudgedCase, answers: Answers, now: datetime) -> None:
        assert judged.seat is not None, "the caller has checked it"
        guidelines = work.guidelines.latest()
        texts = frozenset(each.id for each in judged.questions.questions if not each.is_compared)
        judgement = Judgement(
            id=judged.own.id if judged.own else uuid4().hex, case_id=case.id, seat=judged.seat, user_id=user.id, user_name=user.name,
            answers=answers, questions_version=judged.questions.version, guidelines_version=guidelines.version if guidelines else 0,
            judged_at=now,
        )  # fmt: skip
        work.judgements.put(judgement, texts)

    def _close(self, work: UnitOfWork, user: User, case: ReviewCase, kind: CaseEventKind, now: datetime) -> JudgedCase:
        """Store what the case waits for now, and record the event. Answers are not recorded: the second reviewer judges blind."""
        judgements = work.judgements.of_case(case.id)
        judging = judging_of(judgements, _questions(work, judgements), second=case.second)
        changed = replace(case, judging=judging, version=case.version + 1, updated_at=now)
        work.cases.save(changed)
        after = str(case.second).lower() if kind is CaseEventKind.SECOND else ""
        work.cases.record(CaseEvent(case_id=case.id, at=now, kind=kind, actor_id=user.id, after=after))
        return _judged(work, user, changed)


def sampled(case_id: str, percent: int) -> bool:
    """Tell whether a case is among `percent` of a hundred. The same case always is, or never."""
    return int.from_bytes(sha256(case_id.encode()).digest()[:4], "big") % 100 < percent


def _judged(work: UnitOfWork, user: User, case: ReviewCase) -> JudgedCase:
    judgements = work.judgements.of_case(case.id)
    own_rating = case.feedback.user_id == user.id
    return judged_case(user.id, judgements, _questions(work, judgements), second=case.second, own_rating=own_rating)


def _questions(work: UnitOfWork, judgements: Sequence[Judgement]) -> QuestionSet:
    """Return the questions of the first judgement, so that both reviewers answer the same ones; without one the newest."""
    found = questions_of(work, judgements[0].questions_version) if judgements else None
    return found or newest_questions(work)


def _first_name(work: UnitOfWork, case: ReviewCase) -> str:
    return next(each.user_name for each in work.judgements.of_case(case.id) if each.seat is Seat.FIRST)


def _why_not(judged: JudgedCase) -> str:
    if judged.own_rating:
        return _OWN_RATING
    if judged.compared:
        return "Two reviewers have judged this case already."
    return "Another reviewer has judged this case. Ask for a second judgement first."


def _why_no_decision(judged: JudgedCase) -> str:
    if judged.own_rating:
        return _OWN_RATING
    if not judged.compared:
        return "There is nothing to decide before two reviewers have judged the case."
    if judged.own and judged.own.seat is not Seat.DECISION:
        return "You have judged this case. A third person decides it."
    return "There is nothing to decide: the two reviewers agree, or a third has decided."
