"""Draw the chart of a query."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go
import streamlit as st

from core.knowledge.tables.charts import Chart
from core.knowledge.tables.records import Cell, ChartKind, ColumnKind, QueryResult
from pages.shell.frame import dark as is_dark
from pages.widgets.usage.charts import HEIGHT, palette, template

CONFIG = {
    "scrollZoom": False, "responsive": True, "displaylogo": False, "displayModeBar": True,
    "modeBarButtons": [["toImage"]],
}  # fmt: skip


def figure(result: QueryResult, chart: Chart, kind: ChartKind, rows: Sequence[Sequence[Cell]]) -> go.Figure:
    """Return the figure of these rows, named by the columns."""
    dark = is_dark()
    made = go.Figure()
    x = [escape(each) if isinstance(each, str) else each for each in (row[chart.x] for row in rows)]
    for at, column in enumerate(chart.ys):
        colour, name = palette(dark).series[at % len(palette(dark).series)], escape(result.columns[column].name)
        y = [row[column] for row in rows]
        hover = f"{name} %{{y:,}}<extra></extra>"
        if kind is ChartKind.BAR:
            made.add_bar(x=x, y=y, name=name, marker=dict(color=colour), hovertemplate=hover)
        else:
            made.add_scatter(
                x=x, y=y, name=name, mode="lines" if kind is ChartKind.LINE else "markers", line=dict(width=2, color=colour),
                marker=dict(size=7, color=colour), hovertemplate=hover,
            )  # fmt: skip
    made.update_layout(template=template(dark), height=HEIGHT + 60, showlegend=len(chart.ys) > 1, barmode="group")
    made.update_layout(legend=dict(orientation="h", y=-0.2, x=0), margin=dict(l=0, r=8, t=28, b=0))
    made.update_layout(modebar=dict(bgcolor="rgba(0,0,0,0)", color=palette(dark).muted, activecolor=palette(dark).text))
    textual = result.columns[chart.x].kind in (ColumnKind.TEXT, ColumnKind.BOOLEAN)
    made.update_xaxes(type="category" if textual else "-")
    if len(chart.ys) == 1:
        # Without a standoff Plotly draws a title over the ticks.
        title = dict(title_standoff=10, title_font=dict(size=12, color=palette(dark).muted))
        made.update_xaxes(title_text=escape(result.columns[chart.x].name), **title)
        made.update_yaxes(title_text=escape(result.columns[chart.ys[0]].name), **title)
    if kind is ChartKind.SCATTER:
        made.update_layout(hovermode="closest")
        made.update_yaxes(rangemode="normal")
    return made


def show_figure(made: go.Figure, key: str, alt: str) -> None:
    """Draw a figure with a button that saves it as an image."""
    st.plotly_chart(made, theme=None, config=CONFIG, key=key, alt=alt)
