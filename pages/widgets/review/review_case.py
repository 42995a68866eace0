"""One review case: the comment, the rated answer, and the properties. The Feedback page chooses the case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.chat.records import Author, Message
from core.errors import PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from core.review.feedback import MAX_COMMENT, Case
from core.review.records import Feedback, ReviewState
from pages.shell.words import said, t
from pages.widgets.chat.message import plain, show
from pages.widgets.common.figures import MISSING, age, seconds, size, speed
from pages.widgets.common.focus import focus
from pages.widgets.images.image_case import image_case
from pages.widgets.review.accepted import accept_answer

if TYPE_CHECKING:
    from bootstrap.portal import Portal

ALL = "all"
"""The tab of all cases, beside the tabs of the states."""
MOST_TITLE = 160
"""Maximum number of characters of the question above the case."""
NEIGHBOUR = "feedback-neighbour"
"""The session key of the case to open next, if the open case has left the list."""
Place = tuple[str | None, int]
"""A case's id and the offset of its page; the id None means the first case of that page."""


def go(case_id: str | None, offset: int) -> None:
    """Open a case of the page at `offset`."""
    st.session_state["feedback-case"] = case_id
    st.session_state["feedback-offset"] = max(0, offset)


def state_word(state: ReviewState) -> str:
    """Return the readable name of a review state."""
    return {ReviewState.NEW: t("New"), ReviewState.IN_REVIEW: t("In review"), ReviewState.RESOLVED: t("Resolved")}[state]


def title(case: Feedback, most: int) -> str:
    """Return the question on one line, cut at a word to at most `most` characters."""
    if case.question is None:
        return t("Deleted image") if case.run_id else t("Deleted chat")
    line = " ".join(case.question.split())
    if len(line) <= most:
        return line
    cut = line[:most]
    word = cut.rfind(" ")
    return f"{(cut[:word] if word > most // 2 else cut).rstrip(' .,;:，。')}…"


def draw_case(portal: Portal, user: User, opened: Case, before: Place | None, after: Place | None) -> None:
    """Draw the case. before, after: its neighbours in the list."""
    case = opened.feedback
    with st.container(key="rvback"):
        st.button(
            t("All cases"),
            icon=":material/arrow_back:",
            type="tertiary",
            key="rvall",
            on_click=go,
            args=(None, st.session_state["feedback-offset"]),
        )
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="rvact"):
        if case.state is ReviewState.RESOLVED:
            st.button(
                t("Reopen"), shortcut="O", key="rvreopen", on_click=_review, args=(portal, user, case, ReviewState.NEW, after or before)
            )
        else:
            st.button(
                t("Resolve"),
                type="primary",
                shortcut="E",
                key="rvresolve",
                on_click=_review,
                args=(portal, user, case, ReviewState.RESOLVED, after or before),
            )
        started = case.state is not ReviewState.NEW
        st.button(
            t("Start review"),
            shortcut="A",
            key="rvstart",
            disabled=started,
            on_click=_review,
            args=(portal, user, case, ReviewState.IN_REVIEW, after or before),
        )
        if case.run_id is None and case.answer and allows(user, Permission.RUN_MODELS):
            words = t("Keep this answer as a replay question: a new version of the model answers it before it serves.")
            if st.button(t("Accept answer"), key="rvaccept", help=words):
                accept_answer(lambda: portal.accepted_answers.accept_case(user, case.id))
        if st.button(t("Edit note") if case.note else t("Add note"), shortcut="N", key="rvnote"):
            _edit_note(portal, user, case)
        st.space("stretch")
        with st.container(key="rvnav", horizontal=True, gap="xsmall", width="content"):
            st.button(
                t("Previous case"), icon=":material/keyboard_arrow_up:", shortcut="K", key="icon-rvprev", help=t("Previous case"),
                disabled=before is None, on_click=go, args=before or (None, 0),
            )  # fmt: skip
            st.button(
                t("Next case"), icon=":material/keyboard_arrow_down:", shortcut="J", key="icon-rvnext", help=t("Next case"),
                disabled=after is None, on_click=go, args=after or (None, 0),
            )  # fmt: skip
    if problem := st.session_state.pop("feedback-problem", None):
        st.markdown(f":red[:material/error: {plain(problem)}]")
    heading = title(case, MOST_TITLE)
    st.markdown(f"## {plain(heading)}", anchors=False)
    _quote(case)
    if case.run_id:
        image_case(portal, user, case)
    elif case.question is None and case.answer is None:
        st.caption(t("The person deleted this chat. Its question and answer are gone; the rating and its measurements stay."))
    else:
        *earlier, question, answer = opened.way if len(opened.way) > 1 else (None, None)
        with st.container(key="rvthread", gap="small"):
            if earlier:
                _earlier([each for each in earlier if each])
            if case.question != heading or (question and question.files):
                with st.container(gap="xsmall", key="rvquestion"):
                    st.markdown(f":gray[**{t('Question')}**]")
                    if case.question:
                        st.text(case.question)
                    _files(question)
            with st.container(key="rvanswer", gap="xsmall"):
                st.markdown(f":gray[**{t('Answer')}**]")
                if answer and answer.reasoning:
                    with st.expander(t("Thinking"), type="compact"), st.container(key="rvthinking"):
                        st.text(answer.reasoning)
                show(case.answer or "")
    if case.note:
        with st.container(key="rvnotetext", gap="xsmall"):
            st.markdown(f":gray[**{t('Note')}**]")
            st.text(case.note)


