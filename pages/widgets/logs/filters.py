"""The search and the filters above the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from core.operations.logs.records import LogLevel, LogQuery
from pages.shell.words import t
from pages.widgets.logs.log_words import RANGES, least_word, range_word

SHOWN = "logs-shown"
PAGE = 100
_LEVELS = (LogLevel.DEBUG, LogLevel.INFO, LogLevel.WARNING, LogLevel.ERROR)
_KEPT: dict[str, Any] = {"label_visibility": "collapsed", "persist_state": "session"}


def from_start() -> None:
    """Show the first lines again."""
    st.session_state[SHOWN] = PAGE


def search(now: datetime) -> tuple[LogQuery, bool]:
    """Draw the search and the choice of time and level. Return what they ask, and whether errors are grouped."""
    words = st.text_input(
        t("Search"), type="search", live=True, key="logs-search", on_change=from_start,
        placeholder=t("Search, or field:value, for example level:error logger:core.chat"), **_KEPT,
    )  # fmt: skip
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="logsbar"):
        part = st.segmented_control(
            t("What is shown"), ["lines", "errors"], default="lines", required=True, key="logs-part", on_change=from_start,
            format_func=lambda name: t("Log lines") if name == "lines" else t("Errors, grouped"), **_KEPT,
        )  # fmt: skip
        st.space("stretch")
        level = st.selectbox(
            t("Level"), _LEVELS, 1, least_word, key="logs-level", on_change=from_start, width=210, disabled=part == "errors", **_KEPT
        )
        span = st.selectbox(t("Time"), list(RANGES), 1, range_word, key="logs-range", on_change=from_start, width=150, **_KEPT)
    return LogQuery(since=now - RANGES[span], until=now, words=words or "", level=level), part == "errors"


def narrow(areas: Sequence[str], people: Mapping[str, str]) -> None:
    """Draw the choice of a part of the portal and of a person, among those that wrote lines."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="logsnarrow"):
        _choice(t("Part of the portal"), t("All parts"), {name: name for name in areas}, "logs-area")
        _choice(t("Person"), t("Everyone"), people, "logs-person")


def narrowed() -> tuple[str, str]:
    """Return the chosen part of the portal and person; "" for all."""
    state = st.session_state
    return state.get("logs-area") or "", state.get("logs-person") or ""


def clear() -> None:
    """Empty the search and the filters, except for the time."""
    for key in ("logs-search", "logs-area", "logs-person"):
        st.session_state[key] = "" if key == "logs-search" else None
    from_start()


def _choice(label: str, everything: str, options: Mapping[str, str], key: str) -> None:
    chosen = st.session_state.get(key)
    known = {**options, **({chosen: chosen} if chosen and chosen not in options else {})}
    st.selectbox(label, list(known), None, known.__getitem__, placeholder=everything, key=key, on_change=from_start, width=230, **_KEPT)
