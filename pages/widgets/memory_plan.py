"""The memory plan: a model and its settings, what they would take, and the button that loads them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.entities import User
from core.errors import PortalError
from core.generation import LoadedModel, LoadSettings, MemoryPlan, ModelFile, ModelState
from pages.widgets.card import card_title
from pages.widgets.figures import count, parameters, size
from pages.widgets.memory_bar import memory_bar
from pages.widgets.message import plain
from pages.words import said, t

if TYPE_CHECKING:
    from bootstrap import Portal

PRECISIONS = {"f16": "16 bit", "q8_0": "8 bit", "q4_0": "4 bit"}
SPARE = 0.05
"""A load that leaves less than this share of the device free is called tight."""


def memory_plan(portal: Portal, user: User, files: Sequence[ModelFile], loaded: Sequence[LoadedModel]) -> None:
    """Choose among the files that can be loaded; the state key "models-wanted" may name one to choose."""
    taken = {str(model.file.path) for model in loaded if model.state is not ModelState.FAILED}
    usable = {str(file.path): file for file in files if not file.error and str(file.path) not in taken}
    if not usable:
        card_title(t("Memory plan"), t("No other model to load"))
        st.markdown(t("Put GGUF files into the folder below, then scan it. A file anywhere else can be loaded by its path."))
        st.html(f"<p class='file'><code>{escape(str(portal.models.folder))}</code></p>")
        return
    card_title(t("Memory plan"), t("Try a setting before loading"))
    wanted = st.session_state.pop("models-wanted", None)
    if wanted in usable:
        st.session_state["models-plan"] = wanted
    elif st.session_state.get("models-plan") not in usable:
        st.session_state.pop("models-plan", None)
    chosen = st.selectbox(t("Model"), list(usable), format_func=lambda path: usable[path].path.name, key="models-plan")
    file = usable[chosen]
    st.html(f"<p class='file'>{file_line(file)}</p>")
    try:
        settings = _settings(file, portal.models.plan(user, file, LoadSettings()), portal.settings.isolated)
        plan = portal.models.plan(user, file, settings)
    except PortalError as problem:
        st.markdown(f":red[:material/error: {plain(said(problem))}]")
        return
    memory_bar(plan)
    st.markdown(_verdict(plan))
    default = st.checkbox(t("Use it for new chats"), value=True, key="models-default")
    if st.button(t("Load with this plan"), type="primary", width="stretch", key="models-load", disabled=not plan.fits):
        try:
            portal.models.load(user, file.path, settings, default=default)
        except PortalError as problem:
            st.markdown(f":red[:material/error: {plain(said(problem))}]")
        else:
            st.rerun()


def _settings(file: ModelFile, auto: MemoryPlan, isolated: bool) -> LoadSettings:
    """The sliders; they start at what the portal would choose by itself. isolated: where its switch starts."""
    slots = st.slider(t("Slots"), 1, max(16, auto.slots), auto.slots, key=f"plan-slots-{file.path}", help=t("Answers at the same time"))
    most = max(file.context, auto.context, 512)
    sizes = sorted({1 << power for power in range(9, 23) if 1 << power < most} | {most, auto.context})
    context = auto.context
    if len(sizes) > 1:
        context = st.select_slider(
            t("Context per slot"),
            sizes,
            auto.context,
            format_func=count,
            key=f"plan-context-{file.path}",
            help=t("Tokens one conversation can hold"),
        )
    kv_type = st.segmented_control(
        t("Context precision"),
        list(PRECISIONS),
        default="f16",
        required=True,
        format_func=lambda kind: t(PRECISIONS[kind]),
        key=f"plan-kv-{file.path}",
        help=t("Fewer bits take less memory; 4 bit can cost quality in long conversations."),
    )
    apart = st.toggle(
        t("Own process"),
        isolated,
        key=f"plan-isolated-{file.path}",
        help=t("If the model crashes, only its running answers fail and it is started again; it takes some 60 MB more."),
    )
    return LoadSettings(context=context, slots=slots, kv_type=kv_type or "f16", isolated=apart)


def _verdict(plan: MemoryPlan) -> str:
    spare = plan.free_bytes - plan.needed_bytes
    if spare >= SPARE * plan.total_bytes:
        return f":green[:material/check_circle: {t('Fits, {size} to spare.', size=size(spare))}]"
    if spare >= 0:
        return f":orange[:material/warning: {t('Fits with {size} left, which is tight for other programs.', size=size(spare))}]"
    if plan.weights_bytes + plan.work_bytes > plan.free_bytes:
        words = t("Short by {size}. The weights alone do not fit: unload a model or take a smaller file.", size=size(-spare))
    else:
        words = t("Short by {size}. Lower the slots, the context or its precision.", size=size(-spare))
    return f":red[:material/error: {words}]"


def file_line(file: ModelFile) -> str:
    """HTML: architecture, quantization, parameters and size of a file."""
    known = (
        file.architecture,
        file.quantization,
        t("{n} parameters", n=parameters(file.parameters)) if file.parameters else "",
        size(file.size_bytes),
    )
    return escape(" · ".join(part for part in known if part))
