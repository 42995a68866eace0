"""Choose who reads a collection, rename it, and remove it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.documents.records import MAX_NAME_LENGTH, ListedCollection
from core.people.records import User
from core.prompts.records import Share
from pages.shell.words import t
from pages.widgets.common.card import card
from pages.widgets.common.outcome import carry_out
from pages.widgets.documents.listing import open_collection

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_SHARES = {Share.OWN: "Only me", Share.GROUP: "My group", Share.EVERYONE: "Everyone"}
_DONE = "documents-done"


def rights(portal: Portal, user: User, listed: ListedCollection) -> None:
    """Draw this for the owner, and for those who may withdraw it from everyone."""
    collection = listed.collection
    withdraws = listed.may_publish and collection.share is Share.EVERYONE
    if not (listed.own or withdraws):
        return
    with card("collection-rights", t("Who reads it"), t("Only its owner changes it.")):
        offered = [Share.OWN]
        if listed.own:
            offered += [Share.GROUP] if user.group or collection.share is Share.GROUP else []
            offered += [Share.EVERYONE] if listed.may_publish or collection.share is Share.EVERYONE else []
        else:
            offered.append(Share.EVERYONE)
        fixed = collection.share is Share.EVERYONE and not listed.may_publish
        if len(offered) > 1:
            names = {**_SHARES, **({} if listed.own else {Share.OWN: "Its owner"})}
            share = st.segmented_control(
                t("Who reads it"), offered, default=collection.share, format_func=lambda each: t(names[each]),
                key=f"collection-share-{collection.id}", label_visibility="collapsed", required=True, disabled=fixed,
            )  # fmt: skip
            if share is not collection.share:
                carry_out(lambda: _shared(portal, user, collection.id, share), _DONE)
        else:
            st.caption(t("You are in no group, so there is nobody to share it with."))
        if listed.own:
            _rename(portal, user, listed)
            _removal(portal, user, listed)


def _shared(portal: Portal, user: User, collection_id: str, share: Share) -> str:
    portal.collections.share(user, collection_id, share)
    if not any(each.collection.id == collection_id for each in portal.collections.list(user)):
        open_collection()
    said = {Share.OWN: "Only its owner reads it now.", Share.GROUP: "Your group reads it now.", Share.EVERYONE: "Everyone reads it now."}
    return t(said[share])


def _rename(portal: Portal, user: User, listed: ListedCollection) -> None:
    with st.popover(t("Rename"), icon=":material/edit:", type="tertiary", key="collection-rename"):
        with st.form(f"collection-name-{listed.collection.id}", border=False):
            name = st.text_input(t("Name"), listed.collection.name, max_chars=MAX_NAME_LENGTH, autocomplete="off")
            sent = st.form_submit_button(t("Save"), type="primary")
        if sent:
            carry_out(lambda: _renamed(portal, user, listed.collection.id, name), _DONE)


def _renamed(portal: Portal, user: User, collection_id: str, name: str) -> str:
    portal.collections.rename(user, collection_id, name)
    return t("The collection was renamed.")


def _removal(portal: Portal, user: User, listed: ListedCollection) -> None:
    with st.popover(t("Remove this collection"), icon=":material/delete:", type="tertiary", key="collection-remove"):
        shared = t("Those who share it lose it, too.") if listed.collection.share is not Share.OWN else ""
        st.markdown(f"{t('Its documents are deleted permanently. Answers that cite them stay.')} {shared}")
        if st.button(t("Remove"), key="collection-remove-now"):
            carry_out(lambda: _removed(portal, user, listed.collection.id), _DONE)


def _removed(portal: Portal, user: User, collection_id: str) -> str:
    portal.collections.remove(user, collection_id)
    open_collection()
    return t("The collection was removed.")
