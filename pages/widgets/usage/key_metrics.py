"""Draw the key metrics of a usage report, with the change from the previous period."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from core.usage.reports import UsageReport
from pages.shell.words import t
from pages.widgets.common.formats import count, milliseconds, seconds, share, speed

Colour = Literal["normal", "inverse", "off"]
Shape = Literal["line", "bar"]


def key_metrics(report: UsageReport) -> None:
    """Draw the row of key metrics."""
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
    """Return the relative change from the previous period; None if the previous value is 0."""
    if not before:
        return None
    percent = (now / before - 1) * 100
    return "0 %" if now == before else f"{percent:+.1f} %" if abs(percent) < 100 else f"{percent:+,.0f} %"


def _difference(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before
