"""Show what a file with tables holds, in a dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.knowledge.records import StoredFile
from core.people.records import User
from pages.shell.live_part import dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.tables.profile import profile
from pages.widgets.tables.words import size_of

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_OPEN = "table-open"


def open_table(file_id: str) -> None:
    """Open the dialog for this file."""
    st.session_state[_OPEN] = file_id


def _close() -> None:
    st.session_state.pop(_OPEN, None)


def table_dialog(portal: Portal, user: User) -> None:
    """Draw the dialog, if it is open."""
    file_id = st.session_state.get(_OPEN)
    if file_id is None:
        return

    @dialog(t("Table"), width="large", on_dismiss=_close)
    def show() -> None:
        try:
            file = portal.files.get(user, file_id)
        except PortalError as problem:
            st.markdown(f":red[{plain(error_text(problem))}]")
            return
        _content(file)

    show()


def _content(file: StoredFile) -> None:
    for table in file.tables:
        title = f"{file.name} · {table.title}" if table.title else file.name
        st.markdown(f"**{plain(title)}** :gray[{size_of(table)}]")
        profile(table, f"{file.id}-{table.name}")
