"""My feedback: what became of a person's own ratings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import uuid4

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.review.cases.records import CaseState
from core.review.names import Look
from core.review.own_feedback import OwnPage, OwnRating, OwnRatings
from pages.shell import frame
from pages.shell.live_part import callback
from pages.shell.words import error_text, t
from pages.widgets.chat.linked_message import CONVERSATION
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import ago, count
from pages.widgets.rating.fix_tried import may_ask_again, old_and_new
from pages.widgets.rating.rating_words import reasons_line, reveal_reason, score_word
from pages.widgets.review.case_words import ICONS

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "my-feedback"
PAGE = 20
MAX_QUESTION = 200
LOOK_QUESTION = 60
LOOKS_SHOWN = 3
_SHOWN = "own-feedback-shown"


def render(portal: Portal, user: User) -> None:
    with st.container(key="narrow", width=840, gap="medium"):
        about = t("What became of your ratings. Reviewers see them; what they answer is shown here, without their names.")
        frame.page_head(t("My feedback"), about, key="own-feedback")
        which = st.session_state.get("own-feedback-which") or OwnRatings.ALL
        try:
            page = portal.own_feedback.find(user, which, int(st.session_state.setdefault(_SHOWN, PAGE)))
        except PortalError as problem:
            st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
            return
        if not page.counts[OwnRatings.ALL]:
            why = t("A thumb under an answer is enough. What becomes of it is shown here.")
            if frame.blank(t("You have not rated an answer yet"), why, t("Back to chat"), key="blank-own-feedback"):
                frame.open_page(frame.START)
            return
        _looks(portal, user)
        _choice(page)
        if problem := st.session_state.pop("own-feedback-problem", None):
            st.markdown(f":red[:material/error: {plain(problem)}]")
        with st.container(key="mine", gap=None):
            for own in page.ratings:
                _row(portal, user, own)
        if not page.ratings:
            st.caption(t("No rating is in this list."))
        if page.next_cursor:
            st.button(t("Show more"), type="tertiary", key="own-feedback-more", on_click=_more)


def _looks(portal: Portal, user: User) -> None:
    """Say who saw the person's name, when and why."""
    if not portal.review_names.hidden:
        st.caption(t("Reviewers see your name in this portal."))
        return
    looks = portal.review_names.looks(user)
    if not looks:
        return
    with st.container(key="minelooks", gap="xxsmall"):
        for look in looks[:LOOKS_SHOWN]:
            _look(look)
        if more := looks[LOOKS_SHOWN:]:
            with st.expander(t("{n} more", n=len(more)), type="compact"):
                for look in more:
                    _look(look)


def _look(look: Look) -> None:
    when, reason = look.at.strftime("%Y-%m-%d %H:%M UTC"), reveal_reason(look.reason)
    question = t("a deleted chat") if look.question is None else f"“{plain(cut_line(look.question, LOOK_QUESTION))}”"
    sentence = t("**{name} saw your name** in {question} on {when}, {reason}.", name=plain(look.viewer_name), question=question, when=when,
                 reason=reason)  # fmt: skip
    st.markdown(f"{sentence} :gray[{plain(look.why)}]")


def _choice(page: OwnPage) -> None:
    words = {
        OwnRatings.ALL: t("All"), OwnRatings.OPEN: t("Still open"), OwnRatings.FIXED: t("Fixed"), OwnRatings.GOOD: t("Good"),
    }  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="minebar"):
        st.segmented_control(
            t("Which ratings"), list(OwnRatings), default=OwnRatings.ALL, required=True, label_visibility="collapsed",
            format_func=lambda each: f"{words[each]} :gray[{count(page.counts[each])}]", key="own-feedback-which", on_change=_from_start,
        )  # fmt: skip
        st.space("stretch")
        if page.poor:
            fixed = page.counts[OwnRatings.FIXED]
            st.caption(t("Of your {n} poor ratings, {fixed} led to a fix.", n=page.poor, fixed=fixed), width="content")


