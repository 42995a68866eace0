"""Names of metrics, guardrails and states, and their figures in words."""

from __future__ import annotations

from core.experiments.records import SHARES, Guard, Metric, State
from pages.shell.words import t
from pages.widgets.common.formats import MISSING

METRICS = {
    Metric.SATISFACTION: "Rated good",
    Metric.ACCEPTED: "Accepted without edit",
    Metric.ASKED_AGAIN: "Asked again",
    Metric.FIRST_TOKEN: "Time to first token",
    Metric.COST: "Cost of an answer",
}
GUARDS = {Guard.ERRORS: "Failed answers", Guard.FIRST_TOKEN_P95: "First token, p95", Guard.POOR: "Rated poor"}
STATES = {
    State.RUNNING: ("blue", "timelapse", "Running"),
    State.STOPPED: ("gray", "check_circle", "Kept A"),
    State.STOPPED_ITSELF: ("red", "block", "Stopped itself"),
    State.PROMOTED: ("green", "check_circle", "Promoted B"),
}


def figure(metric: Metric, value: float | None) -> str:
    """Return a value of a metric."""
    if value is None:
        return MISSING
    if metric in SHARES:
        return f"{value * 100:.1f} %"
    return f"{value:.2f} s" if metric is Metric.FIRST_TOKEN else f"{value:.4f}"


def difference(metric: Metric, value: float | None) -> str:
    """Return a difference of a metric, with its sign."""
    if value is None:
        return MISSING
    if metric in SHARES:
        return t("{value} pts", value=f"{round(value * 100, 1) + 0:+.1f}")  # Adding 0 turns -0.0 into 0.0.
    return f"{round(value, 2) + 0:+.2f} s" if metric is Metric.FIRST_TOKEN else f"{round(value, 4) + 0:+.4f}"


def guarded(guard: Guard, value: float | None) -> str:
    """Return a value or limit of a guardrail."""
    if value is None:
        return MISSING
    return f"{value:.1f} s" if guard is Guard.FIRST_TOKEN_P95 else f"{value * 100:.1f} %"
