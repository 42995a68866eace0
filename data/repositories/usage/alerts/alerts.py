"""Store alert rules with their state, what fired, what was sent, and webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from core.usage.alerts.records import Delivery, Episode, RuleStatus, Sample, StoredRule, Webhook
from core.usage.alerts.rule_records import AlertRule, Severity
from data.repositories.usage.alerts import rows
from data.repositories.usage.alerts.samples import read_samples
from data.tables import AlertDeliveryTable, AlertEpisodeTable, AlertRuleTable, AlertWebhookTable
from data.transaction import AnyRow, Transaction

_RULE = AlertRuleTable.__table__.c
_EPISODE = AlertEpisodeTable.__table__.c
_DELIVERY = AlertDeliveryTable.__table__.c
_WEBHOOK = AlertWebhookTable.__table__.c


class SqlAlertRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add_rule(self, rule: StoredRule) -> None:
        values = {
            "id": rule.id, "rule": rows.write_rule(rule.rule), "enabled": rule.enabled, "created_at": rule.created_at,
            "created_by": rule.created_by, "updated_at": rule.updated_at, "updated_by": rule.updated_by,
        }  # fmt: skip
        self._sql.write(insert(AlertRuleTable).values(values | rows.status_values(rule.status)))

    def rules(self) -> Sequence[StoredRule]:
        return self._rules(self._sql.all(select(*_RULE).order_by(_RULE.created_at, _RULE.id)))

    def rule(self, rule_id: str) -> StoredRule | None:
        found = self._rules(self._sql.all(select(*_RULE).where(_RULE.id == rule_id)))
        return found[0] if found else None

    def rule_for_change(self, rule_id: str) -> StoredRule | None:
        found = self._rules(self._sql.lock(select(*_RULE).where(_RULE.id == rule_id)))
        return found[0] if found else None

    def save_rule(self, rule: StoredRule) -> None:
        values = {
            "rule": rows.write_rule(rule.rule), "enabled": rule.enabled, "updated_at": rule.updated_at, "updated_by": rule.updated_by,
        }  # fmt: skip
        self._sql.write(update(AlertRuleTable).where(_RULE.id == rule.id).values(values))

    def save_status(self, rule_id: str, status: RuleStatus) -> None:
        self._sql.write(update(AlertRuleTable).where(_RULE.id == rule_id).values(rows.status_values(status)))
        if status.episode is not None:
            values = rows.episode_values(status.episode)
            self._sql.upsert(AlertEpisodeTable, ["id"], values, [name for name in values if name != "id"], _EPISODE.id)

    def remove_rule(self, rule_id: str) -> None:
        self._sql.write(delete(AlertRuleTable).where(_RULE.id == rule_id))

    def rename_group(self, old: str, new: str) -> None:
        for each in self.rules():
            if each.rule.group == old:
                self.save_rule(replace(each, rule=replace(each.rule, group=new)))

    def end_episode(self, episode: Episode) -> None:
        self._sql.write(update(AlertEpisodeTable).where(_EPISODE.id == episode.id).values(rows.episode_values(episode)))

    def episodes(self, limit: int, before: datetime | None = None, rule_id: str | None = None) -> Sequence[Episode]:
        statement = select(*_EPISODE)
        if before is not None:
            statement = statement.where(_EPISODE.started_at < before)
        if rule_id is not None:
            statement = statement.where(_EPISODE.rule_id == rule_id)
        found = self._sql.all(statement.order_by(_EPISODE.started_at.desc(), _EPISODE.id).limit(limit))
        return [rows.episode(row) for row in found]

    def counts_since(self, since: datetime) -> Mapping[str, int]:
        statement = select(_EPISODE.rule_id, func.count().label("times")).where(_EPISODE.started_at >= since)
        return {row.rule_id: row.times for row in self._sql.all(statement.group_by(_EPISODE.rule_id))}

    def firing(self) -> Mapping[Severity, int]:
        statement = select(_EPISODE.severity, func.count().label("number")).join(AlertRuleTable, _RULE.episode_id == _EPISODE.id)
        counted = {row.severity: row.number for row in self._sql.all(statement.group_by(_EPISODE.severity))}
        return {severity: counted.get(severity.value, 0) for severity in Severity}

    def remove_episodes(self, before: datetime) -> int:
        self._sql.write(delete(AlertDeliveryTable).where(_DELIVERY.episode_id.is_(None), _DELIVERY.created_at < before))
        return self._sql.write(delete(AlertEpisodeTable).where(_EPISODE.ended_at < before)).rowcount

    def samples(self, rule: AlertRule, since: datetime, until: datetime, limit: int) -> Sequence[Sample]:
        return read_samples(self._sql, rule, since, until, limit)

    def add_webhook(self, webhook: Webhook) -> None:
        self._sql.write(insert(AlertWebhookTable).values(asdict(webhook)))

    def webhooks(self) -> Sequence[Webhook]:
        return sorted((Webhook(**row._mapping) for row in self._sql.all(select(*_WEBHOOK))), key=lambda each: each.name)

    def webhook(self, webhook_id: str) -> Webhook | None:
        row = self._sql.first(select(*_WEBHOOK).where(_WEBHOOK.id == webhook_id))
        return None if row is None else Webhook(**row._mapping)

    def remove_webhook(self, webhook_id: str) -> None:
        self._sql.write(delete(AlertWebhookTable).where(_WEBHOOK.id == webhook_id))

    def add_delivery(self, delivery: Delivery) -> None:
        self._sql.write(insert(AlertDeliveryTable).values(rows.delivery_values(delivery)))

    def delivery(self, delivery_id: str) -> Delivery | None:
        row = self._sql.first(select(*_DELIVERY).where(_DELIVERY.id == delivery_id))
        return None if row is None else rows.delivery(row)

    def save_delivery(self, delivery: Delivery) -> None:
        values = {"state": delivery.state.value, "tries": delivery.tries, "error": delivery.error, "ended_at": delivery.ended_at}
        self._sql.write(update(AlertDeliveryTable).where(_DELIVERY.id == delivery.id).values(values))

    def deliveries(self, episode_ids: Sequence[str]) -> Sequence[Delivery]:
        if not episode_ids:
            return []
        statement = select(*_DELIVERY).where(_DELIVERY.episode_id.in_(list(episode_ids)))
        return [rows.delivery(row) for row in self._sql.all(statement.order_by(_DELIVERY.created_at, _DELIVERY.id))]

    def tests(self, rule_id: str, limit: int) -> Sequence[Delivery]:
        statement = select(*_DELIVERY).where(_DELIVERY.rule_id == rule_id, _DELIVERY.episode_id.is_(None))
        return [rows.delivery(row) for row in self._sql.all(statement.order_by(_DELIVERY.created_at.desc(), _DELIVERY.id).limit(limit))]

    def _rules(self, found: Sequence[AnyRow]) -> list[StoredRule]:
        ids = [row.episode_id for row in found if row.episode_id is not None]
        firing = {}
        if ids:
            firing = {row.id: rows.episode(row) for row in self._sql.all(select(*_EPISODE).where(_EPISODE.id.in_(ids)))}
        return [rows.stored_rule(row, firing.get(row.episode_id)) for row in found]
