"""Choose the days, the model and the group of a usage report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import streamlit as st

from core.usage.reports import UsageQuery
from pages.shell.words import t

SPANS = (7, 28, 56)
ALL = "\n"
"""The value for all models or all groups; it cannot be a name, since names have no line break."""


def filters(models: Sequence[str], groups: Sequence[str]) -> UsageQuery:
    """Draw the row of filters; return their query."""
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
            t("Group"), [ALL, *groups], format_func=lambda name: t("All groups") if name == ALL else group_name(name),
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


def group_name(name: str) -> str:
    """Return the displayed name of a group; "" is the name of people without a group."""
    return name or t("No group")
