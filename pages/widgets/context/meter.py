"""Show how full the context window is: a ring and figures in the composer, and the details when it is opened."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.chat.context.records import ContextUse, PartKind
from core.errors import PortalError
from core.people.records import User
from pages.shell.words import t
from pages.widgets.context.applied import wanted, wants_memory

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_PARTS = {
    PartKind.INSTRUCTIONS: ("Instructions", "s4"),
    PartKind.MEMORY: ("Memories", "s7"),
    PartKind.TOOLS: ("Tools", "s9"),
    PartKind.SUMMARY: ("Summary", "s3"),
    PartKind.FILES: ("Files", "s2"),
    PartKind.IMAGES: ("Images", "s8"),
    PartKind.TURNS: ("Turns", "s1"),
}


def context_meter(portal: Portal, user: User, conversation_id: str | None, model: str | None) -> None:
    """Draw the meter. Draw nothing if no model can be asked or the context is empty."""
    counted = partial(portal.context.use, user, conversation_id, model, instructions=wanted(), memory=wants_memory())
    try:
        use = counted()
    except PortalError:
        return
    if use is None or not use.context or not use.tokens:
        return
    share = min(100, round(100 * use.tokens / use.context))
    st.html(f"<style>.st-key-meter {{ --p: {share}% }}</style>")
    words = t("{tokens} of {context}", tokens=f"{use.tokens:,}", context=f"{use.context:,}")
    if use.too_long:
        words = t("Too long for this model")
    key = f"meter-open-{conversation_id or 'new'}"
    with st.container(key="meter", width="content"):
        box = st.popover(words, type="tertiary", key=key, on_change="rerun", help=t("How full the model's context is, in tokens"))
    if box.open:
        with box:
            _opened(counted(parts=True) or use)


def _opened(use: ContextUse) -> None:
    """Draw a bar and a list of the parts that fill the context."""
    rows = [(t(_PARTS[part.kind][0]), part.tokens, _PARTS[part.kind][1]) for part in use.parts]
    counted = sum(tokens for _, tokens, _ in rows)
    if use.tokens > counted and rows:
        rows.append((t("Chat template, thoughts, parts of files, preset"), use.tokens - counted, "s6"))
    rows.append((t("Kept for the answer"), use.reserve, "s5"))
    free = max(0, use.context - use.reserve - max(use.tokens, counted))
    whole = max(use.context, sum(tokens for _, tokens, _ in rows))
    bar = "".join(f"<i class='{colour}' style='width:{100 * tokens / whole:.2f}%'></i>" for _, tokens, colour in rows if tokens)
    rows.append((t("Free"), free, ""))
    listed = "".join(f"<span><b class='{colour}'></b>{escape(label)} <em>{tokens:,}</em></span>" for label, tokens, colour in rows)
    st.html(f"<div class='membar'><div>{bar}</div><p>{listed}</p></div>")
    if use.too_long:
        _cut(use)
    st.caption(t("In tokens of the model's own tokenizer. A chat that outgrows the context goes on: its first turns are summarized."))


def _cut(use: ContextUse) -> None:
    """Say what happens to a chat that is longer than this model can read."""
    room = use.context - use.reserve
    st.markdown(t("{tokens} tokens; this model can read {room} beside its answer.", tokens=f"{use.tokens:,}", room=f"{room:,}"))
    if use.cut:
        st.markdown(t("Turns 1 to {n} will be summarized with the next question; pinned turns stay whole.", n=use.cut))
    else:
        st.markdown(t("With the next question, the parts of long files that matter are chosen, or the oldest turns are left out."))
