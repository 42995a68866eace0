"""Rules over a real store, with answers that tests add, and senders that note what they send."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from core.errors import PortalError
from core.inference.records import FinishReason
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.tasks.handlers import Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from core.usage.alerts.checks import AlertChecks
from core.usage.alerts.handling import AlertHandling
from core.usage.alerts.measures import Reading
from core.usage.alerts.ports import Attachment
from core.usage.alerts.preview import AlertPreviews
from core.usage.alerts.rule_records import AlertRule, Measure
from core.usage.alerts.rules import AlertRules
from core.usage.alerts.telling.delivery import AlertDelivery
from core.usage.alerts.telling.webhooks import AlertWebhooks
from tests.store import things
from tests.unit.core.conftest import MovingClock


@dataclass
class FakeMail:
    """Notes mails, or fails with the next error of `fails`."""

    available: bool = True
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    fails: list[PortalError] = field(default_factory=list)

    def send(self, to: str, subject: str, text: str, attachments: Sequence[Attachment] = ()) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append((to, subject, text))


@dataclass
class FakeWebhooks:
    sent: list[tuple[str, bytes, Mapping[str, str]]] = field(default_factory=list)
    fails: list[PortalError] = field(default_factory=list)

    def check(self, address: str) -> None:
        pass

    def post(self, name: str, address: str, body: bytes, headers: Mapping[str, str]) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append((address, body, headers))


@dataclass
class House:
    unit_of_work: UnitOfWorkFactory
    clock: MovingClock
    jobs: Jobs
    boss: User
    mails: FakeMail = field(default_factory=FakeMail)
    posts: FakeWebhooks = field(default_factory=FakeWebhooks)
    gauge: float | PortalError | None = None
    """What is measured now."""

    def __post_init__(self) -> None:
        self.rules = AlertRules(self.unit_of_work, self.clock)
        self.handling = AlertHandling(self.unit_of_work, self.clock)
        self.previews = AlertPreviews(self.unit_of_work, self.clock, self.read_now)
        self.webhooks = AlertWebhooks(self.unit_of_work, self.clock, self.posts)
        self.delivery = AlertDelivery(self.unit_of_work, self.jobs, self.clock, self.mails, self.posts, "https://portal.example")
        self.checks = AlertChecks(self.unit_of_work, self.jobs, self.clock, self.read_now, "https://portal.example")

    def read_now(self, work: UnitOfWork, rule: AlertRule) -> Reading:
        if isinstance(self.gauge, PortalError):
            raise self.gauge
        return Reading(self.gauge)

    def answers(self, number: int, failed: int = 0, model: str = "glm", group: str = "Risk") -> None:
        """Add answers of this moment."""
        with self.unit_of_work() as work:
            for each in range(number):
                row = things.generation(self.boss, at=self.clock(), model=model, group=group)
                finish = FinishReason.ERROR if each < failed else FinishReason.STOP
                work.generations.add(replace(row, finish_reason=finish))
            work.commit()

    def check(self, minutes: float = 0.5) -> None:
        for _ in range(max(1, round(minutes * 2))):
            self.clock.forward(seconds=30)
            self.checks.check_all()

    def deliver(self, tries: int = 1) -> list[PortalError]:
        """Run the waiting jobs once, as their `tries`th try; return their failures."""
        failures = []
        for job in self.waiting():
            [kind] = [each for each in self.delivery.job_kinds() if each.name == job.kind]
            try:
                kind.run(replace(job, tries=tries), Report(threading.Event()))
            except PortalError as problem:
                failures.append(problem)
        return failures

    def waiting(self) -> list[Job]:
        with self.unit_of_work() as work:
            found = []
            while (job := work.jobs.claim("w", "s", ["alert.deliver"], self.clock(), self.clock())) is not None:
                found.append(job)
        return found  # Not committed: they still wait.


ERRORS = AlertRule(name="Errors", measure=Measure.ERRORS, threshold=5, least=10, window_s=300)


@pytest.fixture
def house(unit_of_work: UnitOfWorkFactory, clock: MovingClock, jobs: Jobs, accounts: Accounts, admin: User) -> House:
    boss = accounts.add(admin, "mei", Role.MANAGER, password="correct horse", full_name="Mei Lin", group="Risk")
    return House(unit_of_work=unit_of_work, clock=clock, jobs=jobs, boss=boss)
