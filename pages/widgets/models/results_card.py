"""The result cache: how often a request was answered from it, and how full it is."""

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


def results_card(portal: Portal, user: User) -> None:
    """Draw the card; draw nothing if the cache is off and empty."""
    try:
        stats = portal.result_cache.stats(user)
    except PortalError as problem:
        st.caption(plain(error_text(problem)))
        return
    if not stats.most_bytes and not stats.stored:
        return
    with st.container(border=True, key="card-results", gap="xsmall"):
        card_title(t("Result cache"), t("The same deterministic request of a person gets the same answer for {n} days.", n=stats.days))
        facts_list([
            (t("Found"), share(stats.found / stats.asked if stats.asked else None)),
            (t("Requests since the start"), count(stats.asked)),
            (t("Answers"), count(stats.stored)),
            (t("Room"), t("{n} of {most}", n=size(stats.bytes), most=size(stats.most_bytes))),
        ])
        st.button(
            t("Empty the cache"), type="tertiary", icon=":material/delete_sweep:", key="results-clear", disabled=not stats.stored,
            on_click=callback(portal.result_cache.clear), args=(user,),
            help=t("Answers of a model whose file changed are not given any more in any case."),
        )  # fmt: skip
