"""Show the rows of a query as a table, and as a chart where one fits."""

from __future__ import annotations

import streamlit as st

from core.knowledge.tables.charts import chart_of, drawn_rows
from core.knowledge.tables.csv_rows import as_csv
from core.knowledge.tables.records import ChartKind, QueryResult
from pages.shell.words import t
from pages.widgets.common.data_frame import data_frame

MAX_HEIGHT, ROW_PX = 380, 34
_TITLES = {ChartKind.BAR: "Bars", ChartKind.LINE: "Lines", ChartKind.SCATTER: "Points"}


def rows(result: QueryResult, key: str, *, charts: bool = True) -> None:
    """Draw rows, which sort by a click on a heading, with a button for CSV. charts: with a chart where one fits."""
    names = [each.name for each in result.columns]
    frame = data_frame(result.rows, [f"{name} {at}" if names.index(name) < at else name for at, name in enumerate(names)])
    height = min(MAX_HEIGHT, ROW_PX * (len(result.rows) + 1) + 2)
    st.dataframe(frame, hide_index=True, height=height, row_height=ROW_PX, key=f"rows-{key}")
    if result.more:
        st.caption(t("Only the first {n} rows are shown.", n=len(result.rows)))
    st.download_button(
        t("CSV"), lambda: as_csv(result), file_name="query.csv", mime="text/csv", icon=":material/download:", type="tertiary",
        key=f"csv-{key}", on_click="ignore",
    )  # fmt: skip
    if charts:
        _chart(result, key)


def _chart(result: QueryResult, key: str) -> None:
    chart = chart_of(result)
    if chart is None:
        return
    with st.container(key=f"tablechart-{key}", border=True):
        kind = st.segmented_control(
            t("Chart"), chart.suited, default=chart.suited[0], format_func=lambda each: t(_TITLES[each]), key=f"kind-{key}", required=True,
            label_visibility="collapsed",
        ) or chart.suited[0]  # fmt: skip
        from pages.widgets.tables.figure import figure, show_figure  # Plotly takes memory: the first chart loads it.

        shown = drawn_rows(result, chart, kind)
        show_figure(figure(result, chart, kind, shown), f"figure-{key}", ", ".join(result.columns[y].name for y in chart.ys))
