"""Draw the lines of one turn, and where its time went."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from core.operations.logs.records import LoggedTurn, TurnPart
from pages.shell.words import t
from pages.widgets.common.card import card
from pages.widgets.common.formats import count, seconds
from pages.widgets.logs.lines import draw_lines
from pages.widgets.logs.log_words import part_word


def turn_sentence(turn: LoggedTurn) -> str:
    """Return when it was asked, by whom, and how long it took."""
    at = f"{turn.began_at:%Y-%m-%d %H:%M:%S} UTC"
    who = t("Asked by a person in {group} at {at}", group=turn.group, at=at) if turn.group else t("Asked at {at}", at=at)
    return t("{asked}, ended after {time}", asked=who, time=seconds(turn.parts[-1][2])) if turn.parts else who


def draw_turn(turn: LoggedTurn) -> None:
    if turn.parts:
        with card("logtime", t("Where the time went"), t("Since the question")):
            _parts(turn.parts)
    about = t("What the parts of the portal wrote on this server while they worked on the turn")
    with card("logturn", t("{n} lines", n=count(len(turn.lines))), about):
        draw_lines(turn.lines, lambda line: f"+{max(0.0, (line.at - turn.began_at).total_seconds()):.3f}", links=False)


def _parts(parts: Sequence[tuple[TurnPart, float, float]]) -> None:
    end = max(parts[-1][2], 0.001)
    rows = "".join(
        f"<dt>{escape(part_word(name))}</dt><dd><i class='{name}' style='left:{begin / end * 100:.1f}%;"
        f"width:max(3px,{(until - begin) / end * 100:.1f}%)'></i></dd><dd class='r'>{escape(seconds(until - begin))}</dd>"
        for name, begin, until in parts
    )
    st.html(f"<dl class='logtime'>{rows}</dl>")
