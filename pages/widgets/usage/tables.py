"""Draw the tables of a usage report: by model, by group, by person."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.usage.reports import UsageParts
from core.usage.totals import Totals
from pages.shell.words import t
from pages.widgets.common.card import card
from pages.widgets.common.data_frame import data_frame
from pages.widgets.common.formats import MISSING

ROW_PX = 34
TABLE_ROWS = 10


def breakdown(key: str, title: str, sub: str, first: str, rows: Sequence[tuple[str, Totals]]) -> None:
    """Draw a table with one row per model or group. first: the title of the first column."""
    whole = sum(each.answers for _, each in rows)
    frame = data_frame(
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
        "share": st.column_config.ProgressColumn(t("Share of answers"), format="%.0f %%", min_value=0, max_value=100, color="primary"),
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


def by_person(parts: UsageParts) -> None:
    """Draw the table of people."""
    rows = parts.by_person()
    frame = data_frame(
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
