"""Draw the sections that plugins add to a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from core.plugins.records import SectionPage
from pages.widgets.chat.message import plain, show

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def plugin_sections(portal: Portal, user: User, page: SectionPage) -> None:
    """Draw the sections that plugins add for this user at the end of a page. Like that of models, their Markdown loads nothing."""
    for number, each in enumerate(portal.plugins.sections(user, page)):
        with st.container(key=f"plugin-section-{number}"):
            st.markdown(f"### {plain(each.title)}", anchors=False)
            show(each.text)
