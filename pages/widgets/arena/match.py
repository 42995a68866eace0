"""One match: the question, two answers without names, the vote by buttons or arrow keys, and then the names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.arena.records import Choice, Match, MatchState, Side
from core.errors import PortalError
from core.people.records import User
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain, show
from pages.widgets.common.formats import speed

if TYPE_CHECKING:
    from bootstrap.portal import Portal

POLL_S = 0.5
_CHOICES = (
    (Choice.LEFT, "Left is better", "left"),
    (Choice.ALIKE, "Alike", "down"),
    (Choice.POOR, "Both poor", "up"),
    (Choice.RIGHT, "Right is better", "right"),
)


def match_view(portal: Portal, user: User, match: Match, on_end: Callable[[], None]) -> None:
    """Draw a match. on_end: forget it and offer the next question."""
    with st.container(key="arena-asked", horizontal=True, horizontal_alignment="right"), st.container(width="content"):
        st.markdown(plain(match.question))
    if match.state is MatchState.ANSWERING:
        part(_waiting, every=POLL_S)(portal, user, match)
        if st.button(t("Stop"), key="arena-stop", icon=":material/stop_circle:", type="tertiary"):
            portal.arena.leave(user, match.id)
            on_end()
            st.rerun()
        return
    if match.state is MatchState.FAILED:
        why = error_text(match.error) if match.error else ""
        st.markdown(f":red[:material/error: {t('One of the two could not answer, so there is nothing to vote on.')}] {plain(why)}")
        if st.button(t("Ask another question"), key="arena-again", shortcut="Enter"):
            on_end()
            st.rerun()
        return
    with st.container(key="arena-pair"):
        for column, side, name in zip(st.columns(2, gap="small"), (match.left, match.right), ("left", "right"), strict=True):
            with column, st.container(border=True, key=f"card-arena-{name}", gap="small", height="stretch"):
                _side(match, side, name)
    if match.state is MatchState.READY:
        _vote(portal, user, match)
    else:
        _voted(portal, user, match, on_end)


def _waiting(portal: Portal, user: User, match: Match) -> None:
    now = portal.arena.get(user, match.id)
    if now.state is not MatchState.ANSWERING:
        st.rerun()
    with st.container(key="arena-waiting", horizontal_alignment="center"):
        st.caption(f":material/hourglass_empty: {t('Two models answer. Both answers appear together, so that speed tells nothing.')}")


def _side(match: Match, side: Side, name: str) -> None:
    if match.state is MatchState.READY:
        st.markdown(f"**{t('Left') if name == 'left' else t('Right')}**")
    else:
        figures = [speed(side.tokens_per_second)] if side.tokens_per_second else []
        figures += [t("{n} tokens", n=side.tokens)] if side.tokens is not None else []
        mine = f" :blue[:material/check: {t('Your vote')}]" if match.choice == name else ""
        st.markdown(f"**{plain(side.name)}** :gray[:small[{plain(' · '.join(figures))}]]{mine}")
    show(side.text)


def _vote(portal: Portal, user: User, match: Match) -> None:
    with st.container(horizontal=True, horizontal_alignment="center", gap="xsmall", key="arena-votes"):
        for choice, label, key in _CHOICES:
            if st.button(t(label), shortcut=key, key=f"arena-vote-{choice}"):
                _act(lambda choice=choice: portal.arena.vote(user, match.id, choice))  # type: ignore[misc]
    st.caption(t("The sides are random. Names, speed and length come after the vote."), text_alignment="center")


def _voted(portal: Portal, user: User, match: Match, on_end: Callable[[], None]) -> None:
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center", gap="small", key="arena-voted"):
        if match.choice in (Choice.ALIKE, Choice.POOR):
            st.caption(t("Your vote: {choice}", choice=t("Alike") if match.choice is Choice.ALIKE else t("Both poor")), width="content")
        if match.others:
            st.caption(t("{n} of {of} other votes on these two agree.", n=match.agreed, of=match.others), width="content")
        if st.button(t("Next question"), key="arena-next", type="primary", shortcut="Enter"):
            on_end()
            st.rerun()
        if st.button(t("Take back"), key="arena-back", type="tertiary"):
            on_end()
            _act(lambda: portal.arena.take_back(user, match.id))


def _act(do: Callable[[], object]) -> None:
    try:
        do()
    except PortalError as problem:
        st.toast(plain(error_text(problem)), icon=":material/error:")
    else:
        st.rerun()
