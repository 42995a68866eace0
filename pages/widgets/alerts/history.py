"""Show what fired, what was sent about it, and changes of models in the same time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from core.usage.alerts.handling import History
from core.usage.alerts.records import Delivery, DeliveryState, Episode
from pages.shell import frame
from pages.shell.words import error_text, t
from pages.widgets.alerts.words import delivery_word, ending_word, span_word, value_word
from pages.widgets.usage.change_marks import marks_of

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_LISTED = 100


def history(portal: Portal, user: User) -> None:
    """Draw the table of alerts, newest first."""
    found = portal.alert_handling.history(user, _LISTED)
    if not found.episodes:
        frame.blank(t("Nothing has fired yet"), t("Every alert is listed here, with who was told."), key="blank-alert-history")
        return
    heads = (t("When (UTC)"), t("Rule"), t("Lasted"), t("Worst"), t("Sent"), t("Acknowledged"), t("Ended"))
    rows = [(each.started_at, _row(found, each)) for each in found.episodes]
    for mark in marks_of(found.changes):
        moment = datetime(mark.day.year, mark.day.month, mark.day.day, 23, 59, 59, tzinfo=UTC)
        lines = "<br>".join(map(escape, mark.lines))
        rows.append((moment, f"<tr><td>{mark.day:%Y-%m-%d}</td><td colspan='6' class='mut'>{lines}</td></tr>"))
    body = "".join(row for _, row in sorted(rows, key=lambda each: each[0], reverse=True))
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    with st.container(key="alert-history"):
        st.html(f"<div class='boxtable'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>")


def _row(found: History, episode: Episode) -> str:
    ended = episode.ended_at or datetime.now(UTC)
    who = found.names.get(episode.acknowledged_by or "", "")
    cells = (
        escape(f"{episode.started_at.astimezone(UTC):%Y-%m-%d %H:%M}"),
        f"<b>{escape(episode.rule_name)}</b>",
        escape(span_word(max(0.0, (ended - episode.started_at).total_seconds()))),
        escape(value_word(episode.measure, episode.worst)),
        _sent(found.deliveries.get(episode.id, ())) or escape(t("Nobody") if episode.told_at is None else t("Notice")),
        escape(f"{who}: {episode.note}" if who and episode.note else who),
        escape(ending_word(episode.ending)),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _sent(deliveries: Sequence[Delivery]) -> str:
    """Return what was sent; of a failure, why it failed."""
    lines = []
    for each in deliveries:
        line = escape(delivery_word(each))
        if each.state is not DeliveryState.SENT and each.error is not None:
            line += f" <span class='mut'>{escape(error_text(each.error))}</span>"
        lines.append(line)
    return "<br>".join(lines)
