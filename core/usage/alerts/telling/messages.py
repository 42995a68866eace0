"""Write the texts of mails and the JSON of webhooks, in English: addresses have no language."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from core.usage.alerts.measures import UNITS, Unit
from core.usage.alerts.records import Episode, Event, StoredRule
from core.usage.alerts.rule_records import BY_GROUP_ONLY, UNWINDOWED, AlertRule, Measure

PATH = "/alerts"
NAMES = {
    Measure.ANSWERS: "answers",
    Measure.ERRORS: "failed answers",
    Measure.TTFT: "time to first token, p95",
    Measure.SPEED: "decoding speed, median",
    Measure.QUEUE: "queue wait, p95",
    Measure.POOR: "answers rated poor",
    Measure.PEOPLE: "active people",
    Measure.TOKENS: "tokens today",
    Measure.QUOTA: "most used limit",
    Measure.MODELS_DOWN: "models and platforms that are down",
    Measure.DISK: "free disk space",
    Measure.INDEX: "delay of the search index",
    Measure.JOBS: "failed jobs",
}
_HEADINGS = {
    Event.FIRING: "fires",
    Event.STILL_FIRING: "still fires",
    Event.RECOVERED: "has recovered",
    Event.NO_DATA: "no longer has data",
    Event.TEST: "test",
}


def written(measure: Measure, value: float | None) -> str:
    """Return a value with its unit: 38.5 %, 1.9 s, 12,345."""
    if value is None:
        return "no data"
    unit = UNITS[measure]
    number = f"{value:,.0f}" if unit is Unit.NONE else f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) < 10 else f"{value:,.1f}"
    return f"{number} {unit}".rstrip()


def span(seconds: int) -> str:
    """Return a length of time in its largest whole unit: 5 min, 2 h."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def condition(rule: AlertRule) -> str:
    """Return the condition of a rule in words."""
    words = f"{NAMES[rule.measure]} {rule.comparison} {written(rule.measure, rule.threshold)}"
    if rule.measure not in UNWINDOWED | BY_GROUP_ONLY:
        words += f" in {span(rule.window_s)}"
    if rule.hold_s:
        words += f", for {span(rule.hold_s)}"
    if rule.model is not None:
        words += f", model {rule.model}"
    if rule.group is not None:
        words += f", group {rule.group or 'none'}"
    return words


def mail(stored: StoredRule, event: Event, episode: Episode | None, value: float | None, public_url: str) -> tuple[str, str]:
    """Return the subject and the text of a mail."""
    rule = stored.rule
    subject = f"[{rule.severity.value.title()}] {rule.name} {_HEADINGS[event]}"
    lines = [f"{rule.name} {_HEADINGS[event]}.", "", f"Condition: {condition(rule)}", f"Now: {written(rule.measure, value)}"]
    if event is Event.TEST:
        lines[0] = f"This is a test of the alert rule {rule.name}. Nothing is wrong."
    if episode is not None:
        lines.append(f"Since: {_time(episode.started_at)}")
        lines.append(f"Worst: {written(rule.measure, episode.worst)}")
        if episode.ended_at is not None:
            lines.append(f"Until: {_time(episode.ended_at)}")
    if public_url:
        lines += ["", public_url.rstrip("/") + PATH]
    return subject, "\n".join(lines) + "\n"


def posted(
    stored: StoredRule, delivery_id: str, event: Event, episode: Episode | None, value: float | None, public_url: str, now: datetime
) -> str:
    """Return the JSON that a webhook gets."""
    rule = stored.rule
    message = {
        "id": delivery_id,
        "event": event.value,
        "sent_at": now.astimezone(UTC).isoformat(),
        "text": f"{rule.name} {_HEADINGS[event]}: {condition(rule)}. Now: {written(rule.measure, value)}.",
        "severity": rule.severity.value,
        "value": value,
        "unit": UNITS[rule.measure].value,
        "rule": {
            "id": stored.id, "name": rule.name, "measure": rule.measure.value, "comparison": rule.comparison.value,
            "threshold": rule.threshold, "window_s": rule.window_s, "hold_s": rule.hold_s, "model": rule.model, "group": rule.group,
        },
        "alert": None if episode is None else {
            "id": episode.id, "started_at": episode.started_at.isoformat(),
            "ended_at": episode.ended_at.isoformat() if episode.ended_at else None, "worst": episode.worst,
        },
        "url": public_url.rstrip("/") + PATH if public_url else None,
    }  # fmt: skip
    return json.dumps(message, ensure_ascii=False)


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%d %b %Y %H:%M} UTC"
