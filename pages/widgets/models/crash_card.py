"""Show how the previous run of the portal ended, if it crashed."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.models.start_records import Crash, ModelWork
from pages.shell.words import listed, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card_title

DOING = {
    ModelWork.LOADING: "It crashed in llama.cpp while loading the model {model}.",
    ModelWork.DECODING: "It crashed in llama.cpp while the model {model} was computing {n} answers.",
    ModelWork.SAMPLING: "It crashed in llama.cpp while the model {model} was sampling tokens for {n} answers.",
}


def crash_card(crash: Crash) -> None:
    """Show how the previous run of the portal ended."""
    at = crash.at.strftime("%Y-%m-%d %H:%M UTC")
    with st.container(border=True, key="card-crash", gap="xsmall"):
        card_title(t("The portal's last run crashed"), at)
        how = DOING[crash.doing] if crash.doing else "It crashed in native code; no model was running."
        st.markdown(":red[:material/error:] " + t(how, model=plain(crash.model), n=crash.answers))
        st.html(f"<p class='file'><code>{escape(crash.error)}</code></p>")
        if crash.requests:
            st.caption(t("Affected turns: {ids}", ids=listed(map(plain, crash.requests))))
        advice = "The log has the stack trace. If you load the model in its own process, a crash leaves the portal running."
        if crash.in_a_row > 1:
            advice = (
                "It crashed {n} runs in a row; after three it is no longer loaded at startup. If you load the model in its own process, "
                "a crash leaves the portal running."
            )
        st.caption(t(advice, n=crash.in_a_row))
