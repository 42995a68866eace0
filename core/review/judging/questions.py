"""Write the questions for reviewers, version by version."""

from __future__ import annotations

from collections.abc import Sequence

from core.clock import Clock
from core.errors import Conflict, NotFound
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.review.judging.checks import checked_questions
from core.review.judging.defaults import DEFAULT
from core.review.judging.records import Question, QuestionSet
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

VERSIONS_LISTED = 50
VERSIONS_READ = 10_000


class ReviewQuestions:
    """Keeps the questions that reviewers answer about a case. Every version stays readable."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def current(self, user: User) -> QuestionSet:
        """Return the newest version; version 0 is what a new portal asks."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            return newest_questions(work)

    def version(self, user: User, version: int) -> QuestionSet:
        """Return one version. Raises NotFound."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            found = questions_of(work, version)
        if found is None:
            raise NotFound("The questions have no version {version}.", version=version)
        return found

    def versions(self, user: User) -> Sequence[QuestionSet]:
        """Return the newest versions, newest first."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            return work.review_questions.versions(VERSIONS_LISTED)

    def save(self, user: User, questions: Sequence[Question], based_on: int) -> QuestionSet:
        """Save a new version, unless nothing changed. based_on: the version that was edited.

        A question may get another name, description or choices; what was answered before keeps its version.
        Raises InvalidInput, and Conflict if there is a newer version or if a known question would change its kind.
        """
        require(user, Permission.SET_UP_REVIEW)
        now = self._clock()
        with self._unit_of_work() as work:
            latest = work.review_questions.for_change() or DEFAULT
            if based_on != latest.version:
                raise Conflict("Another person has changed this. Look at the newest version, then repeat your change.")
            past = (DEFAULT, *reversed(work.review_questions.versions(VERSIONS_READ)))
            known = {each.id: each for version in past for each in version.questions}
            checked = checked_questions(questions, known)
            if checked == latest.questions:
                return latest
            number = work.review_questions.add(checked, user.id, now)
            record(work, now, user.id, "review.questions", str(number))
            work.commit()
        return QuestionSet(version=number, questions=checked, author_name=user.name, saved_at=now)


def newest_questions(work: UnitOfWork) -> QuestionSet:
    return work.review_questions.latest() or DEFAULT


def questions_of(work: UnitOfWork, version: int) -> QuestionSet | None:
    return DEFAULT if version == DEFAULT.version else work.review_questions.get(version)
