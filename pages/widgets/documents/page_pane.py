"""Show the page of a source beside the chat, with the passage marked; on a phone as a sheet over it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.chat.records import Message
from core.documents.records import DocumentPage, Source
from core.errors import PortalError
from core.people.records import User
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.documents.sources import OPEN

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def page_pane(portal: Portal, user: User, answers: Iterable[Message]) -> None:
    """Draw the page of the open source, if it is a source of one of these answers."""
    source = _source(answers)
    if source is None:
        return
    try:
        page: DocumentPage | None = portal.documents.page(user, source.document_id, source.start, source.end)
        problem = ""
    except PortalError as refused:
        page, problem = None, error_text(refused)
    with st.container(key="docpane"):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="xsmall", key="docpanehead"):
            where = f" :gray[{t('page {n} of {all}', n=page.page, all=page.pages)}]" if page is not None and page.page else ""
            st.markdown(f"**{plain(source.document)}**{where}", width="stretch")
            st.button(t("Close the page"), icon=":material/close:", type="tertiary", key="icon-docpane", on_click=_close)
        if page is None:
            st.caption(plain(problem))
        else:
            before, marked, after = page.text[: page.start], page.text[page.start : page.end], page.text[page.end :]
            st.html(f"<div class='docpage' tabindex='0'>{escape(before)}<mark>{escape(marked)}</mark>{escape(after)}</div>")


def _source(answers: Iterable[Message]) -> Source | None:
    opened = st.session_state.get(OPEN)
    if opened is None:
        return None
    context = next((each.context for each in answers if each.id == opened[0]), None)
    return context.sources[opened[1] - 1] if context is not None and 1 <= opened[1] <= len(context.sources) else None


def _close() -> None:
    st.session_state[OPEN] = None
