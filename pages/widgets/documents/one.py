"""Draw one collection: its documents, a question to try, and who reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.documents.records import ListedCollection
from core.errors import PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from pages.shell import frame
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.outcome import show_outcome
from pages.widgets.documents.document_list import LIVE_S, document_list
from pages.widgets.documents.listing import open_collection, readers
from pages.widgets.documents.rights import rights
from pages.widgets.documents.trial import trial

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_ROUND, _FAILED, DONE = "documents-round", "documents-failed", "documents-done"


def draw_one(portal: Portal, user: User, listed: ListedCollection) -> None:
    collection, counts = listed.collection, listed.counts
    st.button(t("All collections"), icon=":material/arrow_back:", type="tertiary", key="collections-back", on_click=open_collection)
    sub = f"{t('{n} documents', n=counts.documents)} · {t('{n} passages', n=counts.passages)} · {plain(readers(listed))}"
    with frame.page_head(plain(collection.name), sub, key="collection"):
        if listed.own and allows(user, Permission.UPLOAD):
            with st.popover(t("Add documents"), icon=":material/upload:", type="primary", key="documents-add"):
                _add(portal, user, collection.id)
    show_outcome(DONE)
    for problem in st.session_state.pop(_FAILED, []):
        st.markdown(f":red[:material/error: {plain(problem)}]")
    left, right = st.columns([1.6, 1], gap="small")
    with left:
        if counts.documents:
            part(document_list, every=LIVE_S if counts.waiting else None)(portal, user, listed)
        else:
            what = t("Add PDF or Word documents, text, Markdown, CSV or code. They are read in the background.") if listed.own else ""
            frame.blank(t("No documents yet"), what, key="blank-documents")
    with right, st.container(gap="small"):
        part(trial)(portal, user, collection)
        rights(portal, user, listed)


def _add(portal: Portal, user: User, collection_id: str) -> None:
    most = max(1, portal.documents.max_bytes // 1_000_000)
    files = st.file_uploader(
        t("Drop documents here, or choose them"), accept_multiple_files=True, max_upload_size=most,
        key=f"documents-files-{st.session_state.setdefault(_ROUND, 0)}",
    )  # fmt: skip
    st.caption(t("A document of the same name is replaced. One that has not changed is not read again."))
    if not files:
        return
    failed = []
    with st.spinner(t("Adding the documents")):
        for file in files:
            try:
                portal.documents.add(user, collection_id, file.name, file.getvalue())
            except PortalError as problem:
                failed.append(error_text(problem))
    st.session_state[_ROUND] += 1
    st.session_state[_FAILED] = failed
    st.rerun()
