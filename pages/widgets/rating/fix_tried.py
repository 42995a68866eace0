"""A fixed rating, asked again: the old answer beside the new one, and whether the fix helped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.chat.records import Author
from core.errors import NotFound, PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from core.review.cases.records import CaseState
from core.review.own_feedback import OwnRating
from pages.shell.frame import START, open_page
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat.linked_message import CONVERSATION
from pages.widgets.chat.message import plain, show

if TYPE_CHECKING:
    from bootstrap.portal import Portal

EVERY_S = 1.0


def may_ask_again(own: OwnRating) -> bool:
    return own.state is CaseState.FIXED and own.question is not None and own.conversation_id is not None


def old_and_new(portal: Portal, user: User, own: OwnRating) -> None:
    """Draw both answers once the person has asked again, and ask whether the fix helped."""
    if own.again_id and allows(user, Permission.CHAT):
        running = portal.turns.running(user, own.again_id) is not None
        part(_answers, every=EVERY_S if running else None)(portal, user, own, running)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"minefix-{own.number}"):
        if own.satisfied:
            st.markdown(f":green[:material/check_circle:] {t('You said that the fix helped.')}")
            return
        st.markdown(t("Did the fix help?"), width="content")
        yes = st.button(t("It helped"), type="tertiary", icon=":material/thumb_up:", key=f"mineyes-{own.number}")
        no = st.button(t("It did not help"), type="tertiary", icon=":material/thumb_down:", key=f"mineno-{own.number}",
                       help=t("Reviewers look at it again"))  # fmt: skip
    if yes or no:
        try:
            portal.own_feedback.judge_fix(user, own.message_id, satisfied=yes)
        except PortalError as problem:
            st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
        else:
            st.rerun()


def _answers(portal: Portal, user: User, own: OwnRating, was_running: bool) -> None:
    try:
        live = portal.turns.running(user, own.again_id or "")
        if live is None and was_running:
            st.rerun()
        if live is not None:
            text, note = live.snapshot().text, t("Answering")
        else:
            shown = [each.message for each in portal.conversations.transcript(user, own.again_id or "")]
            text, note = next((each.text for each in reversed(shown) if each.author is Author.ASSISTANT), ""), ""
    except NotFound:
        st.caption(t("The chat in which you asked again was deleted."))
        return
    with st.grid(2, min_column_width=240, gap="small", key=f"minepair-{own.number}"):
        with st.container(border=True, gap="xsmall", key=f"mineold-{own.number}"):
            st.markdown(f":gray[**{t('Before')}**]")
            show(own.answer or "")
        with st.container(border=True, gap="xsmall", key=f"minenew-{own.number}"):
            st.markdown(f":gray[**{t('Now')}**{f' · {note}' if note else ''}]")
            show(text)
            if not note and st.button(t("Open the new chat"), type="tertiary", key=f"minechat-{own.number}"):
                open_page(START, **{CONVERSATION: own.again_id or ""})
