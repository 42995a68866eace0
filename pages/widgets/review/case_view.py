"""One case: who works on it, the complaint, the rated answer, earlier cases like it, and its history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.chat.records import Author, Message
from core.people.records import User
from core.review.cases.queue import OpenedCase
from core.review.cases.records import CaseEvent, CaseEventKind, CaseLock, ReviewCase
from core.review.records import Feedback
from pages.shell.live_part import callback
from pages.shell.words import t
from pages.widgets.chat.message import plain, show
from pages.widgets.common.formats import ago, size
from pages.widgets.images.image_case import image_case
from pages.widgets.rating.names import rater_word
from pages.widgets.rating.rating_words import reasons_line, score_word
from pages.widgets.review.answers.correction import correction_box
from pages.widgets.review.answers.proposed import proposal_box
from pages.widgets.review.case_actions import action_bar, reply_box
from pages.widgets.review.case_location import PROBLEM, CasePosition, attempt, cursors, go
from pages.widgets.review.case_words import ICONS, MAX_TITLE, became, event_words, title

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def draw_case(
    portal: Portal, user: User, opened: OpenedCase, before: CasePosition | None, after: CasePosition | None, lock: CaseLock | None
) -> None:
    """Draw the case. before, after: its neighbours in the list. lock: of another reviewer who works on it."""
    case, rating = opened.case, opened.case.feedback
    with st.container(key="rvback"):
        st.button(t("All cases"), icon=":material/arrow_back:", type="tertiary", key="rvall", on_click=go, args=(None, cursors()))
    if lock:
        _locked(portal, user, case, lock)
    action_bar(portal, user, case, before, after, locked=lock is not None)
    if problem := st.session_state.pop(PROBLEM, None):
        st.markdown(f":red[:material/error: {plain(problem)}]")
    heading = title(rating, MAX_TITLE)
    st.markdown(f"## {plain(heading)}", anchors=False)
    _quote(rating)
    reply_box(portal, user, case)
    proposal_box(portal, user, case, opened.proposal, locked=lock is not None)
    if rating.run_id:
        image_case(portal, user, rating)
    elif rating.question is None and rating.answer is None:
        st.caption(t("The person deleted this chat. Its question and answer are gone; the rating and its measurements stay."))
    else:
        _thread(portal, user, case, opened.branch, heading)
    if rating.note:
        with st.container(key="rvnotetext", gap="xsmall"):
            st.markdown(f":gray[**{t('Note')}**]")
            st.text(rating.note)
    _alike(opened.alike)
    _history(opened.history)


def _locked(portal: Portal, user: User, case: ReviewCase, lock: CaseLock) -> None:
    with st.container(key="rvlock", horizontal=True, vertical_alignment="center", gap="small"):
        words = t("**{name} is working on this case** since {time} UTC. You can read; changes show here.", name=plain(lock.holder_name),
                  time=f"{lock.since:%H:%M}")  # fmt: skip
        st.markdown(words, width="stretch")
        st.button(t("Take over"), type="tertiary", key="rvtakeover", on_click=callback(_take_over), args=(portal, user, case))


def _take_over(portal: Portal, user: User, case: ReviewCase) -> None:
    attempt(lambda: portal.case_work.start(user, case.number, take_over=True))
    go(case.number, cursors())


def _thread(portal: Portal, user: User, case: ReviewCase, branch: Sequence[Message], heading: str) -> None:
    """Draw the chat before the rated answer, and the answer."""
    rating = case.feedback
    *earlier, question, answer = branch if len(branch) > 1 else (None, None)
    with st.container(key="rvthread", gap="small"):
        if earlier:
            _earlier([each for each in earlier if each])
        if rating.question != heading or (question and question.files):
            with st.container(gap="xsmall", key="rvquestion"):
                st.markdown(f":gray[**{t('Question')}**]")
                if rating.question:
                    st.text(rating.question)
                _files(question)
        with st.container(key="rvanswer", gap="xsmall"):
            st.markdown(f":gray[**{t('Answer')}**]")
            if answer and answer.reasoning:
                with st.expander(t("Thinking"), type="compact"), st.container(key="rvthinking"):
                    st.text(answer.reasoning)
            show(rating.answer or "")
            correction_box(portal, user, case)
        if rating.details.better_answer:
            with st.container(key="rvbetter", gap="xsmall"):
                st.markdown(f":gray[**{t('Better answer, by the rater')}**]")
                show(rating.details.better_answer)


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


def _quote(rating: Feedback) -> None:
    """Draw the comment, on orange for a complaint, on grey for praise."""
    poor = rating.rating < 0
    with st.container(key="rvquote" if poor else "rvpraise", gap="xsmall"):
        icon = "thumb_down" if poor else "thumb_up"
        when = ago(rating.created_at)
        if rating.run_id:
            words = t("corrected the boxes, {when}", when=when) if poor else t("confirmed the boxes, {when}", when=when)
        else:
            words = t("rated this answer poor, {when}", when=when) if poor else t("rated this answer good, {when}", when=when)
        facts = " · ".join(each for each in (words, score_word(rating.details), reasons_line(rating.details)) if each)
        st.markdown(f":material/{icon}: **{rater_word(rating)}** :gray[{facts}]")
        if rating.details.passage:
            st.markdown(f":gray[{t('About this passage:')}] “{plain(rating.details.passage)}”")
        if rating.comment:
            st.text(rating.comment)


def _alike(cases: Sequence[ReviewCase]) -> None:
    """Draw other cases with the same question."""
    if not cases:
        return
    with st.container(key="rvalike", gap="xxsmall"):
        st.markdown(f"### {t('Cases with the same question')}", anchors=False)
        for each in cases:
            said = f" · {plain(each.feedback.comment[:80])}" if each.feedback.comment else ""
            st.button(
                f"{each.number:,} :gray[{became(each)}{said}]", icon=f":material/{ICONS[each.state]}:", type="tertiary", width="stretch",
                wrap=True, key=f"rvalike-{each.number}", on_click=go, args=(each.number, cursors()),
            )  # fmt: skip


def _history(events: Sequence[CaseEvent]) -> None:
    """Draw the history, newest first, collapsed while nobody has worked on the case."""
    with st.container(key="rvhistory", gap="xxsmall"):
        st.markdown(f"### {t('Activity')}", anchors=False)
        for event in reversed([each for each in events if each.kind is not CaseEventKind.OPENED or len(events) < 20]):
            st.markdown(f"{event_words(event)} :gray[{ago(event.at)}]")
