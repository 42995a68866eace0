"""One hot swap: its steps as a timeline, both versions, the answers of the new version, and the decisions of an admin."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError, StoredError
from core.models.swaps.records import Decision, StepKind, StepState, Swap, SwapState, SwapStep, Trial, VersionStats
from core.models.swaps.replays import gate_result, likeness, overridden, passes
from core.models.swaps.swaps import MAX_REASON
from core.people.records import User
from pages.shell import frame
from pages.shell.live_part import dialog, part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card_title
from pages.widgets.common.formats import MISSING, age, seconds, speed
from pages.widgets.models.swaps.swap_form import SWAP
from pages.widgets.models.swaps.word_differences import marked

if TYPE_CHECKING:
    from bootstrap.portal import Portal

LIVE_S = 1.0
STEPS = {
    StepKind.MAKE_ROOM: "Drain and unload the old version",
    StepKind.LOAD: "Load the new version",
    StepKind.CANARY: "Canary questions",
    StepKind.REPLAY: "Replay questions",
    StepKind.SHARE: "Share of traffic",
    StepKind.SWITCH: "Switch all traffic",
    StepKind.WATCH: "Watch the new version",
    StepKind.DRAIN: "Drain the old version",
    StepKind.UNLOAD: "Unload the old version",
}
STATES = {
    SwapState.RUNNING: ("blue", "timelapse", "Running"),
    SwapState.ASKING: ("orange", "help", "Waits for your decision"),
    SwapState.DONE: ("green", "check_circle", "Done"),
    SwapState.ROLLED_BACK: ("red", "undo", "Rolled back"),
    SwapState.INTERRUPTED: ("orange", "error", "Interrupted"),
}
_MARKS = {
    StepState.WAITING: ("radio_button_unchecked", "wait"),
    StepState.RUNNING: ("timelapse", "now"),
    StepState.DONE: ("check_circle", "done"),
    StepState.FAILED: ("error", "fail"),
    StepState.SKIPPED: ("remove", "wait"),
}


def swap_page(portal: Portal, user: User, swap_id: str) -> None:
    """Draw the swap in place of the Models page; it redraws itself while the swap runs."""
    st.button(t("Models"), icon=":material/arrow_back:", type="tertiary", key="swap-back", on_click=_leave)
    try:
        swap = portal.swaps.get(user, swap_id)
    except PortalError as problem:
        frame.blank(t("There is nothing here"), plain(error_text(problem)), key="blank-swap")
        return
    part(_swap, every=LIVE_S if swap.active else None)(portal, user, swap_id, swap.state)


def _leave() -> None:
    st.query_params.pop(SWAP, None)


def _swap(portal: Portal, user: User, swap_id: str, drawn: SwapState) -> None:
    swap = portal.swaps.get(user, swap_id)
    if swap.state is not drawn:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="swap-head"):
        st.markdown(f"## {t('Swap of {name}', name=plain(swap.model))} {state_badge(swap)}", anchors=False, width="stretch")
        _decisions(portal, user, swap)
    st.caption(t("Started by {person}, {age}", person=plain(swap.started_by_name or MISSING), age=age(swap.created_at)))
    if swap.reason is not None:
        with st.container(key="fail-swap", gap=None):
            st.markdown(plain(error_text(swap.reason)))
            if swap.state is SwapState.ROLLED_BACK:
                st.caption(t("The old version serves, as before."))
    left, right = st.columns([1.2, 1], gap="medium")
    with left, st.container(border=True, key="card-swap-steps", gap=None):
        for number, step in enumerate(swap.steps):
            _step(number, step, swap)
    with right:
        _versions(swap)
        _stats(swap)
    if swap.replay:
        _replay(swap)


def state_badge(swap: Swap) -> str:
    """Return the state of a swap as a Markdown badge."""
    colour, icon, words = STATES[swap.state]
    return f":{colour}-badge[:material/{icon}: {t(words)}]"


def _decisions(portal: Portal, user: User, swap: Swap) -> None:
    if not swap.active:
        return
    if st.button(t("Roll back"), icon=":material/undo:", key="swap-roll-back"):
        _do(lambda: portal.swaps.decide(user, swap.id, Decision.ROLL_BACK))
    step = next((step for step in swap.steps if step.state is StepState.RUNNING), None)
    if swap.state is SwapState.ASKING:
        gate = gate_result(swap)
        few = gate is not None and not gate.reached
        if st.button(t("Accept the new answers") if not few else t("Let it serve anyway"), type="primary", key="swap-approve"):
            if few:
                _override(portal, user, swap)
            else:
                _do(lambda: portal.swaps.decide(user, swap.id, Decision.APPROVE))
    elif step is not None and step.kind in (StepKind.SHARE, StepKind.WATCH):
        following = next((share for share in swap.options.shares if share > swap.share), 100)
        label = t("Unload the old version now") if step.kind is StepKind.WATCH else t("Send {n} % now", n=following)
        if st.button(label, type="primary", key="swap-approve"):
            _do(lambda: portal.swaps.decide(user, swap.id, Decision.APPROVE))


def _override(portal: Portal, user: User, swap: Swap) -> None:
    @dialog(t("Too few answers pass"))
    def ask() -> None:
        st.markdown(t("Read the answers below first. The audit log records who let the new version serve, and why."))
        why = st.text_input(t("In a few words"), max_chars=MAX_REASON, key="swap-why")
        if st.button(t("Let it serve anyway"), type="primary", key="swap-why-go"):
            try:
                portal.swaps.decide(user, swap.id, Decision.APPROVE, why)
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
            else:
                st.rerun()

    ask()


def _do(action: Callable[[], object]) -> None:
    try:
        action()
    except PortalError as problem:
        st.toast(plain(error_text(problem)), icon=":material/error:")


def _step(number: int, step: SwapStep, swap: Swap) -> None:
    icon, look = _MARKS[step.state]
    took = (
        seconds((step.ended_at - step.started_at).total_seconds())
        if step.started_at and step.ended_at
        else age(step.started_at) if step.started_at else ""
    )
    share = f" · {swap.share} %" if step.kind is StepKind.SHARE and step.state is StepState.RUNNING else ""
    with st.container(key=f"swapstep-{number}-{look}", gap="xxsmall"):
        colour = {"done": "green", "now": "blue", "fail": "red"}.get(look, "gray")
        st.markdown(f":{colour}[:material/{icon}:] {t(STEPS[step.kind])}{share} :gray[:small[{took}]]")
        if step.note is not None and step.note != swap.reason:
            st.caption(plain(error_text(step.note)))
        if step.kind is StepKind.CANARY and swap.canary:
            with st.expander(t("{n} answers", n=len(swap.canary)), type="compact"):
                for trial in swap.canary:
                    _trial(trial)


def _trial(trial: Trial) -> None:
    problem: StoredError | None = trial.verdict or trial.error
    mark = ":red[:material/error:]" if problem else ":green[:material/check_circle:]"
    st.markdown(f"{mark} **{plain(trial.question)}** :gray[:small[{speed(trial.tokens_per_second)}]]")
    if problem:
        st.markdown(f":red[{plain(error_text(problem))}]")
    if trial.text:
        st.html(f"<blockquote class='trial'>{escape(trial.text)}</blockquote>")


def _versions(swap: Swap) -> None:
    with st.container(border=True, key="card-swap-versions", gap="xsmall"):
        card_title(t("Versions"), t("Both are loaded at the same time.") if swap.beside else t("The old one leaves first."))
        for label, version, path in (
            (t("Old"), swap.old_version, swap.old_path),
            (t("New"), swap.new_version, swap.new_path),
        ):
            st.html(f"<p class='file'>{escape(label)} · <code>{escape(version)}</code><br><code>{escape(str(path))}</code></p>")


def _stats(swap: Swap) -> None:
    if swap.old_figures is None or swap.new_figures is None:
        return
    old, new = swap.old_figures, swap.new_figures
    with st.container(border=True, key="card-swap-figures", gap="xsmall"):
        card_title(t("New against old"), t("Answers since the new version got traffic"))
        rows = (
            (t("Answers"), str(old.answers), str(new.answers)),
            (t("Errors"), _of(old.errors, old), _of(new.errors, new)),
            (t("Repeats itself"), _of(old.degenerated, old), _of(new.degenerated, new)),
            (t("Speed, median"), speed(old.tokens_per_second), speed(new.tokens_per_second)),
        )
        head = f"<tr><th></th><th>{escape(t('Old'))}</th><th>{escape(t('New'))}</th></tr>"
        body = "".join(f"<tr><td>{escape(a)}</td><td>{escape(b)}</td><td>{escape(c)}</td></tr>" for a, b, c in rows)
        st.html(f"<table class='swapfigures'>{head}{body}</table>")
        limit = t("Rolled back below {n} % of the old speed.", n=round(100 * swap.options.min_speed_ratio))
        st.caption(limit)


def _of(count: int, stats: VersionStats) -> str:
    return f"{count} ({100 * count / stats.answers:.0f} %)" if stats.answers else MISSING


def _replay(swap: Swap) -> None:
    with st.container(border=True, key="card-swap-replay", gap="small"):
        card_title(t("Replay questions"), t("The accepted answer at the left, the new version's at the right; what differs is marked"))
        gate = gate_result(swap)
        if gate is not None:
            words = t("{passed} of {total} answers pass; {needed} must.", passed=gate.passed, total=gate.total, needed=gate.needed)
            st.markdown(f"{':green[:material/check_circle:]' if gate.reached else ':red[:material/error:]'} {words}")
        if overridden(swap):
            st.markdown(f":orange[:material/info:] {t('An admin let it serve anyway. The audit log says who and why.')}")
        for number, trial in enumerate(swap.replay):
            mark = "" if gate is None else ":green[:material/check:] " if passes(trial, swap.options) else ":red[:material/close:] "
            alike = t("{n} % of the words are shared", n=round(100 * likeness(trial.text, trial.accepted)))
            st.markdown(f"{mark}**{plain(trial.question)}** :gray[:small[{alike}]]")
            if trial.error is None and trial.text.strip() == trial.accepted.strip():
                st.caption(f":green[:material/check_circle:] {t('The same answer, word for word')}")
            accepted, answered = marked(trial.accepted, trial.text) if trial.error is None else (escape(trial.accepted), "")
            left, right = st.columns(2, gap="medium")
            with left:
                st.html(f"<blockquote class='trial'>{accepted}</blockquote>")
            with right, st.container(key=f"replayed-{number}"):
                if trial.error is not None:
                    st.markdown(f":red[{plain(error_text(trial.error))}]")
                else:
                    st.html(f"<blockquote class='trial'>{answered}</blockquote>")
