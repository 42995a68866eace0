"""How the difference between the variants grew, day by day, with its interval as a band."""

from __future__ import annotations

import plotly.graph_objects as go

from core.experiments.records import SHARES
from core.experiments.results import Grown
from core.experiments.service import ExperimentReport
from pages.shell.frame import dark
from pages.shell.words import t
from pages.widgets.common.card import card
from pages.widgets.common.formats import short_day
from pages.widgets.experiments.words import METRICS, difference
from pages.widgets.usage import charts


def growth_band(report: ExperimentReport) -> None:
    """Draw the band, once there are two days with an interval."""
    known = [each for each in report.growth if each.compared.low is not None and each.compared.high is not None]
    if len(known) < 2:
        return
    name = t(METRICS[known[0].compared.metric])
    about = t("B minus A with its interval, from all answers up to the end of each day (UTC)")
    with card("expgrowth", t("How the difference grew: {metric}", metric=name), about):
        charts.show(_band(known), "exp-growth", f"{name}: {_words(known[-1])}")


def _band(known: list[Grown]) -> go.Figure:
    metric = known[0].compared.metric
    by = 100 if metric in SHARES else 1
    days = [short_day(each.day) for each in known]
    low, high, middle = (
        [(value or 0.0) * by for value in values]
        for values in (
            [each.compared.low for each in known], [each.compared.high for each in known], [each.compared.difference for each in known]
        )
    )  # fmt: skip
    colour = charts.palette(dark()).series[0]
    hidden = dict(mode="lines", line=dict(width=0), hoverinfo="skip", showlegend=False)
    figure = go.Figure([
        go.Scatter(x=days, y=low, **hidden),
        go.Scatter(x=days, y=high, fill="tonexty", fillcolor=_pale(colour), **hidden),
        go.Scatter(
            x=days, y=middle, mode="lines", line=dict(width=2, color=colour), customdata=[_words(each) for each in known],
            hovertemplate="%{customdata}<extra></extra>", showlegend=False,
        ),
    ])  # fmt: skip
    figure.update_layout(template=charts.template(dark()), height=charts.HEIGHT)
    figure.add_hline(y=0, line=dict(width=1, color=charts.palette(dark()).axis))
    figure.update_xaxes(type="category", nticks=8, tickangle=0)
    figure.update_yaxes(rangemode="normal", ticksuffix=t("{value} pts", value="") if metric in SHARES else "")
    return figure


def _words(each: Grown) -> str:
    metric, compared = each.compared.metric, each.compared
    middle, low, high = (difference(metric, value) for value in (compared.difference, compared.low, compared.high))
    return t("{difference}, {low} to {high}", difference=middle, low=low, high=high)


def _pale(colour: str) -> str:
    """Return a colour of a chart at 16 % opacity."""
    red, green, blue = (int(colour.lstrip("#")[at : at + 2], 16) for at in (0, 2, 4))
    return f"rgba({red},{green},{blue},.16)"
