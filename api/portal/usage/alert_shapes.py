"""Define the JSON of alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from api.portal.review.case_shapes import Sent
from api.portal.shapes import Asked, Line
from core.changes.records import ChangeMarker
from core.usage.alerts.measures import UNITS
from core.usage.alerts.preview import Preview
from core.usage.alerts.records import Delivery, Episode, StoredRule, Webhook
from core.usage.alerts.rule_records import AlertRule, Comparison, Measure, NoData, Severity
from core.usage.alerts.rules import Overview
from core.usage.records import Language

MeasureWord = Literal[
    "answers", "errors", "ttft", "speed", "queue", "poor", "people", "tokens_today", "quota", "models_down", "disk_free", "index_behind",
    "jobs_failed", "gpu_memory", "gpu_busy", "gpu_temperature", "memory", "slots_used", "waiting",
]  # fmt: skip
SeverityWord = Literal["high", "normal", "low"]
Number = Annotated[float, Field(ge=-1e12, le=1e12)]
Limit = Annotated[int, Query(ge=1, le=200)]
Days = Annotated[int, Query(ge=1, le=28, description="How many days back.")]


class RuleFields(Asked):
    """When an alert fires, and whom it tells."""

    name: Line
    measure: MeasureWord
    model: Line | None = Field(default=None, description="Only this model.")
    group: Line | None = Field(default=None, description="Only people of this group.")
    platform: Line | None = Field(default=None, description="Only answers of this platform.")
    window_s: int = Field(default=300, ge=60, le=604_800, description="The last seconds that are measured.")
    comparison: Literal["over", "under"] = "over"
    threshold: Number = Field(description="In %, seconds, tokens per second, GB, °C, or a count.")
    recovery: Number | None = Field(default=None, description="The value at which it recovers; null: the threshold.")
    hold_s: int = Field(default=0, ge=0, le=86_400, description="How long it must last before it fires.")
    least: int = Field(default=0, ge=0, le=1_000_000, description="Fewer answers or ratings are no data.")
    no_data: Literal["nothing", "fire", "keep"] = "nothing"
    severity: SeverityWord = "normal"
    people: list[Line] = Field(default_factory=list, max_length=200, description="Ids of people who get a notice.")
    mails: list[Line] = Field(default_factory=list, max_length=20)
    language: Literal["en", "zh"] = Field(default="en", description="Of the mails.")
    webhooks: list[Line] = Field(default_factory=list, max_length=20, description="Ids of webhooks.")
    repeat_s: int = Field(default=14_400, ge=0, le=604_800, description="How often people are told again; 0: never.")

    def rule(self) -> AlertRule:
        """Return the rule. Raises InvalidInput."""
        return AlertRule(
            name=self.name.strip(), measure=Measure(self.measure), model=self.model, group=self.group, platform=self.platform,
            window_s=self.window_s,
            comparison=Comparison(self.comparison), threshold=self.threshold, recovery=self.recovery, hold_s=self.hold_s,
            least=self.least, no_data=NoData(self.no_data), severity=Severity(self.severity), people=tuple(dict.fromkeys(self.people)),
            mails=tuple(dict.fromkeys(self.mails)), language=Language(self.language),
            webhooks=tuple(dict.fromkeys(self.webhooks)), repeat_s=self.repeat_s,
        )  # fmt: skip

    @staticmethod
    def of(rule: AlertRule) -> RuleFields:
        return RuleFields(
            name=rule.name, measure=rule.measure.value, model=rule.model, group=rule.group, platform=rule.platform, window_s=rule.window_s,
            comparison=rule.comparison.value, threshold=rule.threshold, recovery=rule.recovery, hold_s=rule.hold_s, least=rule.least,
            no_data=rule.no_data.value, severity=rule.severity.value, people=list(rule.people), mails=list(rule.mails),
            language=rule.language.value, webhooks=list(rule.webhooks), repeat_s=rule.repeat_s,
        )  # fmt: skip


class NewRule(Asked):
    rule: RuleFields


class ChangedRule(Asked):
    rule: RuleFields | None = None
    enabled: bool | None = None


class Acknowledged(Asked):
    note: Line = ""


class Silenced(Asked):
    until: Sent | None = Field(default=None, description="Null: until the alert is over.")
    reason: Line = ""


class NewWebhook(Asked):
    name: Line
    address: Annotated[str, Field(max_length=2000)]


class SilenceOut(BaseModel):
    until: datetime | None
    reason: str
    by: str | None = Field(description="The person's name.")


class EpisodeOut(BaseModel):
    id: str
    rule_id: str
    rule: str = Field(description="The rule's name when it fired.")
    measure: MeasureWord
    severity: SeverityWord
    started_at: datetime
    ended_at: datetime | None
    ending: Literal["recovered", "no_data", "changed"] | None
    worst: float | None
    told_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    note: str

    @staticmethod
    def of(episode: Episode, acknowledged_by: str | None) -> EpisodeOut:
        return EpisodeOut(
            id=episode.id, rule_id=episode.rule_id, rule=episode.rule_name, measure=episode.measure.value, severity=episode.severity.value,
            started_at=episode.started_at, ended_at=episode.ended_at, ending=episode.ending.value if episode.ending else None,
            worst=episode.worst, told_at=episode.told_at, acknowledged_at=episode.acknowledged_at, acknowledged_by=acknowledged_by,
            note=episode.note,
        )  # fmt: skip


class RuleOut(BaseModel):
    id: str
    rule: RuleFields
    unit: str
    enabled: bool
    state: Literal["quiet", "pending", "firing", "no_data", "silenced", "off"]
    value: float | None
    since: datetime | None
    no_data_since: datetime | None
    checked_at: datetime | None
    silence: SilenceOut | None
    alert: EpisodeOut | None = Field(description="What fires now.")
    fired: int = Field(description="How often it fired in 28 days.")
    updated_at: datetime
    updated_by: str | None

    @staticmethod
    def of(stored: StoredRule, overview: Overview) -> RuleOut:
        status, names = stored.status, overview.names
        silence, episode = status.silence, status.episode
        return RuleOut(
            id=stored.id, rule=RuleFields.of(stored.rule), unit=UNITS[stored.rule.measure].value, enabled=stored.enabled,
            state=stored.shown(overview.at).value, value=status.value, since=status.since, no_data_since=status.no_data_since,
            checked_at=status.checked_at,
            silence=SilenceOut(until=silence.until, reason=silence.reason, by=names.get(silence.by)) if silence else None,
            alert=EpisodeOut.of(episode, names.get(episode.acknowledged_by or "")) if episode else None,
            fired=overview.fired.get(stored.id, 0), updated_at=stored.updated_at, updated_by=names.get(stored.updated_by),
        )  # fmt: skip


class RulesOut(BaseModel):
    items: list[RuleOut] = Field(description="The oldest first.")


class DeliveryOut(BaseModel):
    id: str
    event: str
    channel: Literal["mail", "webhook"]
    name: str = Field(description="The mail address, or the name of the webhook.")
    state: Literal["waiting", "sent", "failed"]
    tries: int
    error: str | None
    created_at: datetime
    ended_at: datetime | None

    @staticmethod
    def of(delivery: Delivery) -> DeliveryOut:
        return DeliveryOut(
            id=delivery.id, event=delivery.event.value, channel=delivery.channel.value, name=delivery.name, state=delivery.state.value,
            tries=delivery.tries, error=str(delivery.error) if delivery.error else None, created_at=delivery.created_at,
            ended_at=delivery.ended_at,
        )  # fmt: skip


class DeliveriesOut(BaseModel):
    items: list[DeliveryOut]


class AlertOut(EpisodeOut):
    deliveries: list[DeliveryOut]


class ChangeOut(BaseModel):
    at: datetime
    kind: str
    subject: str

    @staticmethod
    def of(marker: ChangeMarker) -> ChangeOut:
        return ChangeOut(at=marker.at, kind=marker.kind, subject=marker.subject)


class HistoryOut(BaseModel):
    items: list[AlertOut] = Field(description="The newest first.")
    changes: list[ChangeOut] = Field(description="Changes of models in the same time, oldest first.")


class PointOut(BaseModel):
    at: datetime
    value: float | None


class PreviewOut(BaseModel):
    since: datetime
    until: datetime
    now: float | None
    kept: bool = Field(description="Whether the past of this measure is stored. If not, there is only the value now.")
    points: list[PointOut]
    fired: list[EpisodeOut]
    seconds: float = Field(description="How long it would have fired in all.")

    @staticmethod
    def of(preview: Preview) -> PreviewOut:
        return PreviewOut(
            since=preview.since, until=preview.until, now=preview.now, kept=preview.kept,
            points=[PointOut(at=each.at, value=each.value) for each in preview.points],
            fired=[EpisodeOut.of(each, None) for each in preview.fired], seconds=preview.lasted.total_seconds(),
        )  # fmt: skip


class WebhookOut(BaseModel):
    id: str
    name: str
    address: str
    created_at: datetime

    @staticmethod
    def of(webhook: Webhook) -> WebhookOut:
        return WebhookOut(id=webhook.id, name=webhook.name, address=webhook.address, created_at=webhook.created_at)


class MadeWebhook(WebhookOut):
    secret: str = Field(description="Signs every message. It is never shown again.")


class WebhooksOut(BaseModel):
    items: list[WebhookOut]
