"""Readable words for levels, ranges and the parts of an answer's time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from core.operations.logs.records import LogLevel, TurnPart
from pages.shell.words import t

ICONS: Mapping[LogLevel, tuple[str, str]] = {
    LogLevel.DEBUG: ("code", ""), LogLevel.INFO: ("info", ""), LogLevel.WARNING: ("warning", "warn"), LogLevel.ERROR: ("error", "bad"),
    LogLevel.CRITICAL: ("error", "bad"),
}  # fmt: skip
"""The icon of a level, and its class in the style sheet."""
RANGES: Mapping[str, timedelta] = {
    "15m": timedelta(minutes=15), "1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7)
}  # fmt: skip


def level_word(level: LogLevel) -> str:
    """Return the readable name of a level."""
    return {
        LogLevel.DEBUG: t("Debug"), LogLevel.INFO: t("Information"), LogLevel.WARNING: t("Warning"), LogLevel.ERROR: t("Error"),
        LogLevel.CRITICAL: t("Critical error"),
    }[level]  # fmt: skip


def least_word(level: LogLevel) -> str:
    """Return what is shown from a level up."""
    return {
        LogLevel.DEBUG: t("All lines"), LogLevel.INFO: t("Errors, warnings, info"), LogLevel.WARNING: t("Errors, warnings"),
    }.get(level, t("Errors"))  # fmt: skip


def range_word(name: str) -> str:
    return {"15m": t("Last 15 min"), "1h": t("Last hour"), "1d": t("Last 24 hours"), "7d": t("Last 7 days")}[name]


def part_word(part: TurnPart) -> str:
    """Return the readable name of a part of an answer's time."""
    return {
        TurnPart.QUEUE: t("Waited in line"), TurnPart.FIRST_TOKEN: t("Until the first token"), TurnPart.NO_TOKEN: t("No first token"),
        TurnPart.THINKING: t("Thinking"), TurnPart.WRITING: t("Writing"),
    }[part]  # fmt: skip
