"""Choose the successor of a serving model, and the checks of the swap."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.models.records import LoadedModel, ModelFile
from core.models.swaps.records import SHARES, SwapOptions
from core.people.records import User
from pages.shell.live_part import dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import size

if TYPE_CHECKING:
    from bootstrap.portal import Portal

SWAP = "swap"
"""The query parameter with the id of the open swap."""


def swap_dialog(portal: Portal, user: User, model: LoadedModel, files: Sequence[ModelFile]) -> None:
    """Open the dialog that starts a swap."""
    usable = [file for file in files if file.error is None and file.kind is model.file.kind]

    @dialog(t("Swap {name}", name=plain(model.name)), width="medium")
    def ask() -> None:
        words = t("Another file takes over this name. Running answers finish on the old version, which returns if something is wrong.")
        st.markdown(words)
        if not usable:
            st.caption(t("There is no other usable file. Put one into the models folder first."))
            return
        others = [file for file in usable if file.path != model.file.path] or usable
        path = st.selectbox(
            t("New version"), [*(file.path for file in others)], format_func=lambda each: _line(each, usable), key=f"swap-file-{model.name}"
        )
        beside = _plan_line(portal, user, model, Path(path))
        shares = st.pills(
            t("Share of traffic first"), list(SHARES), selection_mode="multi", format_func=lambda each: f"{each} %",
            key=f"swap-shares-{model.name}", disabled=not beside,
            help=t("The new version answers this share of the traffic before it takes all."),
        )  # fmt: skip
        replays = portal.swaps.replays(user, model.name)
        replay = st.checkbox(
            t("Run the {n} replay questions", n=len(replays)), key=f"swap-replay-{model.name}", disabled=not replays,
            help=t("They run on the new version; you compare the answers and decide."),
        )  # fmt: skip
        default = SwapOptions()
        passes, alike = _gate(default, model.name) if replay else (default.replay_passes, default.replay_likeness)
        with st.expander(t("Limits")):
            min_speed = st.number_input(t("Slowest canary answer, in tokens/s"), 0.0, 10_000.0, default.min_speed, key="swap-speed")
            least = t("Slowest share of the old version's speed")
            ratio = st.number_input(least, 0.0, 1.0, default.min_speed_ratio, 0.05, key="swap-ratio")
            watch = st.number_input(t("Keep the old version after the switch, in s"), 0, 86_400, default.watch_s, key="swap-watch")
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
            if st.button(t("Cancel"), key="swap-no"):
                st.rerun()
            if st.button(t("Start the swap"), type="primary", key="swap-yes", disabled=beside is None):
                try:
                    options = SwapOptions(
                        shares=tuple(sorted(shares)) if beside else (), min_speed=min_speed, min_speed_ratio=ratio, watch_s=int(watch),
                        replay=replay, replay_passes=passes, replay_likeness=alike,
                    )  # fmt: skip
                    started = portal.swaps.start(user, model.name, Path(path), options)
                except PortalError as problem:
                    st.error(plain(error_text(problem)), icon=":material/error:")
                else:
                    st.query_params[SWAP] = started.id
                    st.rerun()

    ask()


def _gate(default: SwapOptions, name: str) -> tuple[float | None, float]:
    """Ask how many replayed answers must pass, and how like the accepted ones they must be."""
    alone = st.checkbox(
        t("Go on without me if enough answers pass"), key=f"swap-gate-{name}",
        help=t("If fewer pass, the swap waits for you, and you say why the new version may serve."),
    )  # fmt: skip
    if not alone:
        return None, default.replay_likeness
    with st.container(horizontal=True, gap="small", key=f"swap-limits-{name}"):
        share = st.number_input(t("Answers that must pass, in %"), 0, 100, 90, 5, key=f"swap-passes-{name}")
        alike = st.number_input(
            t("Words shared with the accepted answer, in %"), 0, 100, round(100 * default.replay_likeness), 5, key=f"swap-alike-{name}"
        )
    return share / 100, alike / 100


def _line(path: Path, files: Sequence[ModelFile]) -> str:
    file = next(file for file in files if file.path == path)
    return f"{path.name} · {file.quantization} · {size(file.size_bytes)}"


def _plan_line(portal: Portal, user: User, model: LoadedModel, path: Path) -> bool | None:
    """Draw what the swap would do; return whether both versions fit into memory, or None if the swap is not possible."""
    try:
        plan = portal.swaps.plan(user, model.name, path)
    except PortalError as problem:
        st.markdown(f":red[:material/error:] {plain(error_text(problem))}")
        return None
    if plan.new_version == plan.old_version:
        st.markdown(f":orange[:material/info:] {t('This is the version that serves now.')}")
    if plan.beside:
        st.markdown(f":green[:material/check_circle:] {t('Both versions fit into memory, so no one waits.')}")
    else:
        words = t("There is no memory for both versions. The old one finishes its answers and leaves first; new questions wait meanwhile.")
        st.markdown(f":orange[:material/hourglass_top:] {words}")
    return plan.beside
