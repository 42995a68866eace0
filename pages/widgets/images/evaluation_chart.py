"""Precision and recall of models, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from core.grounding.evaluation.records import Evaluation, Score
from pages.shell.words import t
from pages.widgets.common.formats import share
from pages.widgets.usage.charts import palette, template

_NARROW = 0.3
"""Share below which the label is beside the bar instead of inside."""
_ROW = 60
"""Height of a row in pixels."""
_MAX_VERSIONS = 10
"""Maximum number of versions drawn; the table has all."""


def evaluation_chart(found: Sequence[Evaluation], kind: str, dark: bool) -> go.Figure:
    """Return a chart with two bars per result, the first result on top. kind: `texts`, `shapes` or `total`."""
    colours = palette(dark)
    found = found[:_MAX_VERSIONS]
    scores: list[Score] = [getattr(each, kind) for each in found]
    rows = list(range(len(found)))[::-1]
    names = [
        f"{escape(each.model)}<br><span style='font-size:11px;color:{colours.muted}'>{escape(_short(each.model_version))}</span>"
        for each in found
    ]
    figure = go.Figure()
    for colour, (name, shares) in enumerate((
        (t("recall"), [score.recall for score in scores]),
        (t("precision"), [score.precision for score in scores]),
    )):
        figure.add_bar(
            y=rows, x=[100 * (value or 0.0) for value in shares], name=name, orientation="h", marker=dict(color=colours.series[1 - colour]),
            text=[f"{name} {share(value)}" for value in shares], textangle=0, insidetextanchor="start", hoverinfo="skip",
            textposition=["inside" if (value or 0.0) > _NARROW else "outside" for value in shares], cliponaxis=False,
            insidetextfont=dict(color=colours.paper), outsidetextfont=dict(color=colours.text),
        )  # fmt: skip
    figure.update_layout(template=template(dark), height=_ROW * len(found) + 44, barmode="group", bargap=0.25, hovermode=False)
    figure.update_layout(margin=dict(l=0, r=24, t=8, b=0))
    figure.update_xaxes(range=[0, 100], ticksuffix=" %", showgrid=True, gridcolor=colours.grid, showspikes=False, dtick=25, tickangle=0)
    figure.update_yaxes(showgrid=False, tickvals=rows, ticktext=names, ticklabelstandoff=10, tickfont=dict(size=12, color=colours.text))
    return figure


def _short(version: str) -> str:
    return version if len(version) <= 28 else f"{version[:27]}…"
