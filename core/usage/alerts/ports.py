"""Declare the repository of alerts, and who sends mail and webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.usage.alerts.records import Delivery, Episode, RuleStatus, Sample, StoredRule, Webhook
from core.usage.alerts.rule_records import AlertRule, Severity


class AlertRepository(Protocol):
    """Stores alert rules with their state, what fired, and what was sent."""

    def add_rule(self, rule: StoredRule) -> None: ...
    def rules(self) -> Sequence[StoredRule]:
        """Return all rules with their state, the oldest first."""
        ...

    def rule(self, rule_id: str) -> StoredRule | None: ...
    def rule_for_change(self, rule_id: str) -> StoredRule | None:
        """Read and lock a rule: until the transaction ends, nobody else evaluates or changes it."""
        ...

    def save_rule(self, rule: StoredRule) -> None:
        """Write the rule without its state."""
        ...

    def save_status(self, rule_id: str, status: RuleStatus) -> None:
        """Write the state, and the alert that fires."""
        ...

    def remove_rule(self, rule_id: str) -> None:
        """Delete a rule. What it fired stays."""
        ...

    def rename_group(self, old: str, new: str) -> None:
        """Let rules of a group follow its new name."""
        ...

    def end_episode(self, episode: Episode) -> None: ...
    def episodes(self, limit: int, before: datetime | None = None, rule_id: str | None = None) -> Sequence[Episode]:
        """Return alerts, newest first. before: only those that began earlier."""
        ...

    def counts_since(self, since: datetime) -> Mapping[str, int]:
        """Count the alerts of each rule that began since."""
        ...

    def firing(self) -> Mapping[Severity, int]:
        """Count what fires now, by severity."""
        ...

    def remove_episodes(self, before: datetime) -> int:
        """Delete the alerts that ended before, and what was sent about them and as tests; returns how many alerts."""
        ...

    def samples(self, rule: AlertRule, since: datetime, until: datetime, limit: int) -> Sequence[Sample]:
        """Return the newest samples of a rule's measure in [since, until), oldest first."""
        ...

    def add_webhook(self, webhook: Webhook) -> None: ...
    def webhooks(self) -> Sequence[Webhook]:
        """Return all webhooks, by name."""
        ...

    def webhook(self, webhook_id: str) -> Webhook | None: ...
    def remove_webhook(self, webhook_id: str) -> None: ...
    def add_delivery(self, delivery: Delivery) -> None: ...
    def delivery(self, delivery_id: str) -> Delivery | None: ...
    def save_delivery(self, delivery: Delivery) -> None:
        """Write state, tries, error and end."""
        ...

    def deliveries(self, episode_ids: Sequence[str]) -> Sequence[Delivery]:
        """Return what was sent about these alerts, oldest first."""
        ...

    def tests(self, rule_id: str, limit: int) -> Sequence[Delivery]:
        """Return the newest tests of a rule."""
        ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a mail."""

    name: str
    media_type: str
    content: bytes


class MailSender(Protocol):
    @property
    def available(self) -> bool:
        """Tell whether a mail server is configured."""
        ...

    def send(self, to: str, subject: str, text: str, attachments: Sequence[Attachment] = ()) -> None:
        """Send a mail. Raises Unavailable, and InvalidInput if the server refuses it for good."""
        ...


class WebhookSender(Protocol):
    def check(self, address: str) -> None:
        """Raise InvalidInput for an address that can never be posted to."""
        ...

    def post(self, name: str, address: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Post JSON. Raises Unavailable, and InvalidInput if the server refuses it for good."""
        ...
