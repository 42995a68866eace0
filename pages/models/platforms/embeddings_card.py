"""The embedding cache: how often it already had a text, and how full it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from pages.shell.live_part import callback
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card_title, facts_list
from pages.widgets.common.formats import count, share, size

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def embeddings_card(portal: Portal, user: User) -> None:
    try:
        stats = portal.platform_monitor.embeddings(user)
    except PortalError as problem:
        st.caption(plain(error_text(problem)))
        return
    if not stats.most_bytes or not (stats.asked or stats.stored):
        return
    with st.container(border=True, key="card-embeddings", gap="xsmall"):
        card_title(t("Embedding cache"), t("The same text is not computed again by the same model."))
        facts_list([
            (t("Found"), share(stats.found / stats.asked if stats.asked else None)),
            (t("Texts since the start"), count(stats.asked)),
            (t("Vectors"), count(stats.stored)),
            (t("Room"), t("{n} of {most}", n=size(stats.bytes), most=size(stats.most_bytes))),
        ])
        st.button(
            t("Empty the cache"), type="tertiary", icon=":material/delete_sweep:", key="embeddings-clear", disabled=not stats.stored,
            on_click=callback(portal.platform_monitor.clear_embeddings), args=(user,),
            help=t("Use it after the weights behind a model's name have changed. Vectors are also recomputed after 30 days."),
        )  # fmt: skip
