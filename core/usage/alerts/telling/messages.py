"""Write the texts of mails, in the language of the rule, and the JSON of webhooks, in English."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from core.usage.alerts.measures import UNITS, Unit
from core.usage.alerts.records import Episode, Event, StoredRule
from core.usage.alerts.rule_records import BY_GROUP_ONLY, UNWINDOWED, AlertRule, Measure
from core.usage.alerts.telling.words import Say, chinese, english
from core.usage.records import Language

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
    Measure.GPU_MEMORY: "used GPU memory",
    Measure.GPU_BUSY: "GPU utilization",
    Measure.GPU_TEMPERATURE: "GPU temperature",
    Measure.MEMORY: "used server memory",
    Measure.SLOTS: "used slots",
    Measure.WAITING: "waiting requests",
}
_SENTENCES = {
    Event.FIRING: "{name} fires",
    Event.STILL_FIRING: "{name} still fires",
    Event.RECOVERED: "{name} has recovered",
    Event.NO_DATA: "{name} no longer has data",
    Event.TEST: "{name} test",
}


def written(measure: Measure, value: float | None, say: Say = english) -> str:
    """Return a value with its unit: 38.5 %, 1.9 s, 12,345."""
    if value is None:
        return say("no data")
    unit = UNITS[measure]
    number = f"{value:,.0f}" if unit is Unit.NONE else f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) < 10 else f"{value:,.1f}"
    return f"{number} {unit}".rstrip()


def span(seconds: int) -> str:
    """Return a length of time in its largest whole unit: 5 min, 2 h."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def condition(rule: AlertRule, say: Say = english) -> str:
    """Return the condition of a rule in words."""
    limit = written(rule.measure, rule.threshold, say)
    words = [say(f"{{measure}} {rule.comparison} {{value}}", measure=say(NAMES[rule.measure]), value=limit)]
    if rule.measure not in UNWINDOWED | BY_GROUP_ONLY:
        words[0] += say(" in {span}", span=span(rule.window_s))
    if rule.hold_s:
        words.append(say("for {span}", span=span(rule.hold_s)))
    if rule.model is not None:
        words.append(say("model {name}", name=rule.model))
    if rule.platform is not None:
        words.append(say("platform {name}", name=rule.platform))
    if rule.group is not None:
        words.append(say("group {name}", name=rule.group or say("none")))
    return say(", ").join(words)


def mail(stored: StoredRule, event: Event, episode: Episode | None, value: float | None, public_url: str) -> tuple[str, str]:
    """Return the subject and the text of a mail."""
    rule = stored.rule
    say = chinese if rule.language is Language.ZH else english
    head = say(_SENTENCES[event], name=rule.name)
    subject = f"[{say(rule.severity.value.title())}] {head}"
    lines = [head + say("."), "", say("Condition: {words}", words=condition(rule, say))]
    lines.append(say("Now: {value}", value=written(rule.measure, value, say)))
    if event is Event.TEST:
        lines[0] = say("This is a test of the alert rule {name}. Nothing is wrong.", name=rule.name)
    if episode is not None:
        lines.append(say("Since: {time}", time=_time(episode.started_at)))
        lines.append(say("Worst: {value}", value=written(rule.measure, episode.worst, say)))
        if episode.ended_at is not None:
            lines.append(say("Until: {time}", time=_time(episode.ended_at)))
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
        "text": f"{_SENTENCES[event].format(name=rule.name)}: {condition(rule)}. Now: {written(rule.measure, value)}.",
        "severity": rule.severity.value,
        "value": value,
        "unit": UNITS[rule.measure].value,
        "rule": {
            "id": stored.id, "name": rule.name, "measure": rule.measure.value, "comparison": rule.comparison.value,
            "threshold": rule.threshold, "window_s": rule.window_s, "hold_s": rule.hold_s, "model": rule.model, "group": rule.group,
            "platform": rule.platform,
        },
        "alert": None if episode is None else {
            "id": episode.id, "started_at": episode.started_at.isoformat(),
            "ended_at": episode.ended_at.isoformat() if episode.ended_at else None, "worst": episode.worst,
        },
        "url": public_url.rstrip("/") + PATH if public_url else None,
    }  # fmt: skip
    return json.dumps(message, ensure_ascii=False)


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
