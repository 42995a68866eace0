"""Open the cases of ratings that have none, such as those of an earlier release or of a restored backup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from core.review.cases.opening import is_complaint, open_case, question_key
from core.tasks.handlers import JobKind, Report
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWorkFactory

BATCH = 200
EVERY = timedelta(hours=1)


class CaseUpkeep:
    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    def job_kinds(self) -> list[JobKind]:
        """Return the hourly job that opens missing cases and finds equal questions among old ones."""
        return [JobKind("review.upkeep", self._run, every=EVERY, most_tries=3, resumable=True, listed=False)]

    def run(self, report: Report | None = None) -> int:
        """Do it now. Returns the number of cases that were opened or completed."""
        done = 0
        while True:
            if report is not None:
                report.check()
            changed = self._open() + self._complete()
            if not changed:
                return done
            done += changed

    def _run(self, job: Job, report: Report) -> Mapping[str, Json]:
        return {"cases": self.run(report)}

    def _open(self) -> int:
        with self._unit_of_work() as work:
            ids = work.cases.feedback_without_case(BATCH)
            for each in ids:
                if (rating := work.feedback.for_change(each)) is not None and work.cases.of_feedback(each) is None:
                    open_case(work, rating)
            work.commit()
        return len(ids)

    def _complete(self) -> int:
        """Add question keys, which the migration could not compute from encrypted questions."""
        with self._unit_of_work() as work:
            cases = work.cases.without_key(BATCH)
            for each in cases:
                if (case := work.cases.for_change(each.number)) is not None:
                    key = question_key(case.feedback.question) or ""
                    work.cases.save(replace(case, question_key=key, complaint=is_complaint(case.feedback)))
            work.commit()
        return len(cases)
