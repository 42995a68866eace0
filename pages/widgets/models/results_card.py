"""The result cache: how often a request was answered from it, and how full it is."""

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


def results_card(portal: Portal, user: User) -> None:
    """Draw the card; draw nothing if the cache is off and empty."""
    try:
        figures = portal.result_cache.figures(user)
    except PortalError as problem:
        st.caption(plain(said(problem)))
        return
    if not figures.most_bytes and not figures.stored:
        return
    with st.container(border=True, key="card-results", gap="xsmall"):
        card_title(t("Result cache"), t("The same deterministic request of a person gets the same answer for {n} days.", n=figures.days))
        facts_list([
            (t("Found"), share(figures.found / figures.asked if figures.asked else None)),
            (t("Requests since the start"), count(figures.asked)),
            (t("Answers"), count(figures.stored)),
            (t("Room"), t("{n} of {most}", n=size(figures.bytes), most=size(figures.most_bytes))),
        ])
        st.button(
            t("Empty the cache"), type="tertiary", icon=":material/delete_sweep:", key="results-clear", disabled=not figures.stored,
            on_click=portal.result_cache.clear, args=(user,),
            help=t("Answers of a model whose file changed are not given any more in any case."),
        )  # fmt: skip
