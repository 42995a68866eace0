"""All charts of the portal: one Plotly template, and the few kinds of charts that the pages use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape

import plotly.graph_objects as go
import streamlit as st

from pages.shell.words import language
from pages.widgets.common.formats import count, share

HEIGHT = 216
FONT = "Inter, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif"
CONFIG = {"displayModeBar": False, "scrollZoom": False, "responsive": True}
WEEKEND = 0.4
DAY_MS = 86_400_000
_TOP, _FOOT = 8, 22
"""Pixels above the plot, and pixels of the date labels below it."""


@dataclass(frozen=True, slots=True)
class Palette:
    text: str
    muted: str
    grid: str
    axis: str
    paper: str
    series: tuple[str, ...]


LIGHT = Palette(
    text="#1b1d20",
    muted="#5a6068",
    grid="#eceef1",
    axis="#d5d8dd",
    paper="#ffffff",
    series=("#2f5bd7", "#0e8a7d", "#b7791f", "#c2416b", "#7455d1", "#64707d"),
)
DARK = Palette(
    text="#e9eaec",
    muted="#a4a9b1",
    grid="#26292d",
    axis="#3a3e44",
    paper="#1f2124",
    series=("#7f9ff5", "#46bdae", "#d9a552", "#e88aa9", "#ac96f2", "#949eab"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line with one value per day, None if nothing was measured. colour: index in Palette.series."""

    name: str
    values: Sequence[float | None]
    colour: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share with its 95 % interval, all from 0 to 1, from n observations."""

    name: str
    share: float
    low: float
    high: float
    n: int


def palette(dark: bool) -> Palette:
    """Return the colours of the light or the dark theme."""
    return DARK if dark else LIGHT


def template(dark: bool) -> go.layout.Template:
    """Return the Plotly template of the light or the dark theme."""
    colours = palette(dark)
    axis = dict(showline=False, zeroline=False, ticks="", tickfont=dict(size=11, color=colours.muted), automargin=True, fixedrange=True)
    spike = dict(showspikes=True, spikethickness=1, spikedash="solid", spikecolor=colours.axis, spikemode="across", spikesnap="data")
    return go.layout.Template(
        layout=dict(
            font=dict(family=FONT, size=12, color=colours.text),
            colorway=colours.series,
            paper_bgcolor="rgba(0,0,0,0)",
            plot_bgcolor="rgba(0,0,0,0)",
            margin=dict(l=0, r=8, t=_TOP, b=0),
            xaxis={**axis, **spike, "showgrid": False},
            yaxis={**axis, "showgrid": True, "gridcolor": colours.grid, "gridwidth": 1, "rangemode": "tozero", "nticks": 5},
            hovermode="x unified",
            hoverlabel=dict(bgcolor=colours.paper, bordercolor=colours.axis, font=dict(size=12, color=colours.text, family=FONT)),
            bargap=0.35,
            barcornerradius=2,
            dragmode=False,
            showlegend=False,
        )
    )


def show(figure: go.Figure, key: str, alt: str) -> None:
    """Draw a figure. alt: alternative text. Streamlit's theme is off, since it would replace the template's fonts, ticks and grid."""
    st.plotly_chart(figure, theme=None, config=CONFIG, key=key, alt=alt)


def bars(days: Sequence[date], series: Sequence[Line], dark: bool, *, whole: bool = True) -> go.Figure:
    """Return stacked bars by day, from 0; weekends are lighter. whole: whether they count something."""
    figure = go.Figure()
    opacity = [WEEKEND if day.weekday() >= 5 else 1 for day in days]
    for line in series:
        marker = dict(color=palette(dark).series[line.colour], opacity=opacity)
        named = f"{escape(line.name)} " if len(series) > 1 else ""
        figure.add_bar(x=days, y=line.values, name=escape(line.name), marker=marker, hovertemplate=f"{named}%{{y:,}}<extra></extra>")
    top = max((sum(values) for values in zip(*([value or 0 for value in line.values] for line in series), strict=True)), default=0)
    _frame(figure, days, dark)
    _count_axis(figure, top, whole=whole)
    figure.update_layout(barmode="stack")
    return figure


def lines(days: Sequence[date], series: Sequence[Line], dark: bool, unit: str = "") -> go.Figure:
    """Return lines by day, named at their end. A day without a value is a gap; a value between two gaps is a dot."""
    figure = go.Figure()
    hover = "%{y:.2f} " + unit if unit else "%{y:,}"
    for line in series:
        colour = palette(dark).series[line.colour]
        figure.add_scatter(
            x=days,
            y=line.values,
            name=escape(line.name),
            mode="lines+markers",
            connectgaps=False,
            line=dict(width=2, color=colour),
            marker=dict(size=_dots(line.values), color=colour, line=dict(width=0)),
            hovertemplate=f"{escape(line.name)} {hover}<extra></extra>",
        )
    top = max((value for line in series for value in line.values if value is not None), default=0.0)
    _frame(figure, days, dark)
    if unit:
        step = _step(top)
        figure.update_yaxes(
            range=[0, _upper(top, step)], dtick=step, ticksuffix=f" {unit}", tickformat=f",.{max(0, -math.floor(math.log10(step)))}f"
        )
    else:
        _count_axis(figure, top)
    _name_ends(figure, series, dark)
    return figure


def intervals(estimates: Sequence[Estimate], dark: bool) -> go.Figure:
    """Return a chart with a dot and a bar without caps per row, the first row on top, and n below the name."""
    colours = palette(dark)
    positions = list(range(len(estimates)))[::-1]
    figure = go.Figure(
        go.Scatter(
            x=[each.share * 100 for each in estimates],
            y=positions,
            mode="markers+text",
            text=[share(each.share) for each in estimates],
            textposition="top center",
            textfont=dict(size=12, color=colours.text),
            marker=dict(size=9, color=colours.series[0]),
            cliponaxis=False,
            error_x=dict(
                array=[(each.high - each.share) * 100 for each in estimates],
                arrayminus=[(each.share - each.low) * 100 for each in estimates],
                thickness=2,
                width=0,
                color=colours.series[0],
            ),
            customdata=[f"{share(each.low)} – {share(each.high)}" for each in estimates],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    names = [f"{escape(each.name)}<br><span style='font-size:11px;color:{colours.muted}'>n = {count(each.n)}</span>" for each in estimates]
    low = math.floor(min((each.low for each in estimates), default=0.0) * 10) * 10
    figure.update_layout(
        template=template(dark), height=max(HEIGHT, 56 * len(estimates) + 32), hovermode="closest", margin=dict(l=0, r=20, t=_TOP, b=0)
    )
    figure.update_xaxes(
        range=[max(0, low - 2), 102], ticksuffix=" %", showgrid=True, gridcolor=colours.grid, showspikes=False, nticks=4, tickangle=0
    )
    figure.update_yaxes(
        showgrid=False,
        range=[-0.6, len(estimates) - 0.3],
        tickvals=positions,
        ticktext=names,
        ticklabelstandoff=10,
        tickfont=dict(size=12, color=colours.text),
    )
    return figure


def _frame(figure: go.Figure, days: Sequence[date], dark: bool) -> None:
    """Set the template, the height, and a date axis with three to seven labels; labels that are weeks apart are on Mondays."""
    every = next(step for step in (1, 2, 7, 14, 28, 91, 182, 364, 3640) if len(days) <= 7 * step or step == 3640)
    start = days[0] if every < 7 else days[0] + timedelta(days=-days[0].weekday() % 7)
    chinese = language() == "zh"
    labels = "%-m月%-d日" if chinese else "%-d %b"
    years = "%Y年%-m月%-d日" if chinese else "%-d %b %Y"
    figure.update_layout(template=template(dark), height=HEIGHT)
    figure.update_xaxes(
        tickformat=years if every > 28 else labels,
        hoverformat=years,
        dtick=every * DAY_MS,
        tick0=start.isoformat(),
        ticklabelstandoff=4,
        range=[f"{days[0].isoformat()} 00:00", f"{days[-1].isoformat()} 00:00"]
        if len(days) > 1 and not any(isinstance(trace, go.Bar) for trace in figure.data)
        else None,
    )


def _count_axis(figure: go.Figure, top: float, *, whole: bool = True) -> None:
    step = max(1, _step(top)) if whole else _step(top)
    upper = _upper(top, step)
    values = [step * n for n in range(int(upper / step) + 1)]
    figure.update_yaxes(range=[0, upper], tickvals=values, ticktext=[_tick(value, step, upper) for value in values])


def _tick(value: float, step: float, upper: float) -> str:
    """Return the text of a tick: 2 M on axes of millions, three digits where steps are below one, whole numbers elsewhere."""
    if value and upper >= 2e6:
        return f"{value / 1e6:g} M"
    return f"{value:,.3g}" if step < 1 else f"{value:,.0f}"


def _step(top: float) -> float:
    """Return 1, 2 or 5 times a power of ten, so that at most five steps reach `top`."""
    if top <= 0:
        return 1
    rough = top / 5
    power = 10 ** math.floor(math.log10(rough))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= rough * 0.999)


def _upper(top: float, step: float) -> float:
    return round(max(step, math.ceil(top * 1.02 / step) * step), 9)


def _dots(values: Sequence[float | None]) -> list[int]:
    """Return marker sizes: 5 px for a value with a gap on both sides, which a line would not show."""
    padded = [None, *values, None]
    return [
        5 if value is not None and before is None and after is None else 0
        for before, value, after in zip(padded, values, padded[2:], strict=False)
    ]


def _name_ends(figure: go.Figure, series: Sequence[Line], dark: bool) -> None:
    """Write the name of each line on the right; move names apart if the ends are closer than a line of text."""
    upper = figure.layout.yaxis.range[1]
    pixels = HEIGHT - _TOP - _FOOT
    ends = [(next((value for value in reversed(line.values) if value is not None), None), line) for line in series]
    floor = -math.inf
    for value, line in sorted(((value, line) for value, line in reversed(ends) if value is not None), key=lambda end: end[0]):
        height = max(value / upper * pixels, floor + 13)
        floor = height
        figure.add_annotation(
            x=1,
            xref="paper",
            y=value,
            text=escape(line.name),
            showarrow=False,
            xanchor="left",
            xshift=6,
            yshift=height - value / upper * pixels,
            font=dict(size=11, color=palette(dark).series[line.colour]),
        )
    widest = max((sum(11.5 if ord(letter) > 0x2E80 else 6.3 for letter in line.name) for line in series), default=0)
    figure.update_layout(margin_r=round(widest) + 10)
