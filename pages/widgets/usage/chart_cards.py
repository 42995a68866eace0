"""Draw the charts of a usage report, each in its own card. Each chart answers one question."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape

import streamlit as st

from core.usage.reports import UsageParts, UsageReport
from pages.shell.frame import dark
from pages.shell.words import t
from pages.widgets.common.card import card
from pages.widgets.common.formats import count
from pages.widgets.usage import charts
from pages.widgets.usage.change_marks import Mark, show_marked
from pages.widgets.usage.charts import Estimate, Line


def charts_by_day(report: UsageReport, parts: UsageParts, marks: Sequence[Mark]) -> None:
    """Draw the charts by day. marks: the changes on these days."""
    look = dark()
    days = [day for day, _ in report.by_day]
    totals = [each for _, each in report.by_day]
    with card("people", t("People per day"), t("People with at least one answer; weekends are shaded lighter")):
        series = [Line(t("People count"), [each.people for each in totals], 0)]
        show_marked(charts.bars(days, series, look), marks, "chart-people", t("People per day"))
    _chat_and_api(days, parts, marks)
    with card("first-token", t("Time to first token"), t("In seconds, including queue wait; a gap is a day without answers")):
        series = [Line("p95", [each.ttft_p95 for each in totals], 0), Line("p50", [each.ttft_p50 for each in totals], 5)]
        show_marked(charts.lines(days, series, look, unit="s"), marks, "chart-first-token", t("Time to first token"))
    with card("latency", t("Answer time"), t("In seconds, from question to end of answer; a gap is a day without answers")):
        series = [Line("p95", [each.latency_p95 for each in totals], 0), Line("p50", [each.latency_p50 for each in totals], 5)]
        show_marked(charts.lines(days, series, look, unit="s"), marks, "chart-latency", t("Answer time"))
    with st.container(border=True, key="card-tokens", gap="xsmall"):
        st.markdown(f"### {t('Tokens per day')}", anchors=False)
        keys = (("s1", t("Prompt: questions with their conversations")), ("s2", t("Completion: answers")))
        st.html("<p class='keys'>" + "".join(f"<span><b class='{colour}'></b>{words}</span>" for colour, words in keys) + "</p>")
        series = [
            Line(t("Prompt"), [each.prompt_tokens for each in totals], 0),
            Line(t("Completion"), [each.completion_tokens for each in totals], 1),
        ]
        show_marked(charts.bars(days, series, look), marks, "chart-tokens", t("Tokens per day"))


def _chat_and_api(days: Sequence[date], parts: UsageParts, marks: Sequence[Mark]) -> None:
    """Compare the questions from the chat page with those from programs."""
    with st.container(border=True, key="card-answers", gap="xsmall"):
        st.markdown(f"### {t('Answers per day')}", anchors=False)
        keys = (
            ("s1", t("Chat: {n} people, {tokens} tokens", n=parts.people(by_page=True), tokens=count(parts.tokens(by_page=True)))),
            ("s2", t("API: {n} people, {tokens} tokens", n=parts.people(by_page=False), tokens=count(parts.tokens(by_page=False)))),
        )
        st.html("<p class='keys'>" + "".join(f"<span><b class='{colour}'></b>{escape(words)}</span>" for colour, words in keys) + "</p>")
        series = [
            Line(t("Chat"), parts.answers_by_day(by_page=True), 0),
            Line(t("API"), parts.answers_by_day(by_page=False), 1),
        ]
        show_marked(charts.bars(days, series, dark()), marks, "chart-answers", t("Answers per day"))


def satisfaction_by_model(report: UsageReport) -> None:
    """Draw the satisfaction with each model, with its 95 % interval."""
    rated = [(name, each, each.satisfaction_interval()) for name, each in report.by_model]
    estimates = [
        Estimate(name=name, share=each.satisfaction or 0.0, low=interval[0], high=interval[1], n=each.rated)
        for name, each, interval in rated
        if interval
    ]
    with card("satisfaction", t("Rated good, by model"), t("Share of rated answers with 95 % interval; n = rated answers")):
        if estimates:
            charts.show(charts.intervals(estimates, dark()), "chart-satisfaction", t("Rated good, by model"))
        else:
            st.caption(t("No answers were rated in this period."))
