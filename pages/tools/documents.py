"""Documents: collections whose passages answers can cite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import NotFound
from core.people.permissions import Permission, require
from core.people.records import User
from pages.shell import frame
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.outcome import show_outcome
from pages.widgets.documents.listing import COLLECTION, draw_list, open_collection
from pages.widgets.documents.one import DONE, draw_one

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def render(portal: Portal, user: User) -> None:
    require(user, Permission.CHAT)
    wanted = st.query_params.get(COLLECTION)
    if wanted is None:
        show_outcome(DONE)
        draw_list(portal, user)
        return
    try:
        listed = portal.collections.get(user, wanted)
    except NotFound as problem:
        st.button(t("All collections"), icon=":material/arrow_back:", type="tertiary", key="collections-back", on_click=open_collection)
        frame.blank(t("There is nothing here"), plain(error_text(problem)), key="blank-collection")
        return
    draw_one(portal, user, listed)
