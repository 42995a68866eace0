"""Say what differs most from the period before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from core.usage.boards.records import Overview, Part
from core.usage.figures import Share, difference_interval
from pages.shell.words import t
from pages.widgets.boards.figures import change_of
from pages.widgets.boards.plots import period_words
from pages.widgets.common.card import card_title
from pages.widgets.common.formats import count, seconds, share
from pages.widgets.usage.filters import group_name

LEAST_CHANGE = 0.1
"""Smaller relative changes are not listed."""
LEAST_ANSWERS = 20
"""Groups and models with fewer answers in both periods are not listed: their changes are chance."""
MAX_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference in words. better: None if it is neither good nor bad. up: the direction of its arrow."""

    bold: str
    rest: str
    up: bool
    better: bool | None = None


def what_changed(board: Overview) -> None:
    """Draw the card."""
    before = board.query.before
    card_title(t("What changed"), t("Largest differences from {period}", period=period_words(before.first, before.last)))
    found = differences(board)
    if not found:
        st.caption(t("Nothing differs much from the period before."))
        return
    st.html(f"<ul class='chg'>{''.join(map(_row, found))}</ul>")


def differences(board: Overview) -> list[Difference]:
    """Return what differs most: ratings if it cannot be chance, waits, groups, models, new people."""
    found = [_rated(board), _waits(board), _most_moved(board.groups, group=True), _most_moved(board.models, group=False), _new(board)]
    return [each for each in found if each is not None][:MAX_LISTED]


def _rated(board: Overview) -> Difference | None:
    now, past = (Share(each.rated_good, each.rated) for each in (board.now, board.before))
    interval = difference_interval(now, past)
    if interval is None or now.value is None or past.value is None or interval[0] <= 0 <= interval[1]:
        return None
    up = interval[0] > 0
    moved = f"{abs(now.value - past.value) * 100:.1f}"
    rest = t("up {points} points on {n} ratings", points=moved, n=now.of) if up else t(
        "down {points} points on {n} ratings", points=moved, n=now.of
    )  # fmt: skip
    return Difference(bold=t("{share} of the rated answers are good", share=share(now.value)), rest=rest, up=up, better=up)


def _waits(board: Overview) -> Difference | None:
    now, past = board.ttft_p95.now, board.ttft_p95.before
    if now is None or past is None or abs(now - past) < max(LEAST_CHANGE * past, 0.05):
        return None
    up = now > past
    rest = t("up {time}", time=seconds(now - past)) if up else t("down {time}", time=seconds(past - now))
    return Difference(bold=t("Time to first token, p95, is {time}", time=seconds(now)), rest=rest, up=up, better=not up)


def _most_moved(parts: Sequence[Part], *, group: bool) -> Difference | None:
    """Return the group or model with the largest change, if it is not the only one."""
    known = [each for each in parts if max(each.now.answers, each.before.answers) >= LEAST_ANSWERS]
    moved = max(known, key=lambda each: abs(each.now.answers - each.before.answers), default=None)
    if moved is None or len(known) < 2:
        return None
    name, change = group_name(moved.name) if group else moved.name, change_of(moved.now.answers, moved.before.answers)
    rest = t("{n} answers, {before} before", n=count(moved.now.answers), before=count(moved.before.answers))
    if change is None:
        return Difference(bold=t("{name} is new", name=name), rest=rest, up=True)
    if abs(change) < LEAST_CHANGE:
        return None
    percent = f"{abs(change) * 100:,.0f}"
    if group:
        bold = t("{name} asks {percent} % more", name=name, percent=percent) if change > 0 else (
            t("{name} asks {percent} % less", name=name, percent=percent)
        )  # fmt: skip
    else:
        bold = t("{name} answers {percent} % more", name=name, percent=percent) if change > 0 else (
            t("{name} answers {percent} % less", name=name, percent=percent)
        )  # fmt: skip
    return Difference(bold=bold, rest=rest, up=change > 0)


def _new(board: Overview) -> Difference | None:
    if not board.new_people:
        return None
    people = t("of {n} active people", n=int(board.people.now or 0))
    return Difference(bold=t("{n} people asked for the first time", n=board.new_people), rest=people, up=True)


def _row(each: Difference) -> str:
    tone = "" if each.better is None else "ok" if each.better else "bad"
    arrow = "↗" if each.up else "↘"
    words = f"<b>{escape(each.bold)}</b><span>{escape(each.rest)}</span>"
    return f"<li><i class='{tone}' aria-hidden='true'>{arrow}</i><span>{words}</span></li>"
