"""Export cases, without the personal data that must not leave the portal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from core.clock import Clock
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.review.cases.queue import CaseQueue
from core.review.cases.records import CaseQuery, ReviewCase
from core.unit_of_work import UnitOfWorkFactory

PAGE = 200


class CaseExport:
    def __init__(self, unit_of_work: UnitOfWorkFactory, queue: CaseQueue, privacy: PrivacyFilter, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._queue = queue
        self._privacy = privacy
        self._clock = clock

    def all(self, user: User, query: CaseQuery) -> Iterator[ReviewCase]:
        """Yield every case that `query` matches, and record the export in the audit log."""
        require(user, Permission.REVIEW_FEEDBACK)
        require(user, Permission.EXPORT)
        page = self._queue.find(user, query, PAGE)
        with self._unit_of_work() as work:
            details = {"rows": str(page.total), "words": query.words.strip()[:200]}
            record(work, self._clock(), user.id, "feedback.export", "feedback", **details)
            work.commit()
        change = self._privacy.exported(user)
        while True:
            for case in page.cases:
                rating, said = case.feedback, case.feedback.details
                masked = replace(
                    rating, comment=change(rating.comment), note=change(rating.note),
                    question=change(rating.question) if rating.question else rating.question,
                    answer=change(rating.answer) if rating.answer else rating.answer,
                    details=replace(said, passage=change(said.passage), better_answer=change(said.better_answer)),
                )  # fmt: skip
                yield replace(case, feedback=masked, fix=change(case.fix), reply=change(case.reply), correction=change(case.correction))
            if page.next_cursor is None:
                return
            page = self._queue.find(user, query, PAGE, page.next_cursor)
