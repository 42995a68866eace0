"""Add a model file by its path on the server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError, StoredError
from core.models.records import ModelFile
from core.people.records import User
from pages.shell.live_part import dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def by_path(portal: Portal, user: User) -> None:
    @dialog(t("Load by path"))
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
        return error_text(problem)
    if file.error:
        return error_text(file.error)
    st.session_state["models-typed"] = [*st.session_state.get("models-typed", ()), str(file.path)]
    st.session_state["models-wanted"] = str(file.path)
    return None


def listed_files(portal: Portal, user: User) -> list[ModelFile]:
    """Return the files in the models folder, then those that an admin added by path."""
    files = list(portal.models.files(user))
    for path in dict.fromkeys(st.session_state.get("models-typed", ())):
        if path not in {str(file.path) for file in files}:
            try:
                files.append(portal.models.read_file(user, Path(path)))
            except PortalError as problem:
                files.append(ModelFile(path=Path(path), name=Path(path).name, size_bytes=0, error=StoredError.of(problem)))
    return files
