"""The leaderboard: scores with their intervals on one scale, and the share that each won against each."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.arena.standings import MEAN, Standing, Standings
from pages.shell.words import t
from pages.widgets.common.card import card
from pages.widgets.common.formats import MISSING, count


def board(found: Standings, presets: frozenset[str]) -> None:
    """Draw the leaderboard. presets: the names that are presets."""
    about = t("Bradley-Terry score, 1,000 is the mean of all votes. The line is the 95 % interval; where two overlap, the rank is shared.")
    with card("standings", t("Leaderboard"), about):
        head = (t("Rank"), t("Name"), t("Score"), "", t("Votes"), t("Won"))
        ranked = [row for row in found.rows if row.rank is not None]
        low, high = min((MEAN, *(row.low for row in ranked))), max((MEAN, *(row.high for row in ranked)))
        cells = "".join(_row(row, presets, low, high) for row in found.rows)
        st.html(f"<table class='rvgrid arena'><tr>{''.join(f'<th>{escape(each)}</th>' for each in head)}</tr>{cells}</table>")


def _row(row: Standing, presets: frozenset[str], low: float, high: float) -> str:
    rank = str(row.rank) if row.rank is not None else MISSING
    kind = f" <small>{escape(t('preset'))}</small>" if row.contender.name in presets and not row.contender.version else ""
    score = f"{row.score:,.0f}" if row.rank is not None else escape(t("too few"))
    line = _line(row, low, high) if row.rank is not None else ""
    return (
        f"<tr><th>{rank}</th><th>{escape(row.contender.label)}{kind}</th><td>{score}</td><td>{line}</td>"
        f"<td>{count(row.votes)}</td><td>{row.won * 100:.0f} %</td></tr>"
    )


def _line(row: Standing, low: float, high: float) -> str:
    left, right, dot, mean = ((each - low) / (high - low) * 100 for each in (row.low, row.high, row.score, MEAN))
    words = t("{low} to {high}", low=f"{row.low:,.0f}", high=f"{row.high:,.0f}")
    return (
        f"<div class='rvline' role='img' aria-label='{escape(words)}' title='{escape(words)}'><i style='left:{mean:.1f}%'></i>"
        f"<b style='left:{left:.1f}%;width:{right - left:.1f}%'></b><u style='left:{dot:.1f}%'></u></div>"
    )


def matrix(found: Standings) -> None:
    """Draw the share that each row won against each column."""
    with card("onebyone", t("One against one"), t("Share in % that the row won; ties count half")):
        names = [row.contender.label for row in found.rows]
        head = "".join(f"<th>{number}</th>" for number in range(1, len(names) + 1))
        lines = "".join(
            f"<tr><th>{number} {escape(name)}</th>{''.join(map(_cell, row))}</tr>"
            for number, (name, row) in enumerate(zip(names, found.won, strict=True), start=1)
        )
        st.html(f"<div class='onebox'><table class='oneone'><tr><th></th>{head}</tr>{lines}</table></div>")


def _cell(share: float | None) -> str:
    if share is None:
        return "<td></td>"
    strength = min(1.0, abs(share - 0.5) * 4)
    colour = "--won" if share > 0.5 else "--lost"
    return f"<td style='background: color-mix(in srgb, var({colour}) {strength * 60:.0f}%, transparent)'>{share * 100:.0f}</td>"
