"""Ready-made rules to begin with, where there is none."""

from __future__ import annotations

from dataclasses import replace

from core.usage.alerts.rule_records import DAY, MINUTE, AlertRule, Comparison, Measure, Severity
from pages.shell.words import t

STARTERS = {
    "errors": (
        "Answers fail", AlertRule(name="x", measure=Measure.ERRORS, threshold=5, recovery=3, window_s=10 * MINUTE, hold_s=5 * MINUTE,
                                  least=20, severity=Severity.HIGH),
    ),
    "ttft": (
        "Slow first token", AlertRule(name="x", measure=Measure.TTFT, threshold=5, window_s=10 * MINUTE, hold_s=5 * MINUTE, least=10),
    ),
    "models": ("Model down", AlertRule(name="x", measure=Measure.MODELS_DOWN, threshold=0, hold_s=MINUTE, severity=Severity.HIGH)),
    "disk": (
        "Disk almost full", AlertRule(name="x", measure=Measure.DISK, comparison=Comparison.UNDER, threshold=10, recovery=12,
                                      hold_s=2 * MINUTE, severity=Severity.HIGH),
    ),
    "gpu_memory": (
        "GPU memory almost full", AlertRule(name="x", measure=Measure.GPU_MEMORY, threshold=95, recovery=90, hold_s=5 * MINUTE),
    ),
    "queue": (
        "Questions wait", AlertRule(name="x", measure=Measure.QUEUE, threshold=5, window_s=10 * MINUTE, hold_s=5 * MINUTE, least=10),
    ),
    "poor": ("Many poor ratings", AlertRule(name="x", measure=Measure.POOR, threshold=30, window_s=DAY, least=20)),
    "index": ("Search falls behind", AlertRule(name="x", measure=Measure.INDEX, threshold=60, hold_s=5 * MINUTE)),
}  # fmt: skip
"""By their name in the address: the English name and the rule."""


def starter(name: str) -> AlertRule | None:
    """Return a ready-made rule with its name in the reader's language."""
    if name not in STARTERS:
        return None
    title, rule = STARTERS[name]
    return replace(rule, name=t(title))
