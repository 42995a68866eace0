"""Manage the addresses that alerts are posted to."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.people.accounts import clean_line
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from core.usage.alerts.ports import WebhookSender
from core.usage.alerts.records import Webhook

MAX_WEBHOOKS = 50
MAX_ADDRESS_LENGTH = 2_000
_SECRET_BYTES = 32


class AlertWebhooks:
    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, sender: WebhookSender) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._sender = sender

    def list(self, user: User) -> Sequence[Webhook]:
        """Return all webhooks without their secrets, by name."""
        require(user, Permission.MANAGE_ALERTS)
        with self._unit_of_work() as work:
            return [replace(each, secret="") for each in work.alerts.webhooks()]

    def add(self, user: User, name: str, address: str) -> Webhook:
        """Add a webhook and return it with its secret, which is never shown again. Raises InvalidInput, Conflict."""
        require(user, Permission.MANAGE_ALERTS)
        name, address = clean_line(name), address.strip()
        if not name:
            raise InvalidInput("Give the webhook a name.")
        if len(address) > MAX_ADDRESS_LENGTH:
            raise InvalidInput("The address has more than {most} characters.", most=MAX_ADDRESS_LENGTH)
        self._sender.check(address)
        made = Webhook(
            id=uuid4().hex, name=name, address=address, secret=secrets.token_urlsafe(_SECRET_BYTES), created_at=self._clock(),
            created_by=user.id,
        )  # fmt: skip
        with self._unit_of_work() as work:
            known = work.alerts.webhooks()
            if len(known) >= MAX_WEBHOOKS:
                raise InvalidInput("There are {most} webhooks already. Remove one first.", most=MAX_WEBHOOKS)
            if any(each.name == name for each in known):
                raise Conflict("There is already a webhook named {name}. Choose another name.", name=name)
            work.alerts.add_webhook(made)
            record(work, self._clock(), user.id, "alert.add_webhook", name)
            work.commit()
        return made

    def remove(self, user: User, webhook_id: str) -> None:
        """Delete a webhook, and take it out of the rules that tell it. Raises NotFound."""
        require(user, Permission.MANAGE_ALERTS)
        with self._unit_of_work() as work:
            webhook = work.alerts.webhook(webhook_id)
            if webhook is None:
                raise NotFound("This webhook does not exist. It may have been removed.")
            for each in work.alerts.rules():
                if webhook_id in each.rule.webhooks and (stored := work.alerts.rule_for_change(each.id)) is not None:
                    others = tuple(id for id in stored.rule.webhooks if id != webhook_id)
                    work.alerts.save_rule(replace(stored, rule=replace(stored.rule, webhooks=others)))
            work.alerts.remove_webhook(webhook_id)
            record(work, self._clock(), user.id, "alert.remove_webhook", webhook.name)
            work.commit()
