"""Read the audit log, newest first. Services write the events where they happen."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from core.clock import Clock
from core.errors import InvalidInput, PortalError
from core.people.audit_events import record, record_alone
from core.people.audit_records import AuditEntry, AuditFilter
from core.people.permissions import Permission, require
from core.people.records import User
from core.review.records import FeedbackFilter
from core.search.ports import IndexJobs, SearchIndex
from core.search.records import DocumentKind, SearchQuery
from core.unit_of_work import UnitOfWorkFactory

MAX_FOUND = 1000
"""A word search reads at most this many events, the newest."""
PAGE = 500
REFUSED_AGAIN = timedelta(minutes=1)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuditPage:
    entries: Sequence[AuditEntry]
    """Newest first."""
    total: int
    next_cursor: str | None
    behind_seconds: float = 0.0
    """Age of the oldest change that the index has not received; newer events may be missing. Set only for a word search."""
    cut: bool = False
    """The words occur in more than MAX_FOUND events, so only the newest were searched. Choose dates to reach the others."""
    raters: Mapping[str, str] = field(default_factory=dict)
    """Names of the people who gave the ratings in these events, by rating id; empty if they are hidden. Withdrawn ratings are missing."""


class AuditTrail:
    def __init__(
        self, unit_of_work: UnitOfWorkFactory, index: SearchIndex, jobs: IndexJobs, clock: Clock, *, names_hidden: bool = False
    ) -> None:
        """names_hidden: whether reviewers see no names of raters; the log then shows none either."""
        self._unit_of_work = unit_of_work
        self._names_hidden = names_hidden
        self._index = index
        self._jobs = jobs
        self._clock = clock
        self._refusals: dict[tuple[str, str], datetime] = {}
        self._lock = threading.Lock()

    def find(self, user: User, filter: AuditFilter, text: str = "", limit: int = 100, cursor: str | None = None) -> AuditPage:
        """Return one page. `text`: words in action, target, person or details. `cursor`: next_cursor of the previous page.

        Raises InvalidInput for an invalid cursor, and Unavailable for a word search while the index is down.
        """
        require(user, Permission.READ_AUDIT)
        if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
            raise InvalidInput("This cursor does not come from a search.")
        narrowed, cut = self._narrow(filter, text)
        with self._unit_of_work() as work:
            entries = work.audit.find(narrowed, limit + 1, cursor)
            total = work.audit.count(narrowed)
            about = {each.event.subject for each in entries if each.event.action.startswith("feedback.")}
            ratings = work.feedback.find(FeedbackFilter(ids=tuple(about)), len(about)) if about else ()
        shown = entries[:limit]
        behind = self._jobs.behind(self._clock()) if text.strip() else 0.0
        raters = {each.id: "" if self._names_hidden else each.user_name for each in ratings}
        return AuditPage(
            entries=shown,
            total=total,
            next_cursor=shown[-1].id if len(entries) > limit else None,
            behind_seconds=behind,
            cut=cut,
            raters=raters,
        )

    def all(self, user: User, filter: AuditFilter, text: str = "") -> Iterator[AuditEntry]:
        """Read every match for an export, page by page. The export is recorded too, but is not among its own rows."""
        require(user, Permission.READ_AUDIT)
        require(user, Permission.EXPORT)
        narrowed, _ = self._narrow(filter, text)
        before = None
        while True:
            with self._unit_of_work() as work:
                entries = work.audit.find(narrowed, PAGE, before)
                if before is None:
                    details = {"rows": str(work.audit.count(narrowed)), "words": text.strip()[:200]}
                    record(work, self._clock(), user.id, "audit.export", "audit", **details)
                    work.commit()
            yield from entries
            if len(entries) < PAGE:
                return
            before = entries[-1].id
    def refused(self, user: User, what: str) -> None:
        """Record a refusal, at most once a minute for the same thing, so that nobody can fill the log."""
        now = self._clock()
        with self._lock:
            self._refusals = {key: at for key, at in self._refusals.items() if now - at < REFUSED_AGAIN}
            if self._refusals.setdefault((user.id, what), now) is not now:
                return
        try:
            record_alone(self._unit_of_work, now, user.id, "access.refuse", what, role=str(user.role))
        except PortalError as problem:
            log.warning("The refusal of %s to %s could not be recorded: %s", what, user.id, problem)

    def choices(self, user: User) -> tuple[Sequence[str], Sequence[User]]:
        """Return the filter choices: the actions that occur, and the people."""
        require(user, Permission.READ_AUDIT)
        with self._unit_of_work() as work:
            return work.audit.actions(), work.users.all()

    def _narrow(self, filter: AuditFilter, text: str) -> tuple[AuditFilter, bool]:
        if not text.strip():
            return filter, False
        found = self._index.page(
            SearchQuery(text=text, kind=DocumentKind.AUDIT, owner_id=None, limit=MAX_FOUND, since=filter.since, until=filter.until)
        )
        return replace(filter, ids=tuple(hit.id for hit in found.hits)), found.total > len(found.hits)
