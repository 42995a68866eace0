"""Write the questions for reviewers, in a dialog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.review.judging.checks import MAX_CHOICES, MAX_DESCRIPTION, MAX_LABEL, MAX_QUESTIONS, TOPS
from core.review.judging.records import Choice, Question, QuestionKind, QuestionSet
from pages.shell.live_part import dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.review.judging.question_words import asked_word, kind_word

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_NEW = "+"


def edit_questions(portal: Portal, user: User) -> None:
    """Ask for the next version of the questions, one question at a time."""

    @dialog(t("Questions for reviewers"), width="large")
    def ask() -> None:
        found = portal.review_questions.current(user)
        known = {each.id: each for each in found.questions}
        st.caption(_about(found))
        options = [*known, *([_NEW] if len(known) < MAX_QUESTIONS else [])]
        key = f"question-{found.version}"
        picked = st.pills(
            t("Question"), options, default=options[0], key=f"{key}-which", label_visibility="collapsed", required=True,
            format_func=lambda id: f":material/add: {t('New question')}" if id == _NEW else plain(asked_word(known[id].label)),
        )  # fmt: skip
        question = known.get(picked or _NEW)
        wanted = _fields(question, f"{key}-{picked}")
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            label = t("Save as version {number}", number=found.version + 1)
            if st.button(label, type="primary", shortcut="Ctrl+Enter", key="question-go"):
                _save(portal, user, found, _with(found.questions, question, wanted))
            if question and len(known) > 1:
                if st.button(t("Ask it first"), type="tertiary", key="question-first", disabled=found.questions[0] is question):
                    _save(portal, user, found, (question, *_without(found.questions, question)))
                if st.button(t("No longer ask it"), type="tertiary", key="question-remove"):
                    _save(portal, user, found, _without(found.questions, question))

    ask()


def _about(found: QuestionSet) -> str:
    said = t("A judgement keeps the questions that it answered. A question's kind stays; a choice with another name is a new choice.")
    if found.saved_at is None:
        return f"{t('These are the questions of a new portal.')} {said}"
    name, when = plain(found.author_name or ""), f"{found.saved_at:%Y-%m-%d}"
    return f"{t('Version {number} by {name}, {when}', number=found.version, name=name, when=when)}. {said}"


def _fields(question: Question | None, key: str) -> Question:
    """Draw the fields of one question, and return what they hold."""
    label = st.text_input(t("Question"), question.label if question else "", max_chars=MAX_LABEL, key=f"{key}-label")
    description = st.text_input(
        t("Description"), question.description if question else "", max_chars=MAX_DESCRIPTION, key=f"{key}-about",
        placeholder=t("Optional. When to choose what"),
    )  # fmt: skip
    kinds = list(QuestionKind)
    kind = st.segmented_control(
        t("Kind"), kinds, default=question.kind if question else QuestionKind.SINGLE, format_func=kind_word, key=f"{key}-kind",
        disabled=question is not None, required=True,
    )  # fmt: skip
    choices: tuple[Choice, ...] = ()
    top = 0
    if kind in (QuestionKind.SINGLE, QuestionKind.SEVERAL):
        text = st.text_area(
            t("Choices, one per line"), "\n".join(each.label for each in question.choices) if question else "", height=170,
            key=f"{key}-choices", help=t("2 to {n} choices. The keys 1 to 9 pick the first nine.", n=MAX_CHOICES),
        )  # fmt: skip
        choices = tuple(Choice("", line.strip()) for line in text.splitlines() if line.strip())
    elif kind is QuestionKind.RATING:
        before = question.top if question else 4
        top = st.select_slider(t("From 1 to"), list(TOPS), before, key=f"{key}-top", disabled=question is not None)
    required = st.checkbox(t("Must be answered"), question.required if question else False, key=f"{key}-required")
    return Question(
        id=question.id if question else "", label=label, kind=kind or QuestionKind.SINGLE, description=description, required=required,
        choices=choices, top=top,
    )  # fmt: skip


def _with(questions: Sequence[Question], before: Question | None, wanted: Question) -> tuple[Question, ...]:
    if before is None:
        return (*questions, wanted)
    return tuple(replace(wanted, id=each.id) if each is before else each for each in questions)


def _without(questions: Sequence[Question], question: Question) -> tuple[Question, ...]:
    return tuple(each for each in questions if each is not question)


def _save(portal: Portal, user: User, found: QuestionSet, questions: Sequence[Question]) -> None:
    try:
        saved = portal.review_questions.save(user, questions, found.version)
    except PortalError as problem:
        st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
        return
    if saved.version != found.version:
        st.toast(t("Version {number} was saved.", number=saved.version), icon=":material/check_circle:")
    st.rerun()
