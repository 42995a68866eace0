"""The card of a platform: its state, speed, last failures, and a test question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError, StoredError
from core.people.records import User
from core.platforms.records import LOCAL, Condition, PlatformsConfig, PlatformState
from pages.shell.live_part import callback
from pages.shell.words import error_text, listed, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card_title, facts_list
from pages.widgets.common.formats import ago, count, seconds

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_CONDITIONS = {
    Condition.HEALTHY: ("green", "check_circle", "Healthy"),
    Condition.SLOW: ("orange", "hourglass_top", "Slow"),
    Condition.UNUSED: ("red", "block", "Not used"),
    Condition.OFF: ("gray", "power_settings_new", "Switched off"),
}
_TESTED = "platforms_tested"
MAX_FAILURES = 5
MAX_MODELS = 6


def platform_card(portal: Portal, user: User, state: PlatformState) -> None:
    colour, icon, word = _CONDITIONS[state.condition]
    with st.container(border=True, key=f"card-platform-{state.name}", gap="xsmall"):
        address = t("This process") if state.name == LOCAL else plain(state.address)
        card_title(f"{plain(state.name)} :{colour}[:small[:material/{icon}: {t(word)}]]", address)
        _sentences(state)
        facts_list(_facts(state))
        with st.container(horizontal=True, gap="xsmall"):
            st.button(
                t("Test"), icon=":material/send:", key=f"platform-test-{state.name}", on_click=callback(_test),
                args=(portal, user, state.name),
                disabled=not state.models, help=t("Ask it a short question, through the gateway like everyone"),
            )  # fmt: skip
            if state.name != LOCAL:
                st.button(
                    t("Reload models"), icon=":material/refresh:", type="tertiary", key=f"platform-reload-{state.name}",
                    on_click=callback(portal.platform_monitor.reload), args=(user, state.name),
                )  # fmt: skip
        _result(state.name)
        if state.failures:
            with st.expander(t("Last failures"), key=f"platform-failures-{state.name}"):
                for at, error in state.failures[:MAX_FAILURES]:
                    st.caption(f"{ago(at)}: {plain(error_text(error))}")


def _sentences(state: PlatformState) -> None:
    """Say why the platform is not used, since when, and what happens meanwhile; name the models that it does not have."""
    if state.condition is Condition.UNUSED:
        why = plain(error_text(state.last_error or state.problem or StoredError("It is not used.")))
        since = t("It went out of use {age}. The portal tries it again and again.", age=ago(state.since)) if state.since else ""
        st.markdown(f":red[{why}] {since}")
    for missing in state.missing:
        st.markdown(f":orange[:material/warning: {plain(error_text(missing))}]")
    if state.models:
        more = f" +{len(state.models) - MAX_MODELS}" if len(state.models) > MAX_MODELS else ""
        st.caption(listed(plain(each) for each in state.models[:MAX_MODELS]) + more)
    else:
        st.caption(t("No models for chats are known yet."))


def _facts(state: PlatformState) -> Sequence[tuple[str, str]]:
    in_use = count(state.in_use) if state.most is None else t("{n} of {most}", n=state.in_use, most=state.most)
    waiting = f" +{state.waiting}" if state.waiting else ""
    facts = [
        (t("First token p50"), seconds(state.ttft_p50_s)),
        (t("p95"), seconds(state.ttft_p95_s)),
        (t("In use"), in_use + waiting),
        (t("Answers, 1 h"), count(state.answers)),
        (t("Errors, 1 h"), count(state.errors)),
    ]
    if state.cost_today is not None:
        facts.append((t("Cost today"), f"{state.cost_today:,.2f} {state.currency}"))
    return facts


def _test(portal: Portal, user: User, name: str) -> None:
    results = st.session_state.setdefault(_TESTED, {})
    try:
        tested = portal.platform_monitor.test(user, name)
    except PortalError as problem:
        results[name] = ("error", error_text(problem))
    else:
        took = t("{seconds} to the first token, {all} in all", seconds=seconds(tested.ttft_s), all=seconds(tested.duration_s))
        results[name] = ("ok", f"{tested.text}  \n{tested.target}, {took}")


def _result(name: str) -> None:
    kind, text = st.session_state.get(_TESTED, {}).get(name, ("", ""))
    if kind == "ok":
        answer, _, figures = text.rpartition("  \n")
        st.markdown(f":green[:material/check:] {plain(answer)}  \n:gray[:small[{plain(figures)}]]")
    elif kind:
        st.markdown(f":red[:material/error: {plain(text)}]")


def routes_card(config: PlatformsConfig, states: Sequence[PlatformState]) -> None:
    """Draw the steps of each route: which take questions now, which are slow, and which are skipped."""
    if not config.routes:
        return
    conditions = {state.name: state.condition for state in states}
    with st.container(border=True, key="card-routes", gap="xsmall"):
        card_title(t("Routes"), t("The first one that can answer takes a question; the next one follows if it fails."))
        for task, steps in config.routes.items():
            shown, taken = [], False
            for step in steps:
                condition = conditions.get(step.platform or "", Condition.HEALTHY)
                text = plain(step.target)
                if condition in (Condition.UNUSED, Condition.OFF):
                    shown.append(f":gray[~~{text}~~]")
                    continue
                special = step.groups or step.over_tokens is not None or step.up_to_tokens is not None
                colour = "orange" if condition is Condition.SLOW else "" if taken or special else "blue"
                taken = taken or not special
                shown.append(f":{colour}[{text}]" if colour else text)
            st.markdown(f"**{t(_TASKS[task.value])}**: " + " → ".join(shown))


_TASKS = {
    "chat": "Chat", "title": "Titles", "summarize": "Summaries", "memory": "Memories", "embed": "Embeddings", "rerank": "Reranking",
    "vision": "Images", "tools": "Tools",
}  # fmt: skip
