"""Draw the kinds of errors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

import streamlit as st

from core.operations.logs.records import ErrorKind
from pages.shell.words import t
from pages.widgets.common.formats import count

MAX_MESSAGE = 200


def draw_kinds(kinds: Sequence[ErrorKind]) -> None:
    """Draw a table, the most frequent kind first."""
    head = (t("Kind"), t("Logger"), t("Over this time"), t("Count"), t("People"), t("First"), t("Last"))
    rows = "".join(_row(each) for each in kinds)
    st.html(f"<table class='logkinds'><tr>{''.join(f'<th>{escape(each)}</th>' for each in head)}</tr>{rows}</table>")


def _row(kind: ErrorKind) -> str:
    new = f" <em class='chip'>{escape(t('New'))}</em>" if kind.is_new else ""
    most = max(kind.spread) or 1
    spark = "".join(f"<i class='{'' if n else 'z'}' style='height:{max(8, n / most * 100):.0f}%'></i>" for n in kind.spread)
    label = escape(t("Errors over time: {n}", n=kind.count))
    return (
        f"<tr><th>{escape(kind.message[:MAX_MESSAGE])}{new}</th><td><code>{escape(kind.logger)}</code></td>"
        f"<td><span class='logspark' role='img' aria-label='{label}'>{spark}</span></td><td class='n'>{count(kind.count)}</td>"
        f"<td class='n'>{count(kind.people)}</td><td>{_when(kind.first_at)}</td><td>{_when(kind.last_at)}</td></tr>"
    )


def _when(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at:%H:%M}" if at.date() == datetime.now(UTC).date() else f"{at:%m-%d %H:%M}"
