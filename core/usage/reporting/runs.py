"""Make reports on schedule, once for all servers, and send each by mail and as a notice."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from core.clock import Clock
from core.errors import Busy, Conflict, NotAllowed, PortalError, StoredError, Unavailable
from core.notices.giving import report_ready, report_stopped
from core.people.records import User
from core.tasks.handlers import JobKind
from core.tasks.handlers import Report as Progress
from core.tasks.jobs import Jobs
from core.tasks.records import Job, Json
from core.tasks.timing import due_slot
from core.unit_of_work import UnitOfWorkFactory
from core.usage.alerts.ports import Attachment, MailSender
from core.usage.alerts.rules import may_be_told
from core.usage.reporting.content import from_json, to_json
from core.usage.reporting.plans import MAKE, begin, may_make
from core.usage.reporting.records import DeliveryState, MadeReport, Report, ReportMail, StoredPlan
from core.usage.reporting.wording import day_words, say
from core.usage.reporting.writer import ReportFormat, ReportWriter

log = logging.getLogger(__name__)

SCHEDULE, MAIL = "report.schedule", "report.mail"
EVERY = timedelta(minutes=1)
MOST_TRIES = 6
AT_ONCE = 2
KEPT = 60
"""Most reports that are kept of each plan."""
PATH = "/reports"
STOPPED = "Its owner may no longer see usage, send reports or export files, so it is off. A person who may do so can save it again."


class ReportRuns:
    """Runs three kinds of jobs: look what is due, make a report, send a mail."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: Clock, writer: ReportWriter, mails: MailSender, *,
        time_zone: str = "UTC", public_url: str = "",
    ) -> None:  # fmt: skip
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._clock = clock
        self._writer = writer
        self._mails = mails
        self._zone = ZoneInfo(time_zone)
        self._public_url = public_url

    def job_kinds(self) -> list[JobKind]:
        return [
            JobKind(SCHEDULE, self._schedule, every=EVERY, most_tries=3, resumable=True, at_once=1, listed=False),
            JobKind(MAKE, self._make, most_tries=MOST_TRIES, resumable=True, at_once=1, listed=False),
            JobKind(MAIL, self._mail, most_tries=MOST_TRIES, resumable=True, at_once=AT_ONCE, listed=False),
        ]

    def begin_due(self) -> int:
        """Begin every report that is due; return how many. Of several missed reports, only the newest is made."""
        with self._unit_of_work() as work:
            plans = work.reports.plans()
        begun = sum(self._begin(each.id) for each in plans if each.enabled)
        if begun:
            self._jobs.wake()
        return begun

    def _begin(self, plan_id: str) -> bool:
        now = self._clock()
        with self._unit_of_work() as work:
            plan = work.reports.plan_for_change(plan_id)
            slot = due_slot(plan.plan.timing, plan.covered_until, now, self._zone) if plan is not None and plan.enabled else None
            if plan is None or slot is None:
                return False
            try:
                begin(work, self._jobs, plan, slot)
            except Conflict:
                return False  # The one before is still being made; the next look begins this one.
            work.reports.covered(plan_id, slot)
            work.commit()
        return True

    def _schedule(self, job: Job, progress: Progress) -> Mapping[str, Json]:
        return {"begun": self.begin_due()}

    def _make(self, job: Job, progress: Progress) -> Mapping[str, Json]:
        with self._unit_of_work() as work:
            plan = work.reports.plan(str(job.payload["plan"]))
            owner = work.users.get(plan.owner_id) if plan is not None else None
            if plan is None or work.reports.report(job.id) is not None:
                return {}
        if owner is None or not may_make(owner, plan.plan):
            self._stop(plan)
            return {"stopped": True}
        progress(0.1)
        slot = datetime.fromisoformat(str(job.payload["slot"]))
        try:
            made = self._writer.make(owner, plan.plan, slot.astimezone(self._zone).date())
        except NotAllowed:
            self._stop(plan)
            return {"stopped": True}
        except PortalError as problem:
            passing = isinstance(problem, (Unavailable, Busy)) and job.tries < MOST_TRIES
            if not passing:
                self._fail(plan, problem)
            raise
        progress(0.8)
        self._store(job.id, plan, made)
        return {"report": job.id}

    def _store(self, report_id: str, plan: StoredPlan, made: Report) -> None:
        """Store a report, and tell everyone who gets it, in one transaction."""
        now = self._clock()
        report = MadeReport(
            id=report_id, plan_id=plan.id, name=plan.plan.name, owner_id=plan.owner_id, first=made.query.first, last=made.query.last,
            made_at=now,
        )  # fmt: skip
        with self._unit_of_work() as work:
            if work.reports.plan_for_change(plan.id) is None:
                return  # It was removed while its report was made.
            work.reports.add_report(report, to_json(made), KEPT)
            people = (work.users.get(id) for id in plan.plan.people)
            report_ready(work, now, [each.id for each in people if each is not None and may_be_told(each)], report.name, report_id)
            for address in plan.plan.mails:
                mail = ReportMail(id=uuid4().hex, report_id=report_id, address=address, language=plan.plan.language, created_at=now)
                work.reports.add_mail(mail)
                self._jobs.add(work, MAIL, {"mail": mail.id}, key=f"{MAIL}:{mail.id}")
            work.reports.stopped(plan.id, None, enabled=plan.enabled)
            work.commit()
        self._jobs.wake()

    def _stop(self, plan: StoredPlan) -> None:
        """Switch a plan off whose owner lost the right, and say so to everyone who gets its reports."""
        self._tell_failed(plan, StoredError(STOPPED), enabled=False)

    def _fail(self, plan: StoredPlan, problem: PortalError) -> None:
        self._tell_failed(plan, StoredError.of(problem), enabled=plan.enabled)

    def _tell_failed(self, plan: StoredPlan, problem: StoredError, *, enabled: bool) -> None:
        with self._unit_of_work() as work:
            work.reports.stopped(plan.id, problem, enabled=enabled)
            people = (work.users.get(id) for id in dict.fromkeys((plan.owner_id, *plan.plan.people)))
            told = [each.id for each in people if each is not None and may_be_told(each)]
            report_stopped(work, self._clock(), told, plan.plan.name, plan.id)
            work.commit()
        log.warning("The report %s was not made: %s", plan.id, problem.template)

    def _mail(self, job: Job, progress: Progress) -> Mapping[str, Json]:
        with self._unit_of_work() as work:
            mail = work.reports.mail(str(job.payload["mail"]))
            found = work.reports.report(mail.report_id) if mail is not None else None
            owner = work.users.get(found[0].owner_id) if found is not None else None
        if mail is None or found is None or owner is None or mail.state is not DeliveryState.WAITING:
            return {}
        progress(0.1)
        try:
            self._send(owner, mail, from_json(found[1]))
        except Unavailable as problem:
            self._note(mail, job, DeliveryState.FAILED if job.tries >= MOST_TRIES else DeliveryState.WAITING, problem)
            raise
        except PortalError as problem:
            self._note(mail, job, DeliveryState.FAILED, problem)
            raise
        self._note(mail, job, DeliveryState.SENT, None)
        return {}

    def _send(self, owner: User, mail: ReportMail, report: Report) -> None:
        language = mail.language
        period = say(
            language, "{first} to {last}", first=day_words(language, report.query.first), last=day_words(language, report.query.last)
        )  # fmt: skip
        attached = "The report {name} for {period} is attached. It opens in any browser without a connection."
        lines = [say(language, attached, name=report.name, period=period)]
        if self._public_url:
            lines += ["", say(language, "All reports: {address}", address=self._public_url.rstrip("/") + PATH)]
        files = [self._writer.file(owner, report, ReportFormat.HTML, language)]
        if ReportFormat.PDF in self._writer.formats(owner):
            files.append(self._writer.file(owner, report, ReportFormat.PDF, language))
        attachments = [Attachment(each.name, each.media_type, each.content) for each in files]
        self._mails.send(mail.address, say(language, "Report: {name}", name=report.name), "\n".join(lines) + "\n", attachments)

    def _note(self, mail: ReportMail, job: Job, state: DeliveryState, problem: PortalError | None) -> None:
        ended = self._clock() if state is not DeliveryState.WAITING else None
        error = StoredError.of(problem) if problem is not None else None
        with self._unit_of_work() as work:
            work.reports.save_mail(replace(mail, state=state, tries=job.tries, error=error, ended_at=ended))
            work.commit()
