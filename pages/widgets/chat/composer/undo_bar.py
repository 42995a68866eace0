"""The bar that undoes a deletion, as long as that is possible."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.chat.pending_deletions import UNDO_S, Pending
from pages.shell.words import t
from pages.widgets.common.requests import queue_component_action
from pages.widgets.common.script import component

_undo = component("undo", file="undo.js", html="<div class='undo' role='status'></div>")


def undo_bar(pending: Sequence[Pending]) -> None:
    """Offer to restore the chat that was deleted last; draw nothing if there is none."""
    if not pending:
        return
    newest = pending[-1]
    together = sum(each.group == newest.group for each in pending) if newest.group else 1
    one = t("{title} was deleted.", title=newest.title or t("New chat"))
    labels = {"deleted": one if together == 1 else t("{n} chats were deleted.", n=together), "undo": t("Undo")}
    with st.container(key="undo"):
        data = [{"id": newest.id, "seconds": UNDO_S}, labels]
        _undo(key="undo-bar", data=data, on_event_change=lambda: queue_component_action("undo-bar"))
