"""Stop an experiment, give its variant B to more people, or promote it, after saying for whom, from when, and how to go back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.experiments.records import MAX_RAISES, Experiment, State
from core.people.records import User
from pages.shell.live_part import dialog
from pages.shell.words import error_text, listed, t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def actions(portal: Portal, user: User, experiment: Experiment) -> None:
    """Draw the buttons that end an experiment."""
    if experiment.state is State.RUNNING:
        if st.button(t("Stop"), icon=":material/stop_circle:", key="exp-stop"):
            _ask_to_stop(portal, user, experiment)
        if len(experiment.raised) < MAX_RAISES and experiment.design.to_b < 99:
            if st.button(t("Give B to more"), icon=":material/trending_up:", key="exp-raise"):
                _ask_to_raise(portal, user, experiment)
        if st.button(t("Promote B"), type="primary", key="exp-promote"):
            _ask_to_promote(portal, user, experiment)
    elif experiment.state is State.PROMOTED and st.button(t("Bring A back"), icon=":material/undo:", key="exp-undo"):
        _ask_to_stop(portal, user, experiment)


def _ask_to_promote(portal: Portal, user: User, experiment: Experiment) -> None:
    design = experiment.design

    @dialog(t("Promote B?"))
    def ask() -> None:
        a, b, who = plain(design.subject), plain(design.other), plain(listed(design.groups))
        if who:
            st.write(t("{b} answers everyone of {groups} who chooses {a}, from their next question on.", a=a, b=b, groups=who))
        else:
            st.write(t("{b} answers everyone who chooses {a}, from their next question on.", a=a, b=b))
        st.write(t("Running answers finish as they began."))
        st.caption(t("The experiment ends and keeps its figures. {a} stays; Bring A back on this page undoes it.", a=a))
        _confirm(t("Promote B"), lambda: portal.experiments.promote(user, experiment.id))

    ask()


def _ask_to_raise(portal: Portal, user: User, experiment: Experiment) -> None:
    now = experiment.design.to_b

    @dialog(t("Give B to more people?"))
    def ask() -> None:
        to_b = st.number_input(t("Get B, %"), now + 1, 99, now + max(1, (100 - now) // 2), key="exp-raise-to")
        st.write(t("Who has B keeps it. Some people change from A to B with their next question."))
        st.write(t("Counting starts over now. Otherwise those people would be in both variants, and later days would weigh more in B. "
                   "The interval is wide again at first."))  # fmt: skip
        level = f"{(1 - experiment.alpha / 2) * 100:g}"
        st.caption(t("It becomes a {level} % interval, so that several counts do not find a difference by chance. Limits still count all "
                     "of B. This cannot be undone.", level=level))  # fmt: skip
        _confirm(t("Give B to {n} %", n=int(to_b)), lambda: portal.experiments.raise_split(user, experiment.id, int(to_b)))

    ask()


def _ask_to_stop(portal: Portal, user: User, experiment: Experiment) -> None:
    @dialog(t("Give everyone A?"))
    def ask() -> None:
        st.write(t("{a} answers everyone again, from their next question on. The figures are kept.", a=plain(experiment.design.subject)))
        _confirm(t("Give everyone A"), lambda: portal.experiments.stop(user, experiment.id))

    ask()


def _confirm(label: str, do: Callable[[], object]) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        confirmed = st.button(label, type="primary", key="exp-confirm")
        if st.button(t("Cancel"), type="tertiary", key="exp-cancel"):
            st.rerun()
    if confirmed:
        try:
            do()
        except PortalError as problem:
            st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
        else:
            st.rerun()
