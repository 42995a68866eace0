"""Usage: how much the portal is used, how fast it answers and how good people find it. One question per chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import UTC, date, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Literal

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import PortalError
from core.people.records import User
from core.plugins.records import SectionPage
from core.usage.records import RatedGeneration
from core.usage.reports import UsageParts, UsageQuery, UsageReport
from core.usage.totals import Totals
from pages.shell.frame import blank, dark, page_head
from pages.shell.words import said, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card, card_title
from pages.widgets.common.figures import MISSING, count, milliseconds, seconds, share, speed
from pages.widgets.plugins.sections import plugin_sections
from pages.widgets.usage import charts
from pages.widgets.usage.charts import Estimate, Line
from pages.widgets.usage.csv_export import to_csv

if TYPE_CHECKING:
    from bootstrap.portal import Portal

SPANS = (7, 28, 56)
Colour = Literal["normal", "inverse", "off"]
Shape = Literal["line", "bar"]
ROW_PX = 34
TABLE_ROWS = 10
_LOADED = "usage-loaded"
"""Once a report was shown, the old one stays on screen until the next is there."""
ALL = "\n"
"""In place of a model or a group, whose names are one line each."""


def render(portal: Portal, user: User) -> None:
    try:
        models, groups = portal.usage.choices(user)
        if not models:
            blank(t("No answers yet"), t("This page counts people, answers, tokens and ratings once someone has asked a question."))
            return
        head = page_head(t("Usage"), key="usage")
        query = _query(models, groups)
        below = st.container(key="usagebody", gap="small")
        with below:
            place = st.empty()
        if _LOADED not in st.session_state:
            with place.container(gap="small"):
                _blocks()
        report, parts = portal.usage.report(user, query), portal.usage.parts(user, query)
        place.empty()
        st.session_state[_LOADED] = True
    except PortalError as problem:
        blank(t("Usage is unavailable"), plain(said(problem)))
        return
    _export(head, portal, user, report)
    with below:
        _body(report, parts)
        plugin_sections(portal, user, SectionPage.USAGE)


def _blocks() -> None:
    """Grey blocks at the height of what comes, while the report is computed."""
    st.html("<div class='blocks four'><i></i><i></i><i></i><i></i></div>")
    st.html("<div class='blocks two'><i></i><i></i><i></i><i></i></div>")
    st.html(f"<p class='heard' role='status'>{escape(t('Counting answers'))}</p>")


def _body(report: UsageReport, parts: UsageParts) -> None:
    _figures(report)
    if report.total.answers == 0:
        with st.container(border=True, key="card-nothing"):
            card_title(t("No answers in this period"), t("Choose other days, another model or another group."))
        return
    with st.grid(2, min_column_width=340, gap="small", key="charts"):
        _by_day(report, parts)
        _satisfaction(report)
    groups_named = [(_group_name(name), each) for name, each in report.by_group]
    _breakdown("models", t("By model"), t("Whole period; p95: 1 answer in 20 takes longer"), t("Model"), report.by_model)
    _breakdown("groups", t("By group"), t("The person's group at the time of asking"), t("Group"), groups_named)
    _by_person(parts)


# Filters


def _query(models: Sequence[str], groups: Sequence[str]) -> UsageQuery:
    """The row of filters, and what they ask for."""
    state = st.session_state
    today = datetime.now(UTC).date()
    state.setdefault("usage-span", 28)
    state.setdefault("usage-dates", _last_days(today, 28))
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="usagefilters"):
        st.segmented_control(
            t("Period"), SPANS, format_func=lambda n: t("{n} days", n=n), label_visibility="collapsed", key="usage-span",
            on_change=_choose_span, args=(today,), persist_state="session",
        )  # fmt: skip
        st.date_input(
            t("Dates (UTC)"), max_value=today, label_visibility="collapsed", key="usage-dates", width=230, format="YYYY-MM-DD",
            on_change=_choose_dates, args=(today,), persist_state="session",
        )  # fmt: skip
        model = st.selectbox(
            t("Model"),
            [ALL, *models],
            format_func=lambda name: t("All models") if name == ALL else name,
            label_visibility="collapsed",
            key="usage-model",
            width=200,
            persist_state="session",
        )
        group = st.selectbox(
            t("Group"), [ALL, *groups], format_func=lambda name: t("All groups") if name == ALL else _group_name(name),
            label_visibility="collapsed", key="usage-group", width=170, persist_state="session",
        )  # fmt: skip
    chosen = state["usage-dates"]
    if len(chosen) == 2:
        state["usage-range"] = chosen
    first, last = state.get("usage-range") or _last_days(today, 28)
    return UsageQuery(first=first, last=last, model=None if model == ALL else model, group=None if group == ALL else group)


def _last_days(today: date, n: int) -> tuple[date, date]:
    return today - timedelta(days=n - 1), today


def _choose_span(today: date) -> None:
    span = st.session_state["usage-span"]
    if span:
        st.session_state["usage-dates"] = _last_days(today, span)


def _choose_dates(today: date) -> None:
    chosen = tuple(st.session_state["usage-dates"])
    st.session_state["usage-span"] = next((n for n in SPANS if chosen == _last_days(today, n)), None)


def _group_name(name: str) -> str:
    return name or t("No group")


# Figures


def _figures(report: UsageReport) -> None:
    now, before = report.total, report.before
    days = [day for _, day in report.by_day]
    first_token = _difference(now.ttft_p95, before.ttft_p95)
    good = _difference(now.satisfaction, before.satisfaction)
    than = t("vs. previous {n} days", n=report.query.days)
    with st.grid(4, min_column_width=160, gap="small", key="kpis"):
        _metric(t("People count"), count(now.people), _change(now.people, before.people), [day.people for day in days], than, "off")
        _metric(t("Answers"), count(now.answers), _change(now.answers, before.answers), [day.answers for day in days], than, "off", "bar")
        change = None if first_token is None else f"{first_token:+.1f} s"
        _metric(t("Time to first token, p95"), seconds(now.ttft_p95), change, [day.ttft_p95 for day in days], than, "inverse")
        change = None if good is None else t("{points} pts", points=f"{good * 100:+.1f}")
        _metric(t("Rated good"), share(now.satisfaction), change, [day.satisfaction for day in days], than)
    facts = (
        (t("Chats"), count(now.chats)),
        (t("Prompt tokens"), count(now.prompt_tokens)),
        (t("Completion tokens"), count(now.completion_tokens)),
        (t("Speed, median"), speed(now.tokens_per_second)),
        (t("Failed"), share(now.errors / now.answers) if now.answers else share(None)),
        (t("Ratings"), count(now.rated)),
        (t("Answer time, p50"), seconds(now.latency_p50)),
        (t("Answer time, p95"), seconds(now.latency_p95)),
        (t("Time to first token, p50"), seconds(now.ttft_p50)),
        (t("Queue wait, p95"), seconds(now.queue_p95)),
        (t("Inter-token latency, p95"), milliseconds(now.inter_token_p95)),
    )
    with st.expander(t("More metrics"), type="compact", key="usage-more"), st.container(border=True, key="card-facts"):
        st.html("<dl class='facts'>" + "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts) + "</dl>")


def _metric(
    label: str, value: str, delta: str | None, trend: Sequence[float | None], before: str, colour: Colour = "normal", shape: Shape = "line"
) -> None:
    known = [value for value in trend if value is not None]
    same = delta is not None and not any(figure in delta for figure in "123456789")
    st.metric(
        label,
        value,
        delta.lstrip("+-") if delta and same else delta,
        delta_color="off" if same else colour,
        delta_description=before if delta else None,
        delta_arrow="off" if same else "auto",
        border=True,
        height="stretch",
        chart_data=known if len(known) > 1 else None,
        chart_type=shape,
    )


def _change(now: int, before: int) -> str | None:
    """Relative to the period before; None where that had nothing, since no percentage of nothing exists."""
    if not before:
        return None
    percent = (now / before - 1) * 100
    return "0 %" if now == before else f"{percent:+.1f} %" if abs(percent) < 100 else f"{percent:+,.0f} %"


def _difference(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before


# Charts


def _by_day(report: UsageReport, parts: UsageParts) -> None:
    look = dark()
    days = [day for day, _ in report.by_day]
    totals = [each for _, each in report.by_day]
    with card("people", t("People per day"), t("People with at least one answer; weekends are shaded lighter")):
        series = [Line(t("People count"), [each.people for each in totals], 0)]
        charts.show(charts.bars(days, series, look), "chart-people", t("People per day"))
    _by_way(days, parts)
    with card("first-token", t("Time to first token"), t("In seconds, including queue wait; a gap is a day without answers")):
        series = [Line("p95", [each.ttft_p95 for each in totals], 0), Line("p50", [each.ttft_p50 for each in totals], 5)]
        charts.show(charts.lines(days, series, look, unit="s"), "chart-first-token", t("Time to first token"))
    with card("latency", t("Answer time"), t("In seconds, from question to end of answer; a gap is a day without answers")):
        series = [Line("p95", [each.latency_p95 for each in totals], 0), Line("p50", [each.latency_p50 for each in totals], 5)]
        charts.show(charts.lines(days, series, look, unit="s"), "chart-latency", t("Answer time"))
    with st.container(border=True, key="card-tokens", gap="xsmall"):
        st.markdown(f"### {t('Tokens per day')}", anchors=False)
        keys = (("s1", t("Prompt: questions with their conversations")), ("s2", t("Completion: answers")))
        st.html("<p class='keys'>" + "".join(f"<span><b class='{colour}'></b>{words}</span>" for colour, words in keys) + "</p>")
        series = [
            Line(t("Prompt"), [each.prompt_tokens for each in totals], 0),
            Line(t("Completion"), [each.completion_tokens for each in totals], 1),
        ]
        charts.show(charts.bars(days, series, look), "chart-tokens", t("Tokens per day"))


def _by_way(days: Sequence[date], parts: UsageParts) -> None:
    """Chat against API: what people ask on the page, and what programs ask."""
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
        charts.show(charts.bars(days, series, dark()), "chart-answers", t("Answers per day"))


def _by_person(parts: UsageParts) -> None:
    rows = parts.by_person()
    frame = pd.DataFrame(
        {
            "name": [each.name for each in rows],
            "chat": [each.chat for each in rows],
            "api": [each.api for each in rows],
            "tokens": [each.tokens for each in rows],
            "failed": [each.errors for each in rows],
        }
    )
    number = st.column_config.NumberColumn
    columns = {
        "name": st.column_config.TextColumn(t("Person"), width=200),
        "chat": number(t("Answers in chats"), format="localized"),
        "api": number(t("Answers over the API"), format="localized"),
        "tokens": number(t("Tokens"), format="localized"),
        "failed": number(t("Failed"), format="localized"),
    }
    with card("people-table", t("By person"), t("Counts only: no text of questions or answers")):
        height = ROW_PX * (min(len(rows), TABLE_ROWS) + 1) + 2
        st.dataframe(frame, hide_index=True, height=height, row_height=ROW_PX, column_config=columns, key="table-people")


def _satisfaction(report: UsageReport) -> None:
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


def _breakdown(key: str, title: str, sub: str, first: str, rows: Sequence[tuple[str, Totals]]) -> None:
    """One row per model or group."""
    whole = sum(each.answers for _, each in rows)
    frame = pd.DataFrame(
        {
            "name": [name for name, _ in rows],
            "people": [each.people for _, each in rows],
            "answers": [each.answers for _, each in rows],
            "share": [each.answers / whole * 100 for _, each in rows],
            "tokens": [each.tokens for _, each in rows],
            "line": [each.queue_p95 for _, each in rows],
            "first": [each.ttft_p95 for _, each in rows],
            "gaps": [_milliseconds(each.inter_token_p95) for _, each in rows],
            "time": [each.latency_p95 for _, each in rows],
            "speed": [each.tokens_per_second for _, each in rows],
            "good": [_percent(each.satisfaction) for _, each in rows],
            "rated": [each.rated for _, each in rows],
        }
    )
    number = st.column_config.NumberColumn
    columns = {
        "name": st.column_config.TextColumn(first, width=200),
        "people": number(t("People count"), format="localized"),
        "answers": number(t("Answers"), format="localized"),
        "share": st.column_config.ProgressColumn(t("Share"), format="%.0f %%", min_value=0, max_value=100, color="primary"),
        "tokens": number(t("Tokens"), format="localized"),
        "line": number(t("Queue wait, p95"), format="%.1f s"),
        "first": number(t("Time to first token, p95"), format="%.1f s"),
        "gaps": number(t("Inter-token latency, p95"), format="%.0f ms"),
        "time": number(t("Answer time, p95"), format="%.1f s"),
        "speed": number(t("Speed, median"), format="%.0f tok/s"),
        "good": number(t("Rated good"), format="%.1f %%"),
        "rated": number(t("Ratings"), format="localized"),
    }
    height = ROW_PX * (min(len(rows), TABLE_ROWS) + 1) + 2
    with card(key, title, sub):
        st.dataframe(
            frame, hide_index=True, height=height, row_height=ROW_PX, column_config=columns, placeholder=MISSING, key=f"table-{key}"
        )


def _milliseconds(value: float | None) -> float | None:
    return None if value is None else value * 1000


def _percent(value: float | None) -> float | None:
    return None if value is None else value * 100


# Export


def _export(head: DeltaGenerator, portal: Portal, user: User, report: UsageReport) -> None:
    name = f"{report.query.first.isoformat()}_{report.query.last.isoformat()}"
    with head, st.popover(t("Export CSV"), icon=":material/download:", key="usage-export"):
        st.download_button(
            t("Summary per day"),
            lambda: days_csv(report),
            f"usage-days_{name}.csv",
            "text/csv",
            key="usage-csv-days",
            on_click="ignore",
            width="stretch",
        )
        st.download_button(
            t("One row per answer"), lambda: rows_csv(portal.usage.rows(user, report.query)), f"usage-answers_{name}.csv", "text/csv",
            key="usage-csv-rows", on_click="ignore", width="stretch",
        )  # fmt: skip
        st.caption(t("The rows contain no text of questions or answers."))


def days_csv(report: UsageReport) -> bytes:
    names = [each.name for each in fields(Totals)]
    return to_csv(["day", *names, "satisfaction"], ([day, *astuple(each), each.satisfaction] for day, each in report.by_day))


def rows_csv(rows: Sequence[RatedGeneration]) -> bytes:
    return to_csv([each.name for each in fields(RatedGeneration)], (astuple(row) for row in rows))
