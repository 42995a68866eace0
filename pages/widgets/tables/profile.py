"""Show the columns of a table: type, missing values, range and examples."""

from __future__ import annotations

import streamlit as st

from core.knowledge.tables.records import Table
from pages.shell.words import listed, t
from pages.widgets.chat.message import plain
from pages.widgets.common.data_frame import data_frame
from pages.widgets.tables.words import KINDS

MAX_HEIGHT, ROW_PX = 360, 34


def profile(table: Table, key: str) -> None:
    """Draw the columns of a table."""
    frame = data_frame({
        t("Column"): [each.name for each in table.columns],
        t("Type"): [t(KINDS[each.kind]) for each in table.columns],
        t("Missing"): [each.missing for each in table.columns],
        t("From"): [each.smallest for each in table.columns],
        t("To"): [each.largest for each in table.columns],
        t("Examples"): [listed(each.examples) for each in table.columns],
    })  # fmt: skip
    height = min(MAX_HEIGHT, ROW_PX * (len(table.columns) + 1) + 2)
    st.dataframe(frame, hide_index=True, height=height, row_height=ROW_PX, key=f"profile-{key}")
    if day_first := [plain(each.name) for each in table.columns if each.day_first]:
        st.caption(t("Dates are read day first: {columns}.", columns=listed(day_first)))
