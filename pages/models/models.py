"""Models: loaded models and their state, files on disk, and the memory plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from pages.shell.frame import blank, page_head
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import size
from pages.widgets.get_model.first_model import first_model
from pages.widgets.get_model.transfers import transfers
from pages.widgets.models.access import access_dialog
from pages.widgets.models.crash_card import crash_card
from pages.widgets.models.evictions import UNLOAD, confirm_unload
from pages.widgets.models.files.by_path import by_path, listed_files
from pages.widgets.models.files.file_address import FILE
from pages.widgets.models.files.file_report import report_page
from pages.widgets.models.files.files_card import files_card
from pages.widgets.models.loaded_models import loaded_models
from pages.widgets.models.memory_plan import memory_plan
from pages.widgets.models.residency import residency_dialog
from pages.widgets.models.results_card import results_card
from pages.widgets.models.swaps.swap_form import SWAP, swap_dialog
from pages.widgets.models.swaps.swap_questions import swaps_card
from pages.widgets.models.swaps.swap_view import swap_page

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def render(portal: Portal, user: User) -> None:
    try:
        loaded, files, adapters = portal.models.loaded(user), listed_files(portal, user), portal.models.adapters(user)
    except PortalError as problem:
        blank(t("Models are unavailable"), plain(error_text(problem)))
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
            by_path(portal, user)
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
        crash_card(crash)
    first_model(portal, user)
    transfers(portal, user)
    left, right = st.columns([1.55, 1], gap="medium")
    with left:
        loaded_models(portal, user, loaded)
        swaps_card(portal, user, loaded)
        files_card(files, adapters, loaded, portal.models.folder)
        results_card(portal, user)
    with right, st.container(border=True, key="card-plan", gap="small"):
        memory_plan(portal, user, files, adapters, loaded)