def _row(portal: Portal, user: User, own: OwnRating) -> None:
    with st.container(key=f"minerow-{own.number}", horizontal=True, gap="medium"):
        with st.container(key=f"minestate-{own.number}", width=170):
            color = "green" if own.state is CaseState.FIXED else "gray"
            st.markdown(f":{color}[:material/{_icon(own.state)}:] {_state(own.state)}")
        with st.container(key=f"minetext-{own.number}", gap="xxsmall", width="stretch"):
            st.markdown(f"**{plain(_question(own))}**")
            thumb, word = ("thumb_down", t("Poor")) if own.rating < 0 else ("thumb_up", t("Good"))
            comment = f" · {plain(' '.join(own.comment.split()))}" if own.comment else ""
            facts = (score_word(own.details) or word, reasons_line(own.details), ago(own.rated_at))
            st.markdown(f":gray[:material/{thumb}: {' · '.join(each for each in facts if each)}{comment}]")
            _outcome(own)
            if own.reply:
                with st.container(key=f"minereply-{own.number}", gap="xxsmall"):
                    st.markdown(f":gray[**{t('Reviewer')}**]")
                    st.text(own.reply)
            if own.state is CaseState.FIXED:
                old_and_new(portal, user, own)
            _actions(portal, user, own)


def _outcome(own: OwnRating) -> None:
    """Draw what the state means for the person, unless it says so itself."""
    match own.state:
        case CaseState.FIXED if own.fix:
            st.markdown(t("**Fixed in {fix}**, {when}.", fix=plain(own.fix), when=ago(own.changed_at)))
        case CaseState.NEW | CaseState.TRIAGED if own.satisfied is False:
            st.markdown(t("You said that the fix did not help, so reviewers look at it again."))
        case CaseState.IN_REVIEW:
            st.markdown(t("A reviewer is looking at it."))
        case CaseState.KEPT:
            st.markdown(t("Kept as an example of a good answer."))


def _actions(portal: Portal, user: User, own: OwnRating) -> None:
    with st.container(horizontal=True, gap="small", key=f"mineact-{own.number}"):
        if may_ask_again(own):
            st.button(
                t("Ask it again"), type="tertiary", icon=":material/replay:", key=f"mineask-{own.number}", on_click=callback(_ask_again),
                args=(portal, user, own),
            )  # fmt: skip
        if own.conversation_id and st.button(
            t("Open the chat"), type="tertiary", icon=":material/chat_bubble:", key=f"mineopen-{own.number}"
        ):
            frame.open_page(frame.START, **{CONVERSATION: own.conversation_id})
        st.button(
            t("Take back"), type="tertiary", icon=":material/undo:", key=f"mineback-{own.number}",
            help=t("Deletes this rating and what reviewers wrote about it"), on_click=callback(_take_back), args=(portal, user, own),
        )  # fmt: skip


def _ask_again(portal: Portal, user: User, own: OwnRating) -> None:
    _try(lambda: portal.asking_again.ask(user, own.message_id, uuid4().hex))


def _take_back(portal: Portal, user: User, own: OwnRating) -> None:
    _try(lambda: portal.own_feedback.take_back(user, own.message_id))


def _try(action: Callable[[], object]) -> None:
    try:
        action()
    except PortalError as problem:
        st.session_state["own-feedback-problem"] = error_text(problem)


def _from_start() -> None:
    st.session_state[_SHOWN] = PAGE


def _more() -> None:
    st.session_state[_SHOWN] = min(1000, st.session_state[_SHOWN] + PAGE)


def _question(own: OwnRating) -> str:
    if own.question is None:
        return t("Deleted chat")
    return cut_line(own.question, MAX_QUESTION)


def cut_line(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]}…"


def _state(state: CaseState) -> str:
    """Return the state in the rater's words: nobody needs to know how the queue is sorted."""
    return {
        CaseState.NEW: t("Received"), CaseState.TRIAGED: t("Received"), CaseState.IN_REVIEW: t("In review"), CaseState.FIXED: t("Fixed"),
        CaseState.NOT_CHANGED: t("Not changed"), CaseState.KEPT: t("Kept as an example"), CaseState.CLOSED: t("Reviewed"),
    }[state]  # fmt: skip


def _icon(state: CaseState) -> str:
    return ICONS[CaseState.NEW] if state is CaseState.TRIAGED else ICONS[state]
