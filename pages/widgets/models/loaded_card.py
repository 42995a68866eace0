"""The card of a loaded model: its state, speed, memory and actions."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import StoredError
from core.models.records import LoadedModel, ModelKind, ModelState
from core.people.records import User
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import MISSING, count, size, speed
from pages.widgets.models.access import access_line
from pages.widgets.models.device_words import device_word
from pages.widgets.models.evictions import UNLOAD, do, noticed
from pages.widgets.models.files.file_address import open_report
from pages.widgets.models.memory_plan import file_line, kind_word
from pages.widgets.models.residency import residency_line

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def loaded_card(portal: Portal, user: User, model: LoadedModel) -> None:
    state = {
        ModelState.READY: f":green-badge[:material/check_circle: {t('Serving')}]",
        ModelState.LOADING: f":gray-badge[:material/timelapse: {t('Loading')}]",
        ModelState.DRAINING: f":orange-badge[:material/timelapse: {t('Unloading')}]",
        ModelState.FAILED: f":red-badge[:material/error: {t('Failed')}]",
        ModelState.RESTARTING: f":orange-badge[:material/restart_alt: {t('Restarting')}]",
        ModelState.SLEEPING: f":gray-badge[:material/bedtime: {t('Sleeping')}]",
    }[model.state]
    if model.stuck_s:
        state = f":red-badge[:material/hourglass_disabled: {t('Stuck')}]"
    default = f" :gray-badge[{t('Default')}]" if model.default else ""
    kind = "" if model.file.kind is ModelKind.CHAT else f" :blue-badge[{kind_word(model.file.kind)}]"
    with st.container(horizontal=True, wrap=False, gap="small", key=f"cardhead-{model.name}"):
        st.markdown(f"### {plain(model.name)} {state}{default}{kind}", anchors=False, width="stretch")
        _actions(portal, user, model)
    st.html(f"<p class='file'>{file_line(model.file)}<br><code>{escape(str(model.file.path))}</code></p>")
    st.button(t("About this file"), type="tertiary", key=f"report-{model.name}", on_click=open_report, args=(model.file.path,))
    if model.state is ModelState.FAILED:
        with st.container(key=f"fail-{model.name}", gap=None):
            st.markdown(plain(error_text(model.error or StoredError("The model could not be loaded. The log has the details."))))
            st.caption(t("Other models are not affected. Change the plan or choose another file, then load again."))
        return
    if model.state is ModelState.SLEEPING:
        st.caption(t("No one used it, so it left memory. The next question loads it again."))
        if line := residency_line(model.residency):
            st.caption(line)
        return
    if model.state is ModelState.RESTARTING:
        st.markdown(t("Its process crashed and is restarting. Nothing else is affected; the log has the details."))
        if model.error:
            st.caption(plain(error_text(model.error)))
        return
    if model.state is ModelState.LOADING:
        done, whole = model.progress * model.file.size_bytes, model.file.size_bytes
        st.progress(
            min(1.0, max(0.0, model.progress)),
            text=f":gray[{t('Loading weights, {done} of {whole}', done=size(int(done)), whole=size(whole))}]",
        )
        st.caption(t("Loaded models keep answering meanwhile."))
        return
    if model.stuck_s:
        with st.container(key=f"fail-stuck-{model.name}", gap=None):
            st.markdown(t("It has not completed a step for {seconds} s.", seconds=round(model.stuck_s)))
            own = t("After 60 s its process is restarted.")
            shared = t("If it stays stuck, restart the portal and load the model in its own process.")
            st.caption(own if model.isolated else shared)
    if model.state is ModelState.DRAINING:
        st.caption(t("Running answers get up to 30 s to finish. Then the memory is freed."))
    slots = t("Slots in use") if model.file.kind is ModelKind.CHAT else t("Texts in the batch")
    facts = (
        (t("Speed"), speed(model.tokens_per_second)),
        (slots, t("{busy} of {slots}", busy=model.slots_busy, slots=model.slots)),
        (t("Queued"), count(model.waiting)),
        (t("Context"), count(model.context)),
        (t("Device"), f"{device_word(model.device)}, {t('own process')}" if model.isolated else device_word(model.device)),
        (t("Memory"), size(model.memory_bytes) if model.memory_bytes else MISSING),
        (t("Version"), model.version or MISSING),
    )
    st.html(
        "<dl class='facts'>" + "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts) + "</dl>"
    )
    if rule := portal.model_access.rules(user).get(model.name):
        st.caption(f":material/lock: {access_line(rule)}")
    if line := residency_line(model.residency):
        st.caption(f":material/bedtime: {line}")
    if model.file_problem is not None:
        st.markdown(f":orange[:material/warning:] {plain(error_text(model.file_problem))}")
    if model.adapters:
        st.html(f"<p class='file'>{escape(t('Adapters: {names}', names=', '.join(model.adapters)))}</p>")
    if model.plan is not None:
        _memory_of(model)


def _memory_of(model: LoadedModel) -> None:
    """Show what the model's memory holds. Free memory belongs to the machine and appears only in the machine's card."""
    plan = model.plan
    assert plan is not None
    known = plan.weights_bytes + plan.context_bytes
    # Work space is the measured size of the load without weights and context.
    work = model.memory_bytes - known if model.memory_bytes > known else plan.work_bytes
    parts = ((t("Weights"), plan.weights_bytes), (t("Context"), plan.context_bytes), (t("Compute buffers"), work))
    words = " · ".join(f"{name} {size(taken)}" for name, taken in parts if taken > 0)
    if model.memory_bytes:
        words += " · " + t("planned {planned}", planned=size(plan.needed_bytes))
    st.html(f"<p class='file'>{escape(words)}</p>")


def _actions(portal: Portal, user: User, model: LoadedModel) -> None:
    if model.state in (ModelState.FAILED, ModelState.LOADING):
        label = t("Dismiss") if model.state is ModelState.FAILED else t("Cancel")
        if st.button(label, type="tertiary", key=f"dismiss-{model.name}"):
            do(lambda: portal.models.unload(user, model.name))
    elif model.state in (ModelState.READY, ModelState.RESTARTING, ModelState.SLEEPING):
        choices = [] if model.default or model.state is ModelState.RESTARTING or model.file.kind is not ModelKind.CHAT else ["default"]
        if not model.guide:
            choices.append("leave" if model.name in portal.models.names_at_start(user) else "keep")
        choices += ["access", "residency", "swap"] if model.state is ModelState.READY else ["access", "residency"]
        words = {
            "default": t("Make default"),
            "keep": t("Load at every start"),
            "leave": t("Do not load at every start"),
            "access": t("Who may use it"),
            "residency": t("When it leaves memory"),
            "swap": t("Swap for another file"),
            "unload": t("Unload"),
        }
        chosen = st.menu_button(
            t("Actions"), [*choices, "unload"], format_func=words.__getitem__, type="tertiary", key=f"more-{model.name}"
        )
        if chosen == "default":
            do(lambda: portal.models.make_default(user, model.name))
        elif chosen in ("keep", "leave"):
            do(lambda: portal.models.keep(user, model.name, at_start=chosen == "keep"))
        elif chosen in ("access", "swap", "residency"):
            st.session_state[f"models-{chosen}"] = model.name
            st.rerun()
        elif chosen == "unload" and noticed(portal.models.eviction(user, model.name)):
            st.session_state[UNLOAD] = model.name
            st.rerun()
        elif chosen == "unload":
            do(lambda: portal.models.unload(user, model.name))
