"""Draw the documents of a collection, with the progress of reading and why one could not be read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.documents.records import Document, DocumentState, ListedCollection
from core.errors import PortalError
from core.people.records import User
from pages.shell.live_part import callback
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import size

if TYPE_CHECKING:
    from bootstrap.portal import Portal

LIVE_S = 1.0
SHOWN = 50
"""Most rows drawn at once; the search finds the others."""
_ALL, _READ, _FAILED, _WAITING = "all", "read", "failed", "waiting"
_STATES = {
    _READ: (DocumentState.READY,), _FAILED: (DocumentState.FAILED,), _WAITING: (DocumentState.WAITING, DocumentState.READING),
}  # fmt: skip
_ICONS = {
    DocumentState.READY: ":green[:material/check_circle:]", DocumentState.FAILED: ":red[:material/error:]",
    DocumentState.WAITING: ":gray[:material/schedule:]", DocumentState.READING: ":blue[:material/progress_activity:]",
}  # fmt: skip


def document_list(portal: Portal, user: User, listed: ListedCollection) -> None:
    now = portal.collections.get(user, listed.collection.id)
    if bool(now.counts.waiting) is not bool(listed.counts.waiting) or now.counts.documents != listed.counts.documents:
        st.rerun()
    documents = portal.documents.list(user, listed.collection.id)
    with st.container(border=True, key="card-documents", gap="xsmall"):
        if now.counts.waiting:
            done = len(documents) - now.counts.waiting
            words = t("Reading: {done} of {n}. Those that are read answer already.", done=done, n=len(documents))
            st.progress(done / len(documents), text=words)
        shown = _filtered(documents)
        for each in shown[:SHOWN]:
            _row(portal, user, each, own=listed.own)
        if not shown:
            st.caption(t("No document matches."))
        elif len(shown) > SHOWN:
            st.caption(t("{shown} of {n} shown. Search to find the others.", shown=SHOWN, n=len(shown)))


def _filtered(documents: list[Document]) -> list[Document]:
    """Draw the filters; return the documents that they let through."""
    numbers = {name: sum(each.state in states for each in documents) for name, states in _STATES.items()}
    labels = {_ALL: t("All"), _READ: t("Read"), _FAILED: t("Failed"), _WAITING: t("Waiting")}
    offered = [_ALL, *(name for name, number in numbers.items() if number)]
    with st.container(horizontal=True, vertical_alignment="center", key="documents-filter"):
        chosen = _ALL
        if len(offered) > 2:
            chosen = st.segmented_control(
                t("State"), offered, default=_ALL, format_func=lambda each: f"{labels[each]} {numbers.get(each, len(documents))}",
                label_visibility="collapsed", key=f"documents-state-{'-'.join(offered)}", required=True,
            )  # fmt: skip
        words = ""
        if len(documents) > 10:
            label = t("Search documents")
            words = st.text_input(label, type="search", placeholder=label, label_visibility="collapsed", key="documents-search")
    wanted = (words or "").casefold()
    return [each for each in documents if chosen in (_ALL, None) or each.state in _STATES[chosen] if wanted in each.name.casefold()]


def _row(portal: Portal, user: User, document: Document, *, own: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="xsmall", key=f"document-{document.id}"):
        note = f"  \n:small[:red[{plain(error_text(document.error))}]]" if document.error else f"  \n:small[:gray[{_facts(document)}]]"
        st.markdown(f"{_ICONS[document.state]} {plain(document.name)}{note}", width="stretch")
        with st.popover(t("Actions for {name}", name=plain(document.name)), icon=":material/more_horiz:", type="tertiary",
                        key=f"document-menu-{document.id}"):  # fmt: skip
            st.download_button(
                t("Download"), partial(_content, portal, user, document.id), document.name, icon=":material/download:", type="tertiary",
                on_click="ignore", key=f"document-get-{document.id}",
            )  # fmt: skip
            if own:
                st.button(
                    t("Read again"), icon=":material/refresh:", type="tertiary", key=f"document-again-{document.id}",
                    on_click=callback(_read_again), args=(portal, user, document.id),
                )  # fmt: skip
                st.button(
                    t("Remove"), icon=":material/delete:", type="tertiary", key=f"document-remove-{document.id}",
                    on_click=callback(_remove), args=(portal, user, document.id),
                )  # fmt: skip


def _facts(document: Document) -> str:
    if document.state is DocumentState.WAITING:
        return f"{t('Waiting')} · {size(document.size_bytes)}"
    if document.state is DocumentState.READING:
        return f"{t('Being read')} · {size(document.size_bytes)}"
    pages = f"{t('{n} pages', n=document.pages)} · " if document.pages else ""
    return f"{pages}{t('{n} passages', n=document.passages)} · {size(document.size_bytes)}"


def _content(portal: Portal, user: User, document_id: str) -> bytes:
    return portal.documents.read(user, document_id)[1]


def _read_again(portal: Portal, user: User, document_id: str) -> None:
    try:
        portal.documents.read_again(user, document_id)
    except PortalError as problem:
        st.toast(plain(error_text(problem)))


def _remove(portal: Portal, user: User, document_id: str) -> None:
    try:
        portal.documents.remove(user, document_id)
    except PortalError as problem:
        st.toast(plain(error_text(problem)))
