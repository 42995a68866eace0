"""The form of a new experiment. Its size is computed while it is filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.experiments.records import OF_RATINGS, SHARES, Design, Guard, Guardrail, Metric
from core.people.records import User
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card
from pages.widgets.common.formats import count
from pages.widgets.experiments.words import METRICS
from pages.widgets.usage.filters import group_name

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def form(portal: Portal, user: User) -> str | None:
    """Draw the form; return the id of the experiment that it started."""
    left, right = st.columns([3, 2], gap="small")
    with left, card("expform", t("What is compared"), t("People who choose A stay with A or get B. Nothing on their pages says which.")):
        try:
            design = _design(portal, user)
        except PortalError as problem:
            st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
            return None
    with right, card("expsize", t("How large"), t("So that four of five experiments find such a difference")):
        what = t("ratings of each variant") if design.metric in OF_RATINGS else t("answers of each variant")
        st.markdown(f"## {count(portal.experiments.size(user, design))}  \n:gray[{what}]", anchors=False)
        st.caption(t("A fixed test needs fewer, but may be looked at only once."))
        if st.button(t("Start experiment"), type="primary", key="exp-start"):
            try:
                return portal.experiments.start(user, design).id
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
    return None


def _design(portal: Portal, user: User) -> Design:
    models = [model.name for model in portal.gateway.chat_models(user)]
    presets = [preset.name for preset in portal.presets.list(user) if preset.name not in models]
    known = [*models, *presets]
    name = st.text_input(t("Name"), t("New experiment"), key="exp-name", max_chars=80)
    question = st.text_input(t("Question"), key="exp-question", max_chars=500, placeholder=t("What do you want to find out?"))
    with st.container(horizontal=True, gap="small"):
        subject = st.selectbox(t("A: what people choose"), known, key="exp-a")
        other = st.selectbox(t("B: what some of them get"), known, index=min(1, max(0, len(known) - 1)), key="exp-b")
    groups = st.multiselect(
        t("Groups"), portal.leaderboard.groups(user), format_func=group_name, key="exp-groups", placeholder=t("All groups")
    )  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        share = st.number_input(t("Take part, %"), 1, 100, 100, key="exp-share")
        to_b = st.number_input(t("Get B, %"), 1, 99, 50, key="exp-to-b")
        days = st.number_input(t("Days"), 1, 180, 14, key="exp-days")
    with st.container(horizontal=True, gap="small"):
        metric = st.selectbox(t("Decides"), list(Metric), format_func=lambda each: t(METRICS[each]), key="exp-metric")
        if metric in SHARES:  # Of ratings or of answers.
            baseline = st.number_input(t("A now, %"), 1.0, 99.0, 80.0, step=1.0, key="exp-baseline") / 100
            effect = st.number_input(t("Smallest difference, points"), 0.1, 100.0, 5.0, step=0.5, key="exp-effect") / 100
        else:
            baseline, effect = 0.8, st.number_input(t("Smallest difference, %"), 0.1, 100.0, 10.0, step=1.0, key="exp-relative") / 100
    st.caption(t("Limits for B; empty: none"))
    with st.container(horizontal=True, gap="small"):
        errors = st.number_input(t("Failed answers, %"), 0.0, 100.0, 5.0, step=0.5, key="exp-errors")
        slow = st.number_input(t("First token p95, s"), 0.0, 600.0, None, step=0.5, key="exp-slow")
        poor = st.number_input(t("Rated poor, %"), 0.0, 100.0, 40.0, step=1.0, key="exp-poor")
        least = st.number_input(t("Checked from"), 5, 1_000_000, 50, key="exp-least")
    limits = ((Guard.ERRORS, errors, 100), (Guard.FIRST_TOKEN_P95, slow, 1), (Guard.POOR, poor, 100))
    guardrails = [Guardrail(guard=guard, limit=limit / by, min_count=int(least)) for guard, limit, by in limits if limit is not None]
    return Design(
        name=name, question=question, subject=subject or "", other=other or "", groups=tuple(groups), share=int(share), to_b=int(to_b),
        metric=metric, effect=effect, baseline=baseline, days=int(days),
        guardrails=tuple(guardrails),
    )  # fmt: skip
