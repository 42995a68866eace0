"""Define the tables of alerts: rules with their state, what fired, what was sent, and webhooks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.errors import StoredError
from data.columns import ErrorText
from data.encryption.sealed_text import SealedProse
from data.tables.base import Table


class AlertRuleTable(Table):
    """Rules, each with its state. What is written and checked is JSON as text."""

    __tablename__ = "alert_rules"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    rule: Mapped[str] = mapped_column(SealedProse("alert_rules.rule"))
    enabled: Mapped[bool]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(64))
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(64))
    phase: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime | None]
    held_s: Mapped[float]
    value: Mapped[float | None]
    no_data_since: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    silence: Mapped[str | None] = mapped_column(SealedProse("alert_rules.silence"))
    """A Silence as JSON."""
    episode_id: Mapped[str | None] = mapped_column(String(64))
    """What fires now."""


class AlertEpisodeTable(Table):
    """Each time that a rule fired. No foreign key: the history outlives the rule."""

    __tablename__ = "alert_episodes"
    __table_args__ = (Index(None, "started_at"), Index(None, "rule_id", "started_at"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    rule_id: Mapped[str] = mapped_column(String(64))
    rule_name: Mapped[str] = mapped_column(SealedProse("alert_episodes.rule_name"))
    measure: Mapped[str] = mapped_column(String(32))
    severity: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ending: Mapped[str | None] = mapped_column(String(16))
    worst: Mapped[float | None]
    told_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(SealedProse("alert_episodes.note"))


class AlertDeliveryTable(Table):
    """Messages to mail addresses and webhooks. Tests have no episode."""

    __tablename__ = "alert_deliveries"
    __table_args__ = (Index(None, "episode_id"), Index(None, "rule_id", "created_at"), Index(None, "created_at"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    rule_id: Mapped[str] = mapped_column(String(64))
    rule_name: Mapped[str] = mapped_column(SealedProse("alert_deliveries.rule_name"))
    episode_id: Mapped[str | None] = mapped_column(ForeignKey("alert_episodes.id", ondelete="CASCADE"))
    event: Mapped[str] = mapped_column(String(16))
    channel: Mapped[str] = mapped_column(String(16))
    target: Mapped[str] = mapped_column(SealedProse("alert_deliveries.target"))
    name: Mapped[str] = mapped_column(SealedProse("alert_deliveries.name"))
    content: Mapped[str] = mapped_column(SealedProse("alert_deliveries.content"))
    state: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int]
    error: Mapped[StoredError | None] = mapped_column(ErrorText)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class AlertWebhookTable(Table):
    __tablename__ = "alert_webhooks"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(SealedProse("alert_webhooks.name"))
    address: Mapped[str] = mapped_column(SealedProse("alert_webhooks.address"))
    secret: Mapped[str] = mapped_column(SealedProse("alert_webhooks.secret"))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(64))
