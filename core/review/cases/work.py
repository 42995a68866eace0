"""Work on cases: change one or many, and say who works on a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound, PortalError, StoredError
from core.people.audit_events import record
from core.people.permissions import Permission, require, reviewed_groups, reviews_group
from core.people.records import User
from core.review.cases.changes import LEASE, CaseChange, apply, check_free
from core.review.cases.opening import open_case
from core.review.cases.records import STATE_OF, CaseEvent, CaseEventKind, CaseLock, ReviewCase
from core.review.names import ReviewNames
from core.review.records import ReviewState
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MOST_AT_ONCE = 200
_NO_RATING = "This feedback does not exist. The rating may have been withdrawn."


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyChanged:
    """The result of a change of many cases."""

    changed: tuple[int, ...]
    left: Mapping[int, StoredError]
    """Why each of the other cases was left as it is."""


class CaseWork:
    """Changes cases. A case can be changed by one reviewer at a time, and only from its newest version."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, names: ReviewNames) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._names = names

    def change(self, user: User, number: int, version: int, change: CaseChange) -> ReviewCase:
        """Change a case, and keep others from changing it for a while. version: the version that the change is based on.

        Raises NotFound, InvalidInput, and Conflict if the case has changed or another reviewer works on it.
        """
        require(user, Permission.REVIEW_FEEDBACK)
        if change.is_empty:
            raise InvalidInput("Give at least one field to change.")
        with self._unit_of_work() as work:
            changed = self._change(work, user, number, version, change)
            work.commit()
        return self._names.of_case(user, changed)

    def change_rating(self, user: User, feedback_id: str, *, state: ReviewState | None = None, note: str | None = None) -> ReviewCase:
        """Change the case of a rating, whatever its version. resolved: closes it without an outcome.

        Raises NotFound, InvalidInput, and Conflict if another reviewer works on the case.
        """
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            case = _locked(work, user, _number_of(work, user, feedback_id))
            wanted = None if state is None or state is case.state.rated_as else STATE_OF[state]
            changed = self._change(work, user, case.number, case.version, CaseChange(state=wanted, note=note))
            work.commit()
        return self._names.of_case(user, changed)

    def change_many(self, user: User, versions: Mapping[int, int], change: CaseChange) -> ManyChanged:
        """Change many cases alike. versions: by number. Cases that cannot be changed are left, with the reason."""
        require(user, Permission.REVIEW_FEEDBACK)
        if change.is_empty:
            raise InvalidInput("Give at least one field to change.")
        if change.note is not None or change.reply is not None or change.correction is not None:
            raise InvalidInput("Notes, replies and corrections belong to one case. Write them there.")
        if not 0 < len(versions) <= MOST_AT_ONCE:
            raise InvalidInput("Choose between 1 and {limit} cases.", limit=MOST_AT_ONCE)
        done, left = [], {}
        with self._unit_of_work() as work:
            for number, version in sorted(versions.items()):
                try:
                    self._change(work, user, number, version, change)
                except PortalError as problem:
                    left[number] = StoredError.of(problem)
                else:
                    done.append(number)
            work.commit()
        return ManyChanged(changed=tuple(done), left=left)

    def close_alike(self, user: User, number: int) -> ManyChanged:
        """Close the open cases with the same question as this closed case does: with its outcome, fix and reply.

        Their raters are told too. Cases that another reviewer works on are left, with the reason. Raises NotFound and Conflict.
        """
        require(user, Permission.REVIEW_FEEDBACK)
        done, left = [], {}
        with self._unit_of_work() as work:
            case = _locked(work, user, number)
            if case.state.is_open:
                raise Conflict("Close this case first. The others are closed as it is.")
            change = CaseChange(
                state=case.state, fix=case.fix, fix_model=case.fix_model, fix_prompt=case.fix_prompt, reply=case.reply or None
            )
            for other in work.cases.alike(case, MOST_AT_ONCE, reviewed_groups(user)):
                if not other.state.is_open or other.feedback.rating != case.feedback.rating:
                    continue
                try:
                    self._change(work, user, other.number, other.version, change)
                except PortalError as problem:
                    left[other.number] = StoredError.of(problem)
                else:
                    done.append(other.number)
            work.commit()
        return ManyChanged(changed=tuple(sorted(done)), left=left)

    def start(self, user: User, number: int, *, take_over: bool = False) -> ReviewCase:
        """Say that this person works on the case; repeat it to keep it. take_over: also if another reviewer does.

        Raises NotFound, and Conflict while another reviewer works on it.
        """
        require(user, Permission.REVIEW_FEEDBACK)
        now = self._clock()
        with self._unit_of_work() as work:
            case = _locked(work, user, number)
            if other := case.held_by_other(user.id, now):
                if not take_over:
                    check_free(case, user, now)
                kind = CaseEventKind.TAKEN_OVER
                taken = CaseEvent(case_id=case.id, at=now, kind=kind, actor_id=user.id, before=other.holder_name, after=user.name)
                work.cases.record(taken)
                record(work, now, user.id, "case.take_over", str(number), holder=other.holder_name)
            mine = case.lock if case.lock and case.lock.holder_id == user.id and case.lock.until > now else None
            lock = CaseLock(holder_id=user.id, holder_name=user.name, since=mine.since if mine else now, until=now + LEASE)
            work.cases.set_lock(case.id, lock)
            work.commit()
        return self._names.of_case(user, replace(case, lock=lock))

    def leave(self, user: User, number: int) -> None:
        """Say that this person no longer works on the case. Has no effect if they do not, or if it is gone."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            case = work.cases.for_change(number, reviewed_groups(user))
            if case is not None and case.lock and case.lock.holder_id == user.id:
                work.cases.set_lock(case.id, None)
                work.commit()

    def _change(self, work: UnitOfWork, user: User, number: int, version: int, change: CaseChange) -> ReviewCase:
        now = self._clock()
        case = _locked(work, user, number)
        check_free(case, user, now)
        if case.version != version:
            raise Conflict("Another reviewer has changed this case. Look at it again, then repeat your change.")
        changed = apply(work, case, change, user, now)
        if changed is not case:
            details = {"state": changed.state.value} if changed.state is not case.state else {}
            record(work, now, user.id, "case.change", str(number), **self._names.audited(case.feedback), **details)
        return changed


def _locked(work: UnitOfWork, user: User, number: int) -> ReviewCase:
    case = work.cases.for_change(number, reviewed_groups(user))
    if case is None:
        raise NotFound("This case does not exist. The rating may have been withdrawn.")
    return case


def _number_of(work: UnitOfWork, user: User, feedback_id: str) -> int:
    """Return the number of a rating's case, which is opened if there is none yet."""
    case = work.cases.of_feedback(feedback_id)
    if case is None:
        rating = work.feedback.for_change(feedback_id)
        if rating is None or not reviews_group(user, rating.group):
            raise NotFound(_NO_RATING)
        if work.cases.of_feedback(feedback_id) is None:
            open_case(work, rating)
        case = work.cases.of_feedback(feedback_id)
        assert case is not None, "it was opened in this transaction"
    if not reviews_group(user, case.feedback.group):
        raise NotFound(_NO_RATING)
    return case.number