def _earlier(messages: Sequence[Message]) -> None:
    """Draw the chat before the rated answer, collapsed, in order."""
    asked = sum(message.author is Author.USER for message in messages)
    with st.expander(t("Earlier in this chat, {n} questions", n=asked), type="compact"), st.container(key="rvearlier", gap="small"):
        for message in messages:
            with st.container(gap="xsmall"):
                if message.author is Author.USER:
                    st.markdown(f":gray[**{t('Question')}**]")
                    if message.text:
                        st.text(message.text)
                    _files(message)
                else:
                    st.markdown(f":gray[**{t('Answer')}**]")
                    if message.text:
                        show(message.text)
                    else:
                        st.caption(t("There is no text."))


def _files(question: Message | None) -> None:
    """Draw the names of the attached files. The files themselves stay with their owner."""
    if question and question.files:
        st.markdown("  \n".join(f":material/description: {plain(file.name)} :gray[{size(file.size_bytes)}]" for file in question.files))


def _quote(case: Feedback) -> None:
    """Draw the comment, on orange for a complaint, on grey for praise."""
    poor = case.rating < 0
    with st.container(key="rvquote" if poor else "rvpraise", gap="xsmall"):
        seconds_ago = (datetime.now(UTC) - case.created_at).total_seconds()
        when = t("{age} ago", age=age(case.created_at)) if seconds_ago >= 60 else t("just now")
        icon = "thumb_down" if poor else "thumb_up"
        if case.run_id:
            words = t("corrected the boxes, {when}", when=when) if poor else t("confirmed the boxes, {when}", when=when)
        else:
            words = t("rated this answer poor, {when}", when=when) if poor else t("rated this answer good, {when}", when=when)
        st.markdown(f":material/{icon}: **{plain(case.user_name)}** :gray[{words}]")
        if case.comment:
            st.text(case.comment)


def _review(portal: Portal, user: User, case: Feedback, state: ReviewState, neighbour: Place | None) -> None:
    """Change the state. If a resolved case leaves the list, open its neighbour; a case whose review starts stays open."""
    try:
        portal.feedback.review(user, case.id, state=state)
    except PortalError as problem:
        st.session_state["feedback-problem"] = said(problem)
        return
    shown = st.session_state.get("feedback-state")
    phone_list = st.session_state.get("feedback-case") is None
    if state is ReviewState.IN_REVIEW:
        st.session_state["feedback-case"] = case.id
        st.session_state[NEIGHBOUR] = neighbour
    elif shown != ALL and shown is not state:
        go(None if phone_list or neighbour is None else neighbour[0], st.session_state["feedback-offset"])


def _edit_note(portal: Portal, user: User, case: Feedback) -> None:
    @st.dialog(t("Note"))
    def ask() -> None:
        with st.form("feedback-note-form", border=False):
            note = st.text_area(
                t("For reviewers only"),
                case.note,
                max_chars=MAX_COMMENT,
                height=160,
                placeholder=t("What went wrong and what was done"),
                key=f"note-{case.id}",
            )
            sent = st.form_submit_button(t("Save note"), type="primary", key="feedback-note-save")
        focus(f"note-{case.id}")
        if sent:
            try:
                portal.feedback.review(user, case.id, note=note)
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(said(problem))}]")
                return
            st.rerun()

    ask()


def draw_properties(portal: Portal, user: User, case: Feedback) -> None:
    """Draw the properties of a case."""
    key = f"feedback-set-{case.id}"
    st.session_state[key] = case.state
    st.selectbox(t("State"), list(ReviewState), format_func=state_word, key=key, on_change=_set_state, args=(portal, user, case, key))
    row = case.generation
    facts = [
        (t("Person"), case.user_name),
        (t("Group"), case.group or MISSING),
        (t("Rated"), case.created_at.strftime("%Y-%m-%d %H:%M UTC")),
        (t("Model"), case.model or MISSING),
        (t("Length"), t("{n} tokens", n=row.usage.completion_tokens) if row else MISSING),
        (t("Speed"), speed(row.timings.tokens_per_second) if row else MISSING),
        (t("Time to first token"), seconds(row.timings.ttft_s) if row else MISSING),
        (t("Answer time"), seconds(row.timings.duration_s) if row else MISSING),
        (t("Reviewer"), case.reviewer_name or MISSING),
    ]
    st.html("<dl class='props'>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts) + "</dl>")


def _set_state(portal: Portal, user: User, case: Feedback, key: str) -> None:
    _review(portal, user, case, st.session_state[key], None)
