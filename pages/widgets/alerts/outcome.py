"""Show what a rule would have done in the last days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from html import escape

import plotly.graph_objects as go
import streamlit as st

from core.usage.alerts.measures import UNITS
from core.usage.alerts.preview import DAYS, Preview
from core.usage.alerts.rule_records import AlertRule
from pages.shell.frame import dark
from pages.shell.words import t
from pages.widgets.alerts.words import measure_word, span_word, value_word
from pages.widgets.common.card import card
from pages.widgets.usage import charts

_LISTED = 8
_RED = ("#a8232f", "#f49aa0")


def outcome(rule: AlertRule, preview: Preview, use_hold: Callable[[int], None]) -> None:
    """Draw the card with the sentence, the chart, the list and the advice. use_hold: takes the advised hold time."""
    times = len(preview.fired)
    if not preview.kept:
        with card("alert-outcome", t("Now: {value}", value=value_word(rule.measure, preview.now)),
                  t("The portal keeps no history of this measure, so there is nothing to replay.")):  # fmt: skip
            st.caption(t("The rule is checked every half minute once it is saved."))
        return
    title = t("It would not have fired")
    if times:
        title = t("It would have fired {n} times, {span} in all", n=times, span=span_word(preview.lasted.total_seconds()))
    sub = t("{measure}, last {days} days; red is when it would have fired", measure=measure_word(rule.measure), days=DAYS)
    with card("alert-outcome", title, sub):
        if all(each.value is None for each in preview.points):
            st.caption(t("There was nothing to measure in this time."))
            return
        charts.show(_figure(rule, preview), "chart-alert", title)
        if times:
            st.html(_table(rule, preview))
        if preview.advice is not None:
            hold = preview.advice.hold_s
            words = t("Held for {span}, it would have fired {n} times.", span=span_word(hold), n=preview.advice.times)
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key="alert-advice"):
                st.markdown(f":small[:material/lightbulb: {words}]", width="stretch")
                st.button(t("Use {span}", span=span_word(hold)), type="tertiary", key="alert-use-hold", on_click=use_hold, args=(hold,))


def _figure(rule: AlertRule, preview: Preview) -> go.Figure:
    look, red = dark(), _RED[dark()]
    colours = charts.palette(look)
    figure = go.Figure(
        go.Scatter(
            x=[each.at for each in preview.points], y=[each.value for each in preview.points], mode="lines", connectgaps=False,
            line=dict(width=1.5, color=colours.series[0]),
            hovertemplate=f"%{{y:,.2f}} {escape(UNITS[rule.measure].value)}<extra></extra>",
        )
    )  # fmt: skip
    for each in preview.fired:
        figure.add_vrect(x0=each.started_at, x1=each.ended_at or preview.until, fillcolor=red, opacity=0.18, line_width=0)
    figure.add_hline(y=rule.threshold, line=dict(width=1, color=red))
    top = max([each.value for each in preview.points if each.value is not None] + [rule.threshold])
    figure.update_layout(template=charts.template(look), height=charts.HEIGHT)
    figure.update_xaxes(range=[preview.since, preview.until], nticks=8, tickformat="%m-%d")
    figure.update_yaxes(range=[0, top * 1.1 or 1], ticksuffix=f" {UNITS[rule.measure].value}".rstrip())
    return figure


def _table(rule: AlertRule, preview: Preview) -> str:
    heads = (t("When (UTC)"), t("Lasted"), t("Worst"))
    rows = []
    for each in reversed(preview.fired[-_LISTED:]):
        lasted = span_word(((each.ended_at or preview.until) - each.started_at).total_seconds())
        if each.ended_at is None:
            lasted += ", " + t("goes on")
        cells = (f"{each.started_at.astimezone(UTC):%Y-%m-%d %H:%M}", lasted, value_word(rule.measure, each.worst))
        rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    return f"<div class='boxtable'><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
