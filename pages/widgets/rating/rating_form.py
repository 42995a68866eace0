"""The form under an answer after its thumb. The rating already counts; all of the form is optional."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from core.chat.records import Message
from core.errors import PortalError
from core.people.records import User
from core.review.feedback import MAX_COMMENT
from core.review.rating_forms import MAX_BETTER_ANSWER, MAX_PASSAGE, MAX_SCORE
from core.review.records import NO_DETAILS, RatingDetails, RatingForm
from pages.shell.live_part import callback, part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.script import component
from pages.widgets.rating.rating_words import reason_word

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_OPEN = "chat_rating"
"""The session key of the answer whose form is open."""
_PROBLEM = "chat_rating_problem"
_passage = component("passage", file="rating.js", html="<div class='passage'></div>")


def open_form(message_id: str | None) -> None:
    """Open the form of this answer from the next run on; None closes it."""
    st.session_state[_OPEN] = message_id


def is_open(message: Message) -> bool:
    return bool(message.rating) and st.session_state.get(_OPEN) == message.id


def rating_form(portal: Portal, user: User, message: Message) -> None:
    """Draw the form of a rated answer."""
    part(_draw)(portal, user, message)


def _draw(portal: Portal, user: User, message: Message) -> None:
    own = portal.feedback.own(user, message.id)
    if own is None or own.rating != message.rating:
        return
    form, said = portal.rating_forms.current(user), own.details
    name = f"{message.id}-{own.rating}"
    with st.container(key="rateform", gap="small", border=True):
        _head(own.rating)
        if reasons := form.reasons(own.rating):
            st.pills(
                t("What was good?") if own.rating > 0 else t("What was wrong?"), reasons, selection_mode="multi", format_func=reason_word,
                default=[each for each in said.reasons if each in reasons], key=f"ratereasons-{name}",
            )  # fmt: skip
        if form.asks_score or form.asks_passage:
            with st.container(horizontal=True, gap="medium", key="raterow"):
                if form.asks_score:
                    st.segmented_control(
                        f"{t('How usable was it?')} :gray[{t('1 not at all, 5 as it is')}]", range(1, MAX_SCORE + 1), default=said.score,
                        key=f"ratescore-{name}",
                    )  # fmt: skip
                if form.asks_passage:
                    _mark(name, said.passage)
        if form.asks_comment:
            st.text_area(t("What should a reviewer know?"), own.comment, max_chars=MAX_COMMENT, height=68, key=f"ratecomment-{name}")
        if form.asks_better_answer:
            with st.expander(t("Write a better answer"), type="compact", expanded=bool(said.better_answer)):
                st.text_area(
                    t("Better answer"), said.better_answer or _draft(message), max_chars=MAX_BETTER_ANSWER, height=160,
                    label_visibility="collapsed", key=f"ratebetter-{name}",
                )  # fmt: skip
        if problem := st.session_state.pop(_PROBLEM, None):
            st.markdown(f":red[:material/error: {plain(problem)}]")
        _foot(portal, user, message, form)


def _head(rating: int) -> None:
    good = f"**{t('Rated good. Thank you.')}** :gray[{t('More helps to keep it so; all of it is optional.')}]"
    poor = f"**{t('Rated poor. Thank you.')}** :gray[{t('More helps to fix it; all of it is optional.')}]"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="ratehead"):
        st.markdown(good if rating > 0 else poor, width="stretch")
        words = t("Close; the rating stays")
        close = callback(open_form)
        if st.button(words, icon=":material/close:", type="tertiary", key="icon-rateclose", help=words, on_click=close, args=(None,)):
            st.rerun()


def _mark(name: str, stored: str) -> None:
    """Draw the passage of the answer that the rater means, or how to mark one."""
    key = f"ratepassage-{name}"
    st.session_state.setdefault(f"{key}-text", stored)

    def take() -> None:
        if event := st.session_state[key].event:
            st.session_state[f"{key}-text"] = str(event["passage"])[:MAX_PASSAGE]

    labels = {
        "name": t("The passage you mean"), "hint": t("Select text in the answer."), "mark": t("Mark {passage}", passage="…"),
        "remove": t("Remove"), "most": MAX_PASSAGE,
    }  # fmt: skip
    _passage(key=key, data=[{**labels, "passage": st.session_state[f"{key}-text"]}], on_event_change=take)


def _foot(portal: Portal, user: User, message: Message, form: RatingForm) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="ratefoot"):
        args = (portal, user, message, form)
        if st.button(t("Send"), type="primary", shortcut="Ctrl+Enter", key="ratesend", on_click=callback(_send), args=args):
            _end(t("Thank you. What becomes of it is shown on My feedback."))
        if st.button(t("Take rating back"), type="tertiary", key="rateback", on_click=callback(_take_back), args=(portal, user, message)):
            _end("")
        hidden = portal.review_names.hidden
        words = t("Reviewers read this chat with your name hidden.") if hidden else t("Reviewers read this chat and see your name.")
        st.markdown(f":gray[{words}]", width="stretch")


def _end(words: str) -> None:
    """Redraw the chat if the form was closed; with an error it stays."""
    if _PROBLEM not in st.session_state:
        if words:
            st.toast(words, icon=":material/check:")
        st.rerun()
    st.rerun(scope="fragment")


def _send(portal: Portal, user: User, message: Message, form: RatingForm) -> None:
    def given(field: str, empty: Any) -> Any:
        return st.session_state.get(f"rate{field}-{message.id}-{message.rating}") or empty

    better = str(given("better", ""))
    details = RatingDetails(
        form_version=form.version, reasons=tuple(given("reasons", ())), score=given("score", None),
        passage=str(st.session_state.get(f"ratepassage-{message.id}-{message.rating}-text") or ""),
        better_answer="" if better.strip() == message.text.strip() else better,
    )  # fmt: skip
    comment = str(given("comment", ""))
    _try(lambda: portal.feedback.rate(user, message.id, int(message.rating or 0), comment, NO_DETAILS if details.is_empty else details))


def _take_back(portal: Portal, user: User, message: Message) -> None:
    _try(lambda: portal.feedback.rate(user, message.id, 0))


def _try(action: Any) -> None:
    try:
        action()
    except PortalError as problem:
        st.session_state[_PROBLEM] = error_text(problem)
    else:
        open_form(None)


def _draft(message: Message) -> str:
    """Return the answer, which the rater changes; "" if it is too long to be changed here."""
    return message.text if len(message.text) <= MAX_BETTER_ANSWER else ""
