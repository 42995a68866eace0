"""Draw lines of the log, and how many there were when. All of it is escaped: a line may quote what a stranger sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

import streamlit as st

from core.operations.logs.records import LogBar, LogLine
from pages.shell.words import t
from pages.widgets.common.formats import count
from pages.widgets.logs.log_words import ICONS, level_word

TURN = "turn"
"""The parameter of the address that names a turn."""
SHORT_ID = 8
MAX_MESSAGE = 2000


def draw_lines(lines: Sequence[LogLine], when: Callable[[LogLine], str], *, links: bool) -> None:
    """Draw the lines. when: the text in front of a line. links: whether the turn of a line is a link."""
    st.html(f"<ol class='loglines'>{''.join(_line(each, when(each), links=links) for each in lines)}</ol>")


def clock(line: LogLine) -> str:
    """Return the time of a line, with its day unless that is today (UTC)."""
    at = line.at.astimezone(UTC)
    day = "" if at.date() == datetime.now(UTC).date() else f"{at:%m-%d} "
    return f"{day}{at:%H:%M:%S}.{at.microsecond // 1000:03d}"


def _line(line: LogLine, when: str, *, links: bool) -> str:
    icon, kind = ICONS[line.level]
    word = escape(level_word(line.level))
    link = ""
    if links and line.turn_id:
        words = escape(t("turn {id}", id=line.turn_id[:SHORT_ID]))
        link = f"<a class='rowlink' href='logs?{TURN}={quote(line.turn_id, safe='')}' target='_self'>{words}</a>"
    message = escape(line.message[:MAX_MESSAGE])
    if line.exception:
        cause = escape(line.exception.strip().rpartition("\n")[2][:300])
        message += f"<details><summary>{cause}</summary><pre>{escape(line.exception)}</pre></details>"
    return (
        f"<li class='{kind}'><time>{escape(when)}</time><i title='{word}' translate='no'>{icon}</i><span class='off'>{word}</span>"
        f"<code>{escape(line.area)}</code><span>{message}</span>{link}</li>"
    )


def draw_bars(bars: Sequence[LogBar], until: datetime) -> None:
    """Draw how many lines there were in each stretch of the time."""
    most = max((bar.others + bar.warnings + bar.errors for bar in bars), default=0)
    if not most:
        return
    form = "%H:%M" if (until - bars[0].at).total_seconds() < 172_800 else "%m-%d %H:%M"
    drawn = "".join(_bar(bar, most, form) for bar in bars)
    names = "".join(f"<span>{at.astimezone(UTC):{form}}</span>" for at in (bars[0].at, bars[len(bars) // 2].at, until))
    errors = sum(bar.errors for bar in bars)
    label = escape(t("Lines over time · most in one bar: {most} · errors: {n}", most=count(most), n=count(errors)))
    st.html(f"<div class='logbars' role='img' aria-label='{label}'>{drawn}</div><div class='logaxis' aria-hidden='true'>{names}</div>")


def _bar(bar: LogBar, most: int, form: str) -> str:
    words = t("{at} · lines: {n} · warnings: {warnings} · errors: {errors}", at=f"{bar.at.astimezone(UTC):{form}}",
              n=bar.others + bar.warnings + bar.errors, warnings=bar.warnings, errors=bar.errors)  # fmt: skip
    parts = (("bad", bar.errors), ("warn", bar.warnings), ("", bar.others))
    drawn = "".join(f"<b class='{kind}' style='height:{max(3.0, n / most * 100):.1f}%'></b>" for kind, n in parts if n)
    return f"<i title='{escape(words)}'>{drawn}</i>"
