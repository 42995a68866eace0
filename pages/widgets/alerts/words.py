"""Say measures, conditions, values and states of alerts in words."""

from __future__ import annotations

from core.usage.alerts.measures import UNITS, Unit
from core.usage.alerts.records import Channel, Delivery, DeliveryState, Ending, Shown, StoredRule
from core.usage.alerts.rule_records import BY_GROUP_ONLY, UNWINDOWED, AlertRule, Comparison, Measure, NoData, Severity
from core.usage.alerts.rules import Overview
from pages.shell.words import listed, t
from pages.widgets.common.formats import MISSING, ahead

MEASURES = {
    Measure.ERRORS: "Failed answers, share",
    Measure.TTFT: "Time to first token, p95",
    Measure.QUEUE: "Queue wait, p95",
    Measure.SPEED: "Speed, median",
    Measure.POOR: "Rated poor, share",
    Measure.ANSWERS: "Answers",
    Measure.PEOPLE: "Active people",
    Measure.TOKENS: "Tokens today",
    Measure.QUOTA: "Most used limit",
    Measure.MODELS_DOWN: "Models and platforms down",
    Measure.DISK: "Free disk space",
    Measure.INDEX: "Search index behind",
    Measure.JOBS: "Failed jobs",
    Measure.GPU_MEMORY: "GPU memory used",
    Measure.GPU_BUSY: "GPU utilization",
    Measure.GPU_TEMPERATURE: "GPU temperature",
    Measure.MEMORY: "Server memory used",
    Measure.SLOTS: "Slots used",
    Measure.WAITING: "Waiting requests",
}
SEVERITIES = {Severity.HIGH: "High", Severity.NORMAL: "Normal", Severity.LOW: "Low"}
NO_DATA = {NoData.NOTHING: "Say nothing", NoData.FIRE: "Fire", NoData.KEEP: "Keep the state"}
COMPARISONS = {Comparison.OVER: "over", Comparison.UNDER: "under"}
_ENDINGS = {Ending.RECOVERED: "Recovered", Ending.NO_DATA: "No more data", Ending.CHANGED: "Rule changed"}
_SENT = {DeliveryState.SENT: "✓", DeliveryState.WAITING: "…", DeliveryState.FAILED: "✗"}


def measure_word(measure: Measure) -> str:
    return t(MEASURES[measure])


def value_word(measure: Measure, value: float | None) -> str:
    """Return a value with its unit: 38.5 %, 1.9 s, 12,345."""
    if value is None:
        return MISSING
    unit = UNITS[measure]
    if unit is Unit.NONE:
        return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
    number = f"{value:,.1f}" if abs(value) >= 10 or value == round(value, 1) else f"{value:,.2f}"
    return f"{number.removesuffix('.0')}\u00a0{unit}"


def span_word(seconds: float) -> str:
    """Return a length of time in the largest unit that fits: 40 s, 12 min, 3 h, 2 d."""
    if seconds < 60:
        return f"{seconds:.0f}\u00a0s"
    if seconds < 7200:
        return t("{n} min", n=round(seconds / 60))
    return t("{n} h", n=round(seconds / 3600)) if seconds < 172_800 else t("{n} d", n=round(seconds / 86_400))


def condition_words(rule: AlertRule) -> str:
    """Return the condition of a rule: over 5 % in 10 min, for 5 min, at least 20."""
    limit = value_word(rule.measure, rule.threshold)
    words = [t("over {value}", value=limit) if rule.comparison is Comparison.OVER else t("under {value}", value=limit)]
    if rule.measure not in UNWINDOWED | BY_GROUP_ONLY:
        words.append(t("within {span}", span=span_word(rule.window_s)))
    if rule.hold_s:
        words.append(t("for {span}", span=span_word(rule.hold_s)))
    if rule.least:
        words.append(t("at least {n}", n=rule.least))
    if rule.model is not None:
        words.append(rule.model)
    if rule.platform is not None:
        words.append(rule.platform)
    if rule.group is not None:
        words.append(rule.group or t("No group"))
    return t(", ").join(words)


def state_badge(stored: StoredRule, overview: Overview) -> str:
    """Return the state of a rule as a badge in Markdown."""
    status = stored.status
    match stored.shown(overview.at):
        case Shown.FIRING:
            colour = "red" if stored.rule.severity is Severity.HIGH else "orange"
            return f":{colour}-badge[:material/error: {t('Firing')}]"
        case Shown.PENDING:
            return f":orange-badge[:material/timelapse: {t('Pending')}]"
        case Shown.NO_DATA:
            return f":gray-badge[:material/help: {t('No data')}]"
        case Shown.SILENCED:
            left = ahead(status.silence.until, overview.at) if status.silence is not None and status.silence.until is not None else None
            words = t("Silenced, {time} left", time=left) if left else t("Silenced until it is over")
            return f":gray-badge[:material/notifications_paused: {words}]"
        case Shown.OFF:
            return f":gray-badge[:material/block: {t('Off')}]"
        case _:
            return f":green-badge[:material/check_circle: {t('Quiet')}]"


def told_words(rule: AlertRule) -> str:
    """Say whom a rule tells."""
    words = []
    if rule.people:
        words.append(t("{n} people", n=len(rule.people)))
    if rule.mails:
        words.append(t("Mail"))
    if rule.webhooks:
        words.append(t("Webhook"))
    return listed(words) or t("Nobody is told")


def ending_word(ending: Ending | None) -> str:
    return t(_ENDINGS[ending]) if ending is not None else t("goes on")


def delivery_word(delivery: Delivery) -> str:
    """Return one message: ops@corp.example ✓."""
    kind = t("Mail") if delivery.channel is Channel.MAIL else t("Webhook")
    return f"{kind} {delivery.name} {_SENT[delivery.state]}"
