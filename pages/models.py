"""Models: loaded models and their state, files on disk, and the memory plan."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError, StoredError
from core.models.records import Crash, LoadedModel, ModelFile, ModelKind, ModelState, ModelWork
from core.people.records import User
from pages.shell.frame import blank, page_head
from pages.shell.words import said, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card_title
from pages.widgets.common.figures import MISSING, count, size, speed
from pages.widgets.get_model.first_model import first_model
from pages.widgets.get_model.transfers import transfers
from pages.widgets.models.access import access_dialog, access_line
from pages.widgets.models.device_words import device_word
from pages.widgets.models.evictions import UNLOAD, confirm_unload, do, noticed
from pages.widgets.models.file_address import FILE, open_report
from pages.widgets.models.file_report import report_page
from pages.widgets.models.files_card import files_card
from pages.widgets.models.memory_bar import HOST, device_bar
from pages.widgets.models.memory_plan import file_line, kind_word, memory_plan
from pages.widgets.models.residency import residency_dialog, residency_line
from pages.widgets.models.results_card import results_card
from pages.widgets.models.swaps.swap_form import SWAP, swap_dialog
from pages.widgets.models.swaps.swap_questions import swaps_card
from pages.widgets.models.swaps.swap_view import swap_page

if TYPE_CHECKING:
    from bootstrap.portal import Portal

LIVE_S, QUIET_S = 1.0, 4.0
"""Seconds between redraws of the cards: while a model loads or drains, and otherwise."""
DOING = {
    ModelWork.LOADING: "It crashed in llama.cpp while loading the model {model}.",
    ModelWork.DECODING: "It crashed in llama.cpp while the model {model} was computing {n} answers.",
    ModelWork.SAMPLING: "It crashed in llama.cpp while the model {model} was sampling tokens for {n} answers.",
}
Known = frozenset[tuple[str, ModelState, bool]]


def render(portal: Portal, user: User) -> None:
    try:
        loaded, files, adapters = portal.models.loaded(user), _files(portal, user), portal.models.adapters(user)
    except PortalError as problem:
        blank(t("Models are unavailable"), plain(said(problem)))
        return
    if path := st.query_params.get(FILE):
        report_page(portal, user, Path(path))
        return
    if swap := st.query_params.get(SWAP):
        swap_page(portal, user, swap)
        return
    with page_head(t("Models"), key="models"):
        scan = st.button(t("Scan folder"), icon=":material/folder_open:", key="models-scan")
        if st.button(t("Load by path"), icon=":material/add:", key="models-by-path"):
            _by_path(portal, user)
    if scan:
        st.toast(t("{n} files found, {size}", n=len(files), size=size(sum(file.size_bytes for file in files))))
    if name := st.session_state.pop(UNLOAD, None):
        if model := next((model for model in loaded if model.name == name), None):
            confirm_unload(portal, user, model)
    if name := st.session_state.pop("models-access", None):
        access_dialog(portal, user, name)
    if name := st.session_state.pop("models-residency", None):
        if model := next((model for model in loaded if model.name == name), None):
            residency_dialog(portal, user, model)
    if name := st.session_state.pop("models-swap", None):
        if model := next((model for model in loaded if model.name == name), None):
            swap_dialog(portal, user, model, files)
    if crash := portal.models.last_crash(user):
        _crash(crash)
    first_model(portal, user)
    transfers(portal, user)
    left, right = st.columns([1.55, 1], gap="medium")
    with left:
        busy = any(model.state in (ModelState.LOADING, ModelState.DRAINING, ModelState.RESTARTING) for model in loaded)
        st.fragment(_cards, run_every=LIVE_S if busy else QUIET_S)(portal, user, _known(loaded))
        swaps_card(portal, user, loaded)
        files_card(files, adapters, loaded, portal.models.folder)
        results_card(portal, user)
    with right, st.container(border=True, key="card-plan", gap="small"):
        memory_plan(portal, user, files, adapters, loaded)


def _known(loaded: Sequence[LoadedModel]) -> Known:
    return frozenset((model.name, model.state, model.default) for model in loaded)


def _files(portal: Portal, user: User) -> list[ModelFile]:
    """Return the files in the models folder, then those that an admin added by path."""
    files = list(portal.models.files(user))
    for path in dict.fromkeys(st.session_state.get("models-typed", ())):
        if path not in {str(file.path) for file in files}:
            try:
                files.append(portal.models.read_file(user, Path(path)))
            except PortalError as problem:
                files.append(ModelFile(path=Path(path), name=Path(path).name, size_bytes=0, error=StoredError.of(problem)))
    return files


def _crash(crash: Crash) -> None:
    """Show how the previous run of the portal ended."""
    at = crash.at.strftime("%Y-%m-%d %H:%M UTC")
    with st.container(border=True, key="card-crash", gap="xsmall"):
        card_title(t("The portal's last run crashed"), at)
        how = DOING[crash.doing] if crash.doing else "It crashed in native code; no model was running."
        st.markdown(":red[:material/error:] " + t(how, model=plain(crash.model), n=crash.answers))
        st.html(f"<p class='file'><code>{escape(crash.error)}</code></p>")
        if crash.requests:
            st.caption(t("Affected turns: {ids}", ids=", ".join(map(plain, crash.requests))))
        advice = "The log has the stack trace. If you load the model in its own process, a crash leaves the portal running."
        if crash.in_a_row > 1:
            advice = (
                "It crashed {n} runs in a row; after three it is no longer loaded at startup. If you load the model in its own process, "
                "a crash leaves the portal running."
            )
        st.caption(t(advice, n=crash.in_a_row))


# Loaded models


def _cards(portal: Portal, user: User, drawn: Known) -> None:
    """Draw the cards, which redraw themselves. Redraw the whole page when a model appears, disappears or changes its state."""
    loaded = portal.models.loaded(user)
    if _known(loaded) != drawn:
        st.rerun()
    _machine(portal, user, loaded)
    if not loaded:
        with st.container(border=True, key="card-none"):
            card_title(t("No model is loaded"), t(
                "No one can ask anything until a model is loaded. Choose a file in the memory plan and load it."
            ))
    for model in loaded:
        with st.container(border=True, key=f"card-model-{model.name}", gap="small"):
            _card(portal, user, model)


def _card(portal: Portal, user: User, model: LoadedModel) -> None:
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
            st.markdown(plain(said(model.error or StoredError("The model could not be loaded. The log has the details."))))
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
            st.caption(plain(said(model.error)))
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
        st.markdown(f":orange[:material/warning:] {plain(said(model.file_problem))}")
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


def _machine(portal: Portal, user: User, loaded: Sequence[LoadedModel]) -> None:
    """Draw a bar for each memory of the machine, with its current use."""
    devices = portal.models.memory(user)
    with st.container(border=True, key="card-machine", gap="xsmall"):
        for device in devices:
            named = t("Memory on this machine") if device.name == HOST else t("Memory on {device}", device=plain(device.name))
            free = t("{free} free of {total}", free=size(device.free_bytes), total=size(device.total_bytes))
            card_title(named, free)
            device_bar(device, devices, loaded)
        if budget := portal.models.budget(user):
            free = t("{free} free of {total}", free=size(budget.free_bytes), total=size(budget.total_bytes))
            card_title(t("Memory for models"), f"{free} · {t('the limit of PORTAL_MODEL_MEMORY_GB')}")
            device_bar(budget, devices, loaded)


def _actions(portal: Portal, user: User, model: LoadedModel) -> None:
    if model.state in (ModelState.FAILED, ModelState.LOADING):
        label = t("Dismiss") if model.state is ModelState.FAILED else t("Cancel")
        if st.button(label, type="tertiary", key=f"dismiss-{model.name}"):
            do(lambda: portal.models.unload(user, model.name))
    elif model.state in (ModelState.READY, ModelState.RESTARTING, ModelState.SLEEPING):
        choices = [] if model.default or model.state is ModelState.RESTARTING or model.file.kind is not ModelKind.CHAT else ["default"]
        if not model.guide:
            choices.append("leave" if model.name in portal.models.kept(user) else "keep")
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


# A file by its path


def _by_path(portal: Portal, user: User) -> None:
    @st.dialog(t("Load by path"))
    def ask() -> None:
        with st.form("models-path-form", border=False):
            path = st.text_input(t("Path of a GGUF file on the server"), placeholder="/data/models/glm-4-9b-Q4_K_M.gguf", key="models-path")
            sent = st.form_submit_button(t("Read file"), type="primary", key="models-path-read")
        if sent and path.strip():
            if refusal := add_path(portal, user, Path(path.strip()).expanduser()):
                st.markdown(f":red[:material/error: {plain(refusal)}]")
            else:
                st.rerun()

    ask()


def add_path(portal: Portal, user: User, path: Path) -> str | None:
    """Add this file to the list and choose it in the plan. Return the error message if the file cannot be used, else None."""
    try:
        file = portal.models.read_file(user, path)
    except PortalError as problem:
        return said(problem)
    if file.error:
        return said(file.error)
    st.session_state["models-typed"] = [*st.session_state.get("models-typed", ()), str(file.path)]
    st.session_state["models-wanted"] = str(file.path)
    return None
