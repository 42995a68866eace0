"""Convert alert rules, alerts and deliveries to rows and back."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from core.usage.alerts.records import Channel, Delivery, DeliveryState, Ending, Episode, Event, Phase, RuleStatus, Silence, StoredRule
from core.usage.alerts.rule_records import AlertRule, Comparison, Measure, NoData, Severity
from core.usage.records import Language
from data.transaction import AnyRow


def write_rule(rule: AlertRule) -> str:
    return json.dumps(asdict(rule), ensure_ascii=False)


def _read_rule(text: str) -> AlertRule:
    """Return a rule. Fields that this release does not know are left out."""
    stored = json.loads(text)
    known: dict[str, Any] = {field.name: stored[field.name] for field in fields(AlertRule) if field.name in stored}
    for name, choices in {"measure": Measure, "comparison": Comparison, "no_data": NoData, "severity": Severity}.items():
        known[name] = choices(known[name])
    if "language" in known:  # Rules of earlier releases have none.
        known["language"] = Language(known["language"])
    for name in ("people", "mails", "webhooks"):
        known[name] = tuple(known[name])
    return AlertRule(**known)


def status_values(status: RuleStatus) -> dict[str, Any]:
    return {
        "phase": status.phase.value, "since": status.since, "held_s": status.held_s, "value": status.value,
        "no_data_since": status.no_data_since, "checked_at": status.checked_at,
        "silence": None if status.silence is None else _write_silence(status.silence),
        "episode_id": status.episode.id if status.episode is not None else None,
    }  # fmt: skip


def _write_silence(silence: Silence) -> str:
    until = silence.until.isoformat() if silence.until is not None else None
    return json.dumps({"until": until, "reason": silence.reason, "by": silence.by}, ensure_ascii=False)


def _read_silence(text: str) -> Silence:
    stored = json.loads(text)
    until = datetime.fromisoformat(stored["until"]) if stored["until"] else None
    return Silence(until=until, reason=stored["reason"], by=stored["by"])


def stored_rule(row: AnyRow, episode: Episode | None) -> StoredRule:
    status = RuleStatus(
        phase=Phase(row.phase), since=row.since, held_s=row.held_s, value=row.value, no_data_since=row.no_data_since,
        checked_at=row.checked_at, silence=_read_silence(row.silence) if row.silence is not None else None, episode=episode,
    )  # fmt: skip
    return StoredRule(
        id=row.id, rule=_read_rule(row.rule), enabled=row.enabled, status=status, created_at=row.created_at, created_by=row.created_by,
        updated_at=row.updated_at, updated_by=row.updated_by,
    )  # fmt: skip


def episode_values(episode: Episode) -> dict[str, Any]:
    return asdict(episode)


def episode(row: AnyRow) -> Episode:
    values = dict(row._mapping)
    ending = values.pop("ending")
    return Episode(
        **values | {"measure": Measure(row.measure), "severity": Severity(row.severity)}, ending=Ending(ending) if ending else None
    )


def delivery_values(delivery: Delivery) -> dict[str, Any]:
    return {field.name: getattr(delivery, field.name) for field in fields(Delivery)}


def delivery(row: AnyRow) -> Delivery:
    words = {"event": Event(row.event), "channel": Channel(row.channel), "state": DeliveryState(row.state)}
    return Delivery(**dict(row._mapping) | words)
