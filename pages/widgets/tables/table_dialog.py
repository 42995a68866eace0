"""Show what files with tables hold, and query them, in a dialog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.knowledge.records import StoredFile
from core.people.records import User
from pages.shell.live_part import dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.tables import own_query
from pages.widgets.tables.profile import profile
from pages.widgets.tables.words import size_of

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_OPEN = "tables-open"


def open_tables(file_ids: Sequence[str], sql: str = "") -> None:
    """Open the dialog for these files. sql: a query to edit."""
    own_query.forget()
    st.session_state[_OPEN] = tuple(file_ids)
    if sql:
        st.session_state[own_query.SQL] = sql


def _close() -> None:
    st.session_state.pop(_OPEN, None)
    own_query.forget()


def table_dialog(portal: Portal, user: User) -> None:
    """Draw the dialog, if it is open."""
    file_ids: tuple[str, ...] | None = st.session_state.get(_OPEN)
    if file_ids is None:
        return

    @dialog(t("Table"), width="large", on_dismiss=_close)
    def show() -> None:
        try:
            files = [portal.files.get(user, each) for each in file_ids]
        except PortalError as problem:
            st.markdown(f":red[{plain(error_text(problem))}]")
            return
        _profiles(files)
        st.markdown(f"### {t('Query')}", anchors=False)
        own_query.own_query(portal, user, files)

    show()


def _profiles(files: Sequence[StoredFile]) -> None:
    for file in files:
        for table in file.tables:
            title = f"{file.name} · {table.title}" if table.title else file.name
            st.markdown(f"**{plain(title)}** :gray[{size_of(table)}]")
            profile(table, f"{file.id}-{table.name}")
