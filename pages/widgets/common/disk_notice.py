"""Warn about a disk that is almost full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.operations.disk import ALMOST_FULL
from core.people.permissions import Permission, allows
from core.people.records import User
from pages.shell.words import t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def warn_about_disk(portal: Portal, user: User, *, storage: bool) -> None:
    """Show a warning while nothing new can be saved. storage: whether this server has the page where an admin frees space."""
    if not portal.disk.low:
        return
    with st.container(key="disk-notice"):
        sentence = t(ALMOST_FULL)
        if storage and allows(user, Permission.RUN_STORE):
            left = f"{(portal.disk.free or 0) / 1e6:,.0f}"
            more = t("{left} MB are left under {home}. Remove old backups on the Storage page, or other files on that disk.",
                     left=left, home=plain(str(portal.settings.home)))  # fmt: skip
            sentence = f"{sentence}  \n{more}"
        st.warning(sentence, icon=":material/hard_drive:")
