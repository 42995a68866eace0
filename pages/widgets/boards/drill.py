"""Draw the answers behind a bar."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import streamlit as st

from core.people.records import User
from core.usage.records import UsageQuery
from pages.shell.words import t
from pages.widgets.boards.overview import DAY
from pages.widgets.boards.plots import day_words, head
from pages.widgets.common.data_frame import data_frame
from pages.widgets.common.formats import MISSING
from pages.widgets.usage.filters import group_name

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_MORE = "board-lines"
AT_ONCE, MOST = 25, 200


def drill(portal: Portal, user: User, query: UsageQuery, zone: str) -> None:
    """Draw the answers of the day in the URL, if it names one of these days."""
    try:
        day = date.fromisoformat(st.query_params.get(DAY, ""))
    except ValueError:
        return
    if not query.first <= day <= query.last:
        return
    shown = st.session_state.get(_MORE, AT_ONCE)
    lines = portal.answer_lines.of_days(user, UsageQuery(first=day, last=day, model=query.model, group=query.group), shown)
    local = ZoneInfo(zone)
    hidden = t("not shared with you")
    rows = [
        (
            each.at.astimezone(local).strftime("%H:%M"), group_name(each.group), hidden if each.title is None else each.title,
            each.model, {1: t("Good"), -1: t("Poor")}.get(each.rating or 0, ""), each.duration_s,
            MISSING if each.cost is None else f"{each.cost:.4g} {each.currency}",
        )
        for each in lines
    ]  # fmt: skip
    names = (t("Time"), t("Group"), t("Title"), t("Model"), t("Rated"), t("Answer time"), t("Cost"))
    with st.container(border=True, key="card-board-lines", gap="xsmall"):
        sub = t("You read titles of your own chats and of chats that were shared with your group.")
        head(f"answers-{day.isoformat()}", day_words(day), sub, names, lambda: rows)
        if not rows:
            st.caption(t("There are no answers on this day, or their rows are no longer stored."))
        else:
            frame = data_frame({str(n): [row[n] for row in rows] for n in range(len(names))})
            columns = {
                str(n): st.column_config.NumberColumn(name, format="%.1f s") if n == 5 else st.column_config.TextColumn(name)
                for n, name in enumerate(names)
            }
            st.dataframe(frame, hide_index=True, column_config=columns, key="table-board-lines")
        with st.container(horizontal=True, gap="small", key="board-lines-foot"):
            if len(rows) == shown < MOST:
                st.button(t("Show more"), type="tertiary", key="board-lines-more", on_click=_more)
            st.button(t("Close"), type="tertiary", key="board-lines-close", on_click=_close)


def _more() -> None:
    st.session_state[_MORE] = min(MOST, st.session_state.get(_MORE, AT_ONCE) * 2)


def _close() -> None:
    st.query_params.pop(DAY, None)
    st.session_state.pop(_MORE, None)
