"""Get models that are not in the catalogue: from a repository, a folder on the server, or the browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.models.catalogue import Hub, RemoteModel, Repository
from core.people.records import User
from pages.shell.live_part import dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import size
from pages.widgets.get_model.catalogue_card import HUBS
from pages.widgets.get_model.upload import upload_dialog

if TYPE_CHECKING:
    from bootstrap.portal import Portal

MAX_SHOWN = 200
_FOUND = "source-found"
"""The session key of the last list of models and its source."""


def other_sources(portal: Portal, user: User) -> None:
    """Draw the menu, and the dialog chosen in it."""
    words = {"repository": t("A repository by its name"), "folder": t("A folder on the server"), "upload": t("Upload a file")}
    choices = [name for name in words if name != "repository" or not portal.downloads.offline]
    chosen = st.menu_button(
        t("Other sources"), choices, format_func=words.__getitem__, icon=":material/folder_open:", key="other-sources"
    )
    if chosen:
        st.session_state.pop(_FOUND, None)
    if chosen == "repository":
        _repository(portal, user)
    elif chosen == "folder":
        _folder(portal, user)
    elif chosen == "upload":
        upload_dialog()


def _repository(portal: Portal, user: User) -> None:
    @dialog(t("A repository by its name"), width="large")
    def ask() -> None:
        with st.form("source-repository-form", border=False):
            hub = st.segmented_control(
                t("Hub"), [Hub.HUGGING_FACE, Hub.MODELSCOPE], default=Hub.HUGGING_FACE, required=True, key="source-hub",
                format_func=HUBS.__getitem__,
            )  # fmt: skip
            name = st.text_input(t("Repository"), placeholder="unsloth/GLM-4-9B-0414-GGUF", key="source-repository")
            sent = st.form_submit_button(t("List files"), type="primary")
        if sent:
            repository = Repository(hub or Hub.HUGGING_FACE, name.strip())
            with st.spinner(t("Asking the hub…")):
                _list(lambda: [(model, None) for model in portal.downloads.models(user, repository)], repository)
        found = st.session_state.get(_FOUND)
        if found and isinstance(found[0], Repository):
            _choose(found[1], t("Download"), lambda model: portal.downloads.get_file(user, found[0], model.name))

    ask()


def _folder(portal: Portal, user: User) -> None:
    @dialog(t("A folder on the server"), width="large")
    def ask() -> None:
        with st.form("source-folder-form", border=False):
            path = st.text_input(t("Folder or GGUF file on the server"), placeholder="/data/models", key="source-folder")
            sent = st.form_submit_button(t("List files"), type="primary")
        if sent and path.strip():
            folder = Path(path.strip())
            _list(
                lambda: [(each.model, error_text(each.error) if each.error else None) for each in portal.imports.models(user, folder)],
                folder,
            )
        found = st.session_state.get(_FOUND)
        if found and isinstance(found[0], Path):
            _choose(found[1], t("Import"), lambda model: portal.imports.start(user, found[0], model.name))

    ask()


def _list(read: Callable[[], Sequence[tuple[RemoteModel, str | None]]], where: object) -> None:
    st.session_state.pop(_FOUND, None)
    try:
        st.session_state[_FOUND] = (where, read())
    except PortalError as problem:
        st.markdown(f":red[:material/error: {plain(error_text(problem))}]")


def _choose(models: Sequence[tuple[RemoteModel, str | None]], word: str, start: Callable[[RemoteModel], object]) -> None:
    if not models:
        st.markdown(t("There are no complete GGUF models."))
    for number, (model, refusal) in enumerate(models[:MAX_SHOWN]):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"source-row-{number}"):
            parts = t("{n} files", n=len(model.files)) + " · " if len(model.files) > 1 else ""
            why = f"  \n:small[:red[{plain(refusal)}]]" if refusal else ""
            st.markdown(f"{plain(model.name)}  :gray[{parts}{size(model.size_bytes)}]{why}", width="stretch")
            if st.button(word, key=f"source-get-{number}", disabled=refusal is not None):
                try:
                    start(model)
                except PortalError as problem:
                    st.markdown(f":red[{plain(error_text(problem))}]")
                else:
                    st.session_state.pop(_FOUND, None)
                    st.rerun()
