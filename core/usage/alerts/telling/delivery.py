"""Tell people of alerts: notices at once, mails and webhooks as jobs that try again."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from core.clock import Clock
from core.errors import InvalidInput, PortalError, StoredError, Unavailable
from core.notices.giving import alert_changed
from core.people.permissions import Permission, require
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from core.usage.alerts.ports import MailSender, WebhookSender
from core.usage.alerts.records import Channel, Delivery, DeliveryState, Episode, Event, StoredRule
from core.usage.alerts.rules import found, may_be_told
from core.usage.alerts.telling.messages import mail, posted

KIND = "alert.deliver"
MOST_TRIES = 6
AT_ONCE = 4
MAX_TESTS = 20
SIGNATURE, TIMESTAMP, DELIVERY = "X-Portal-Signature", "X-Portal-Timestamp", "X-Portal-Delivery"
"""Headers of a webhook. The signature is the HMAC-SHA256 of "timestamp.body" with the webhook's secret, in hex."""


def tell(
    work: UnitOfWork, jobs: Jobs, now: datetime, stored: StoredRule, event: Event, episode: Episode | None, value: float | None,
    public_url: str,
) -> list[Delivery]:  # fmt: skip
    """Tell the rule's people, mail addresses and webhooks, in the transaction of the change."""
    rule = stored.rule
    if event is not Event.TEST:
        people = (work.users.get(id) for id in rule.people)
        told = [person.id for person in people if person is not None and may_be_told(person)]
        alert_changed(work, now, told, rule.name, stored.id, firing=event in (Event.FIRING, Event.STILL_FIRING))
    subject, text = mail(stored, event, episode, value, public_url)
    webhooks = {each.id: each.name for each in work.alerts.webhooks() if each.id in rule.webhooks}
    targets = [(Channel.MAIL, each, each) for each in rule.mails] + [(Channel.WEBHOOK, id, name) for id, name in webhooks.items()]
    sent = []
    for channel, target, name in targets:
        id = uuid4().hex
        by_mail = json.dumps({"subject": subject, "text": text}, ensure_ascii=False)
        content = by_mail if channel is Channel.MAIL else posted(stored, id, event, episode, value, public_url, now)
        delivery = Delivery(
            id=id, rule_id=stored.id, rule_name=rule.name, episode_id=episode.id if episode else None, event=event, channel=channel,
            target=target, name=name, content=content, created_at=now,
        )  # fmt: skip
        work.alerts.add_delivery(delivery)
        jobs.add(work, KIND, {"delivery": id}, key=f"{KIND}:{id}")
        sent.append(delivery)
    return sent


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a webhook's body."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class AlertDelivery:
    """Sends mails and webhooks. A failed one is shown on the page and never stops the checks."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: Clock, mails: MailSender, webhooks: WebhookSender, public_url: str = ""
    ) -> None:
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._clock = clock
        self._mails = mails
        self._webhooks = webhooks
        self._public_url = public_url
        self.can_mail = mails.available

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(KIND, self._run, most_tries=MOST_TRIES, resumable=True, at_once=AT_ONCE, listed=False)]

    def test(self, user: User, rule_id: str) -> Sequence[Delivery]:
        """Send a test to the mail addresses and webhooks of a rule. Raises NotFound, InvalidInput."""
        require(user, Permission.MANAGE_ALERTS)
        with self._unit_of_work() as work:
            stored = found(work.alerts.rule(rule_id))
            if not (stored.rule.mails or stored.rule.webhooks):
                raise InvalidInput("This rule tells no mail address and no webhook. Add one and save the rule first.")
            sent = tell(work, self._jobs, self._clock(), stored, Event.TEST, None, stored.status.value, self._public_url)
            work.commit()
        self._jobs.wake()
        return sent

    def tests(self, user: User, rule_id: str) -> Sequence[Delivery]:
        """Return the newest tests of a rule, newest first. Raises NotFound."""
        require(user, Permission.MANAGE_ALERTS)
        with self._unit_of_work() as work:
            return work.alerts.tests(found(work.alerts.rule(rule_id)).id, MAX_TESTS)

    def _run(self, job: Job, report: Report) -> Mapping[str, Json]:
        with self._unit_of_work() as work:
            delivery = work.alerts.delivery(str(job.payload["delivery"]))
        if delivery is None or delivery.state is not DeliveryState.WAITING:
            return {}
        report(0.1)
        try:
            self._send(delivery)
        except Unavailable as problem:
            state = DeliveryState.FAILED if job.tries >= MOST_TRIES else DeliveryState.WAITING
            self._note(delivery, job, state, problem)
            raise
        except PortalError as problem:
            self._note(delivery, job, DeliveryState.FAILED, problem)
            raise
        self._note(delivery, job, DeliveryState.SENT, None)
        return {}

    def _send(self, delivery: Delivery) -> None:
        if delivery.channel is Channel.MAIL:
            message = json.loads(delivery.content)
            self._mails.send(delivery.target, message["subject"], message["text"])
            return
        with self._unit_of_work() as work:
            webhook = work.alerts.webhook(delivery.target)
        if webhook is None:
            raise InvalidInput("This webhook does not exist any more.")
        body, timestamp = delivery.content.encode(), str(int(self._clock().timestamp()))
        headers = {SIGNATURE: f"sha256={signature(webhook.secret, timestamp, body)}", TIMESTAMP: timestamp, DELIVERY: delivery.id}
        self._webhooks.post(webhook.name, webhook.address, body, headers)

    def _note(self, delivery: Delivery, job: Job, state: DeliveryState, problem: PortalError | None) -> None:
        ended = self._clock() if state is not DeliveryState.WAITING else None
        error = StoredError.of(problem) if problem is not None else None
        with self._unit_of_work() as work:
            work.alerts.save_delivery(replace(delivery, state=state, tries=job.tries, error=error, ended_at=ended))
            work.commit()
