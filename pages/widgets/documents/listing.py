"""Draw the list of collections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.documents.records import MAX_NAME_LENGTH, ListedCollection
from core.errors import PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from core.prompts.records import Share
from pages.shell import frame
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal

COLLECTION = "collection"
LIVE_S = 2.0


def open_collection(collection_id: str | None = None) -> None:
    """Open a collection, or the list."""
    st.query_params.pop(COLLECTION, None)
    if collection_id is not None:
        st.query_params[COLLECTION] = collection_id


def draw_list(portal: Portal, user: User) -> None:
    found = portal.collections.list(user)
    with frame.page_head(t("Documents"), t("Collections that answers can cite"), key="documents"):
        if found:
            _offer(portal, user)
    if not found:
        what = t("Put contracts, policies or reports into a collection, and ask questions that only these documents answer.")
        frame.blank(t("No collection yet"), what, key="blank-collections")
        with st.container(horizontal_alignment="center", key="first-collection"):
            _offer(portal, user)
        return
    reading = any(each.counts.waiting for each in found)
    part(_rows, every=LIVE_S if reading else None)(portal, user)


def _offer(portal: Portal, user: User) -> None:
    if allows(user, Permission.UPLOAD):
        with st.popover(t("New collection"), icon=":material/add:", type="primary", key="collection-new"):
            _new(portal, user)


def _new(portal: Portal, user: User) -> None:
    with st.form("collection-form", border=False):
        name = st.text_input(t("Name"), max_chars=MAX_NAME_LENGTH, autocomplete="off", placeholder=t("For example: Contracts"))
        sent = st.form_submit_button(t("Create collection"), type="primary")
    st.caption(t("Only you read it until you share it."))
    if sent:
        try:
            made = portal.collections.add(user, name)
        except PortalError as problem:
            st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
            return
        open_collection(made.id)
        st.rerun()


def _rows(portal: Portal, user: User) -> None:
    with st.container(key="collections-list", gap="xxsmall"):
        for each in portal.collections.list(user):
            label = f"**{plain(each.collection.name)}**  \n:small[{_facts(each)}]"
            if st.button(label, type="tertiary", width="stretch", wrap=True, key=f"collection-open-{each.collection.id}"):
                open_collection(each.collection.id)
                st.rerun()


def _facts(each: ListedCollection) -> str:
    counts = each.counts
    if counts.waiting:
        done = counts.documents - counts.waiting
        state = f" · :blue[{t('Reading: {done} of {n}', done=done, n=counts.documents)}]"
    else:
        state = f" · :orange[{t('{n} could not be read', n=counts.failed)}]" if counts.failed else ""
    who = readers(each)
    return f"{t('{n} documents', n=counts.documents)} · {t('{n} passages', n=counts.passages)}{state} :gray[· {plain(who)}]"


def readers(each: ListedCollection) -> str:
    """Say who reads a collection, and whose it is."""
    collection = each.collection
    if collection.share is Share.EVERYONE:
        who = t("Everyone reads it")
    elif collection.share is Share.GROUP:
        who = t("{group} reads it", group=collection.group)
    else:
        who = t("Only you read it")
    return who if each.own else f"{who} · {t('by {name}', name=each.owner_name)}"
