"""Reports on schedule: due once, made up once, sent by a real mail server, stopped with their owner's rights."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session

from core.errors import NotAllowed, NotFound, PortalError
from core.notices.records import NoticeKind
from core.people.accounts import Accounts
from core.people.permissions import Permission
from core.people.records import Role, User
from core.tasks.handlers import Report as Progress
from core.tasks.jobs import Jobs
from core.tasks.records import Every, Job, JobState
from core.unit_of_work import UnitOfWorkFactory
from core.usage.boards.service import Boards
from core.usage.money.service import Money
from core.usage.records import Language
from core.usage.reporting import runs as module
from core.usage.reporting.plans import ReportPlans, may_make
from core.usage.reporting.records import DeliveryState, ReportPlan
from core.usage.reporting.runs import ReportRuns
from core.usage.reporting.writer import ReportFormat, ReportWriter
from core.usage.rollups.service import Rollups
from core.usage.sheets.service import Sheets
from data.mail import SmtpMail
from samples.servers.ports import free_port
from tests.store import things
from tests.unit.core.conftest import MovingClock

KINDS = (module.SCHEDULE, module.MAKE, module.MAIL)


class NoPlugins:
    def export_formats(self, user: User) -> list[Any]:
        return []


class Inbox:
    def __init__(self) -> None:
        self.got: list[Envelope] = []
        self.reply = "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        if self.reply.startswith("250"):
            self.got.append(envelope)
        return self.reply


class House:
    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: MovingClock, jobs: Jobs, boss: User, mails: SmtpMail) -> None:
        self.unit_of_work, self.clock, self.boss = unit_of_work, clock, boss
        self.ends = True
        """Whether jobs end after their run; False: the first one waits a minute for its next try."""
        rollups = Rollups(unit_of_work, clock, "Europe/Zurich")
        boards = Boards(unit_of_work, rollups, clock)
        plugins: Any = NoPlugins()
        sheets = Sheets(unit_of_work, boards, Money(unit_of_work, rollups, clock), clock)
        self.writer = ReportWriter(unit_of_work, boards, sheets, plugins, clock)
        self.plans = ReportPlans(unit_of_work, jobs, clock, "Europe/Zurich", can_mail=True)
        self.runs = ReportRuns(
            unit_of_work, jobs, clock, self.writer, mails, time_zone="Europe/Zurich", public_url="https://portal.example/"
        )  # fmt: skip

    def work_off(self, tries: int = 1) -> list[PortalError]:
        """Run everything that waits, and what that adds; return the failures."""
        failures, kinds = [], {each.name: each for each in self.runs.job_kinds()}
        while (job := self._claimed()) is not None:
            try:
                kinds[job.kind].run(replace(job, tries=tries), Progress(threading.Event()))
            except PortalError as problem:
                failures.append(problem)
            with self.unit_of_work() as work:
                if self.ends:
                    work.jobs.end(job.id, "w", JobState.DONE, self.clock(), {}, None)
                else:
                    work.jobs.postpone(job.id, "w", self.clock() + timedelta(minutes=1), None)
                    work.commit()
                    return failures
                work.commit()
        return failures

    def _claimed(self) -> Job | None:
        with self.unit_of_work() as work:
            job = work.jobs.claim("w", "s", list(KINDS), self.clock(), self.clock() + timedelta(hours=1))
            work.commit()
        return job

    def notices(self, user: User) -> list[NoticeKind]:
        with self.unit_of_work() as work:
            return [each.kind for each in work.notices.of_user(user.id, 10)]


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    made, port = Inbox(), free_port()
    controller = Controller(made, hostname="127.0.0.1", port=port, ready_timeout=60)
    controller.start()
    yield made, port
    controller.stop()


@pytest.fixture
def house(
    unit_of_work: UnitOfWorkFactory, clock: MovingClock, jobs: Jobs, accounts: Accounts, admin: User, inbox: tuple[Inbox, int]
) -> House:
    boss = accounts.add(admin, "mei", Role.MANAGER, password="correct horse", full_name="Mei Lin", group="Risk")
    clock.time = datetime(2026, 11, 20, 12, tzinfo=UTC)
    made = House(unit_of_work, clock, jobs, boss, SmtpMail(
        host="127.0.0.1", port=inbox[1], security="none", user="", password="", sender="portal@corp.example"
    ))  # fmt: skip
    with unit_of_work() as work:
        for day in range(10, 20):
            work.generations.add(things.generation(boss, at=datetime(2026, 11, day, 9, tzinfo=UTC), model="glm", group="Risk"))
        work.commit()
    return made


def weekly(**changes: Any) -> ReportPlan:
    cards = ("overview.figures", "overview.answers_per_day", "overview.groups")
    return ReportPlan(**{"name": "Week", "cards": cards, "every": Every.WEEK, "mails": ("board@corp.example",)} | changes)


def test_it_is_made_once_at_its_hour_and_kept_and_mailed_in_its_language(house: House, inbox: tuple[Inbox, int]) -> None:
    plan = house.plans.add(house.boss, weekly(language=Language.ZH, people=(house.boss.id,)))
    assert house.runs.begin_due() == 0
    house.clock.time = datetime(2026, 11, 23, 6, 0, 30, tzinfo=UTC)
    assert (house.runs.begin_due(), house.runs.begin_due()) == (1, 0)
    assert house.work_off() == []
    [sent] = house.plans.sent(house.boss)
    assert (sent.report.first.isoformat(), sent.report.last.isoformat()) == ("2026-11-16", "2026-11-22")
    assert [mail.state for mail in sent.mails] == [DeliveryState.SENT] and house.notices(house.boss) == [NoticeKind.REPORT_READY]
    [envelope] = inbox[0].got
    message = message_from_bytes(envelope.content or b"", policy=default)  # type: ignore[arg-type]
    [attached] = list(message.iter_attachments())
    page = attached.get_content()
    assert message["Subject"] == "报告：Week" and "https://portal.example/reports" in message.get_body().get_content()
    assert attached.get_content_type() == "text/html" and "回答" in page and "default-src &#x27;none&#x27;" in page
    assert house.plans.get(house.boss, plan.id).problem is None
    again = house.writer.made(house.boss, sent.report.id, ReportFormat.HTML, Language.EN).content.decode()
    assert "16 Nov 2026 to 22 Nov 2026" in again and ">4<" in again, "four answers on the 16th to the 19th"


def test_of_several_missed_ones_only_the_newest_is_made_up(house: House) -> None:
    house.plans.add(house.boss, weekly(mails=()))
    house.clock.forward(days=40)
    assert house.runs.begin_due() == 1 and house.work_off() == []
    assert house.runs.begin_due() == 0 and len(house.plans.sent(house.boss)) == 1


def test_an_owner_who_lost_the_right_stops_it_and_everyone_is_told(house: House, accounts: Accounts, admin: User) -> None:
    reader = accounts.add(admin, "lin", Role.MANAGER, password="correct horse")
    plan = house.plans.add(house.boss, weekly(people=(reader.id,)))
    accounts.change(admin, "mei", role=Role.ANALYST)
    house.clock.forward(days=7)
    assert house.runs.begin_due() == 1 and house.work_off() == []
    stopped = house.plans.get(reader, plan.id)
    assert not stopped.enabled and stopped.problem is not None and "no longer see usage" in stopped.problem.template
    assert house.plans.sent(reader) == [] and house.notices(reader) == [NoticeKind.REPORT_STOPPED]
    house.clock.forward(days=7)
    assert house.runs.begin_due() == 0
    house.plans.change(reader, plan.id, enabled=True)
    house.clock.forward(days=7)
    assert house.runs.begin_due() == 1 and house.work_off() == [] and len(house.plans.sent(reader)) == 1, "it runs for its new owner"


def test_a_busy_mail_server_is_tried_again_and_a_refusal_is_shown(house: House, inbox: tuple[Inbox, int]) -> None:
    house.plans.add(house.boss, weekly())
    house.clock.forward(days=7)
    house.runs.begin_due()
    inbox[0].reply = "451 Later"
    [busy] = house.work_off()
    [sent] = house.plans.sent(house.boss)
    assert busy.code == "unavailable" and sent.mails[0].state is DeliveryState.WAITING and sent.mails[0].error is not None
    house.plans.add(house.boss, weekly(name="Other"))
    house.clock.forward(days=7)
    house.runs.begin_due()
    inbox[0].reply = "550 No"
    house.work_off()
    assert DeliveryState.FAILED in {mail.state for each in house.plans.sent(house.boss) for mail in each.mails}


def test_days_that_are_being_added_up_let_it_wait_and_the_last_try_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = house.plans.add(house.boss, weekly(people=(house.boss.id,)))
    house.clock.forward(days=7)
    monkeypatch.setattr("core.usage.rollups.service.FEW_ROWS", 0)
    house.runs.begin_due()
    house.ends = False
    [waits] = house.work_off()
    assert waits.code == "unavailable" and house.plans.get(house.boss, plan.id).problem is None
    house.clock.forward(minutes=1)
    house.work_off(tries=module.MOST_TRIES)
    assert house.notices(house.boss) == [NoticeKind.REPORT_STOPPED]


def test_who_may_not_export_has_no_report_mailed(house: House) -> None:
    limited = replace(house.boss, withheld=frozenset({Permission.EXPORT}))
    with pytest.raises(NotAllowed):
        house.plans.add(limited, weekly())
    mailed = house.plans.add(house.boss, weekly())
    with pytest.raises(NotAllowed):
        house.plans.change(limited, mailed.id, enabled=True)
    assert not house.plans.change(limited, mailed.id, enabled=False).enabled
    assert house.plans.add(limited, weekly(name="On screen", mails=())).enabled
    assert (may_make(limited, weekly()), may_make(limited, weekly(mails=())), may_make(house.boss, weekly())) == (False, True, True)


def test_an_analyst_reads_and_plans_nothing(house: House, ana: User) -> None:
    asks: list[Callable[[], object]] = [
        lambda: house.plans.overview(ana), lambda: house.plans.sent(ana), lambda: house.plans.add(ana, weekly()),
        lambda: house.writer.shown(ana, weekly(), Language.EN), lambda: house.writer.shown_made(ana, "x", Language.EN),
        lambda: house.writer.formats(ana),
    ]  # fmt: skip
    for ask in asks:
        with pytest.raises(NotAllowed):
            ask()
    with pytest.raises(NotFound):
        house.writer.shown_made(house.boss, "x", Language.EN)
