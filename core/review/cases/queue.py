"""Find and read cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.chat.records import Message
from core.clock import Clock
from core.errors import InvalidInput, NotFound
from core.people.permissions import Permission, require, reviewed_groups
from core.people.records import User
from core.review.cases.changes import reviewers
from core.review.cases.ports import Position
from core.review.cases.proposals import COUNTED, Proposal, proposal
from core.review.cases.records import OPEN, OUTCOMES, CaseEvent, CaseFilter, CasePage, CaseQuery, CaseState, Progress, ReviewCase, Whose
from core.review.feedback import FeedbackQueue
from core.review.names import ReviewNames
from core.search.of_groups import ratings_with
from core.search.ports import SearchIndex
from core.search.records import DocumentKind, SearchQuery
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

ALIKE_SHOWN = 5
ALIKE_READ = 50
_CURSOR = "This cursor does not come from a list of cases."


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedCase:
    """A case with the chat that led to it, its history, and earlier cases like it."""

    case: ReviewCase
    branch: tuple[Message, ...]
    """Messages from the chat's first question to the rated answer; empty if the owner has deleted the chat."""
    history: tuple[CaseEvent, ...]
    """Oldest first."""
    alike: tuple[ReviewCase, ...]
    proposal: Proposal | None = None


class CaseQueue:
    """Lists cases for reviewers, and reads one."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, search: SearchIndex, feedback: FeedbackQueue, clock: Clock, names: ReviewNames
    ) -> None:
        self._unit_of_work = unit_of_work
        self._search = search
        self._feedback = feedback
        self._clock = clock
        self._names = names

    def find(self, user: User, query: CaseQuery, limit: int = 50, cursor: str | None = None) -> CasePage:
        """Return one page, the highest priority first, then the newest. cursor: next_cursor of the previous page.

        Raises InvalidInput for an invalid cursor, NotFound for an unknown assignee, Unavailable for a word search while the index is down.
        """
        require(user, Permission.REVIEW_FEEDBACK)
        after = _position(cursor) if cursor else None
        found_ids = self._with_words(user, query) if query.words.strip() else None
        with self._unit_of_work() as work:
            filter = self._filter(work, user, query, found_ids)
            cases = work.cases.find(filter, limit + 1, after)
            total = work.cases.count(filter)
        shown = tuple(self._names.of_cases(cases[:limit]))
        more = len(cases) > limit
        return CasePage(cases=shown, total=total, next_cursor=f"{shown[-1].priority.rank}.{shown[-1].number}" if more else None)

    def count(self, user: User, query: CaseQuery) -> int:
        """Return the number of cases that `query` matches, whatever its words."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            return work.cases.count(self._filter(work, user, query, None))

    def get(self, user: User, number: int) -> ReviewCase:
        """Return one case. Raises NotFound."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            found = work.cases.get(number, reviewed_groups(user))
        if found is None:
            raise NotFound("This case does not exist. The rating may have been withdrawn.")
        return self._names.of_case(user, found)

    def open(self, user: User, number: int) -> OpenedCase:
        """Return a case with its chat, history and similar cases. The audit log records this once an hour per person and case."""
        case = self.get(user, number)
        opened = self._feedback.open(user, case.feedback.id)
        groups = reviewed_groups(user)
        with self._unit_of_work() as work:
            history = tuple(work.cases.history(case.id))
            alike = work.cases.alike(case, ALIKE_READ, groups) if case.alike else ()
            closed = work.cases.outcomes(COUNTED, case.feedback.rating, groups) if alike and case.state.is_open else ()
        shown = tuple(self._names.of_cases(alike[:ALIKE_SHOWN]))
        return OpenedCase(case=case, branch=opened.branch, history=history, alike=shown, proposal=proposal(case, alike, closed))

    def history(self, user: User, number: int) -> Sequence[CaseEvent]:
        """Return the history of a case, oldest first. Raises NotFound."""
        case = self.get(user, number)
        with self._unit_of_work() as work:
            return work.cases.history(case.id)

    def progress(self, user: User) -> Progress:
        """Return what this person did since midnight (UTC), and how many complaints are open."""
        require(user, Permission.REVIEW_FEEDBACK)
        midnight = self._clock().replace(hour=0, minute=0, second=0, microsecond=0)
        needed = CaseFilter(query=CaseQuery(states=OPEN, complaint=True), groups=reviewed_groups(user))
        closed = (*OUTCOMES, CaseState.CLOSED)
        with self._unit_of_work() as work:
            touched, ended = work.cases.touched_by(user.id, midnight), work.cases.touched_by(user.id, midnight, closed)
            return Progress(open=work.cases.count(needed), touched=touched, closed=ended)

    def tags(self, user: User) -> Mapping[str, int]:
        """Return all tags in use, with the number of their cases."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            return work.cases.tags(reviewed_groups(user))

    def reviewers(self, user: User) -> Sequence[str]:
        """Return the sign-in names of the people who can work on cases."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            return [each.name for each in reviewers(work.users.all())]

    def _filter(self, work: UnitOfWork, user: User, query: CaseQuery, found_ids: tuple[str, ...] | None) -> CaseFilter:
        assignee_id = user.id if query.whose is Whose.MINE else None
        if query.assignee:
            found = work.users.credentials(query.assignee.strip().lower())
            if found is None:
                raise NotFound("No account is named {name}.", name=query.assignee)
            assignee_id = found.user.id
        filter = CaseFilter(query=query, assignee_id=assignee_id, feedback_ids=found_ids, groups=reviewed_groups(user))
        return replace(filter, due_before=self._clock()) if query.overdue else filter

    def _with_words(self, user: User, query: CaseQuery) -> tuple[str, ...]:
        asked = SearchQuery(
            text=query.words, kind=DocumentKind.FEEDBACK, since=query.since, until=query.until, model=query.model, rating=query.rating
        )
        return ratings_with(self._search, self._unit_of_work, asked, reviewed_groups(user))


def _position(cursor: str) -> Position:
    rank, dot, number = cursor.partition(".")
    if not dot or not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in (rank, number)):
        raise InvalidInput(_CURSOR)
    return int(rank), int(number)
