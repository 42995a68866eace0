"""The embedding cache: how often it already had a text, and how full it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from pages.shell.words import said, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card_title, facts_list
from pages.widgets.common.figures import count, share, size

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def embeddings_card(portal: Portal, user: User) -> None:
    try:
        figures = portal.oversight.embeddings(user)
    except PortalError as problem:
        st.caption(plain(said(problem)))
        return
    if not figures.most_bytes or not (figures.asked or figures.stored):
        return
    with st.container(border=True, key="card-embeddings", gap="xsmall"):
        card_title(t("Embedding cache"), t("The same text is not computed again by the same model."))
        facts_list([
            (t("Found"), share(figures.found / figures.asked if figures.asked else None)),
            (t("Texts since the start"), count(figures.asked)),
            (t("Vectors"), count(figures.stored)),
            (t("Room"), t("{n} of {most}", n=size(figures.bytes), most=size(figures.most_bytes))),
        ])
        st.button(
            t("Empty the cache"), type="tertiary", icon=":material/delete_sweep:", key="embeddings-clear", disabled=not figures.stored,
            on_click=portal.oversight.clear_embeddings, args=(user,),
            help=t("Use it after the weights behind a model's name have changed. Vectors are also recomputed after 30 days."),
        )  # fmt: skip
